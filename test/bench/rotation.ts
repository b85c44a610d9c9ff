/** Wrapping every key again: how fast when nobody asks for anything, and what callers notice of it when they do. */
import { randomBytes, randomUuid4 } from '../../src/crypto/random.js';
import { Pace } from '../../src/keys/pace.js';
import { rewrapPass } from '../../src/keys/rewrap.js';
import { insertKeys, keyArrays } from '../../src/ledger/statements.js';
import type { Session } from '../../src/nexus/session.js';
import { withTermLock } from '../../src/operations/terms/locks.js';
import { activateTerm, prepareTerm, systemActor } from '../../src/operations/terms/steps.js';
import type { InProcess } from './in-process.js';
import { figure, floor, perSecond, say } from './report.js';

const AT_ONCE = 2000;
const KEYS = 100_000;
const SECONDS = 5;
const CALLERS = 16;

/** Key rows of bodies that nobody has: to be wrapped again they need no events. */
const fillKeys = async (session: Session, count: number): Promise<void> => {
  const { custody, ports } = session;
  for (let made = 0; made < count; made += AT_ONCE) {
    const rows = Array.from({ length: Math.min(AT_ONCE, count - made) }, () =>
      custody.wrap(randomUuid4(), 1, randomUuid4(), randomBytes(32)),
    );
    await ports.runner.run(insertKeys, keyArrays(rows));
  }
};

interface Rewrapping {
  readonly rows: number;
  readonly seconds: number;
}

/** Begins the next term and wraps all again under it; `during` runs meanwhile, and it is given up when that ends. */
const rewrapAll = async (session: Session, during: Promise<unknown> | null = null): Promise<Rewrapping> => {
  const { custody, authority, ports } = session;
  const measured = await withTermLock(ports.runner, 'rewrap', async () => {
    await prepareTerm(session, systemActor(session, 'bench'));
    const { prepared } = authority.terms;
    if (prepared === null) throw new Error('a term was prepared');
    const lacking = await activateTerm(session, systemActor(session, 'bench'), prepared);
    if (lacking.length > 0) throw new Error('this process holds the new term');
    let going = true;
    void during?.finally(() => {
      going = false;
    });
    const startedAt = performance.now();
    const rows = await rewrapPass(
      {
        ...{ runner: ports.runner, custody, pace: new Pace(() => session.activity) },
        ...{ rewrapped: () => {}, going: () => going, erased: session.erased },
        damaged: error => {
          throw error;
        },
      },
      custody.keyring.livingTerms.filter(term => term !== custody.term),
    );
    return { rows, seconds: (performance.now() - startedAt) / 1000 };
  });
  if (measured === null) throw new Error('another process wraps keys again');
  return measured;
};

const p99 = (sorted: readonly number[]): number => sorted[Math.floor(sorted.length * 0.99)] ?? 0;
const ms = (n: number): string => `${n.toFixed(1)} ms`;

export const rotationFigures = async ({ session, latencies }: InProcess): Promise<void> => {
  say(`\nWrapping ${KEYS.toLocaleString('en')} keys again under a new term`);
  const quiet = await latencies(CALLERS, SECONDS);
  await fillKeys(session, KEYS);
  const idle = await rewrapAll(session);
  const rate = idle.rows / idle.seconds;
  figure('while nobody asks for anything', perSecond(rate), `${idle.seconds.toFixed(1)} s`);
  floor('rewrap when idle ≥ 10,000 rows/s', rate >= 10_000, perSecond(rate));
  const calls = latencies(CALLERS, SECONDS);
  const busy = await rewrapAll(session, calls);
  const times = await calls;
  figure(`under reads and writes of ${CALLERS} callers`, perSecond(busy.rows / busy.seconds));
  figure('p99 of those', ms(p99(times)), `${ms(p99(quiet))} without, ${times.length} requests`);
  floor('p99 under load while keys are wrapped again ≤ 250 ms', p99(times) <= 250, ms(p99(times)));
};
