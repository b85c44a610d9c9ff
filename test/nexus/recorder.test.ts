/** Records that cannot be appended, and a session that ends meanwhile: nothing is sealed with keys that are gone. */
import * as t from 'io-ts';
import * as assert from 'uvu/assert';
import { randomBytes } from '../../src/crypto/random.js';
import type { Failure } from '../../src/failure.js';
import { E, type Either } from '../../src/fp.js';
import { Custody } from '../../src/keys/custody.js';
import { openBlock } from '../../src/keys/event-sealer.js';
import { newKeyring } from '../../src/keys/keyring.js';
import type { Command } from '../../src/ledger/command.js';
import { Recorder } from '../../src/nexus/recorder.js';
import { describe } from '../support/describe.js';
import { until } from '../support/until.js';

const custodyOf = (): Custody => {
  const custody = new Custody(randomBytes(16), randomBytes(32), newKeyring(0, 1), new Map());
  custody.addEpoch(1, randomBytes(32));
  return custody;
};
const record = { v: 1, at: Date.now() * 1000, op: 'auth.login', outcome: 'denied' } as const;

const NO_VIEW = { size: 0, recordedAt: 0, state: () => null, streamVersion: () => 0, movedSince: () => false };

const Line = t.intersection([t.type({ op: t.string }), t.partial({ path: t.string, dropped: t.number })]);

/** A recorder, and the lines of all blocks that were appended; the first `failures` of them are not. */
const appending = (failures = 0) => {
  const custody = custodyOf();
  const blocks: (Buffer | null)[] = [];
  let left = failures;
  const submit = async <R>(command: Command<null, R>): Promise<Either<Failure, R>> => {
    left -= 1;
    if (left >= 0) return E.left({ kind: 'database-unavailable', during: 'append', cause: null });
    const decision = command.decide(NO_VIEW);
    if (decision.kind !== 'append') return E.left({ kind: 'sealed' });
    for (const { sealed } of decision.events) blocks.push(openBlock(custody, sealed, sealed.body ?? Buffer.alloc(0)));
    return E.right(decision.result([]));
  };
  const recorder = new Recorder<null>(custody, { submit }, Date.now, () => undefined);
  const lines = () =>
    blocks.flatMap(block => {
      assert.ok(block !== null, 'a block cannot be read');
      const texts = block.toString('utf8').trimEnd().split('\n');
      return texts.map(text => {
        const line: unknown = JSON.parse(text);
        assert.ok(Line.is(line));
        return line;
      });
    });
  return { recorder, lines };
};

describe('the recorder', test => {
  test('of a session that ended while the database was away seals nothing any more', async () => {
    const custody = custodyOf();
    const asked: Command<null, unknown>[] = [];
    let refuse: () => void = () => undefined;
    const refused = new Promise<void>(resolve => {
      refuse = resolve;
    });
    const away = {
      submit: async <R>(command: Command<null, R>) => {
        asked.push(command);
        await refused;
        return E.left({ kind: 'database-unavailable', during: 'append', cause: null } as const);
      },
    };
    const failures: unknown[] = [];
    const recorder = new Recorder<null>(custody, away, Date.now, cause => failures.push(cause));
    recorder.record(record);
    await until('its second is over', () => asked.length === 1);
    const closing = recorder.close();
    recorder.record(record);
    refuse();
    await closing;
    custody.wipe();
    const [attempts, known] = [asked.length, failures.length];
    assert.is(known, attempts, 'each attempt is told of');
    await new Promise(resolve => setTimeout(resolve, 1100));
    assert.equal([asked.length, failures.length], [attempts, known]);
    recorder.record(record);
    await recorder.flush();
  });

  test('leaves blocks that can be read again, however long their lines are', async () => {
    const { recorder, lines } = appending();
    const path = 'secret/data/'.padEnd(8192, '"');
    for (let i = 0; i < 5000; i += 1) recorder.record({ ...record, actor: { id: 'somebody' }, path });
    await recorder.close();
    assert.is(lines().length, 5000);
  });

  test('holds only so much of what waits for the database, and counts the rest', async () => {
    const { recorder, lines } = appending();
    const path = 'secret/data/'.padEnd(8192, '"');
    for (let i = 0; i < 9000; i += 1) recorder.record({ ...record, actor: { id: 'somebody' }, path });
    await recorder.close();
    const dropped = lines().reduce((sum, line) => sum + (line.dropped ?? 0), 0);
    assert.is(lines().filter(line => line.path === path).length + dropped, 9000);
    assert.ok(dropped > 0 && dropped < 5000, `${dropped} dropped`);
  });

  for (const why of ['credentials', 'paused', 'token', 'certificate', 'wrapping-token', 'quota'])
    test(`lets nobody who shows no token fill blocks with refusals for ${why}, nor hide others by them`, async () => {
      const { recorder, lines } = appending();
      for (let i = 0; i < 500; i += 1) recorder.record({ ...record, path: 'p'.padEnd(1000, 'x'), reason_code: why });
      recorder.record({ ...record, reason_code: 'bad-token' });
      recorder.record({ ...record, reason_code: why, actor: { id: 'somebody' } });
      await recorder.close();
      const [of, others] = [lines().filter(line => line.path), lines().filter(line => !line.path)];
      assert.ok(of.length > 30 && of.length <= 66, `${of.length} lines`);
      assert.equal([others.length, others.at(-1)?.dropped], [3, 500 - of.length]);
    });

  test('tries again by itself when the database is back', async () => {
    const { recorder, lines } = appending(1);
    recorder.record(record);
    await until('it tried twice', () => lines().length === 1);
    await recorder.close();
    assert.is(lines().length, 1);
  });
});
