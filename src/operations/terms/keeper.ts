/**
 * Carries rotations on: looks every few seconds at what lane 1 says is to be done next, and does it. Any node may, one at a
 * time does; there is no state of its own to lose. What it waits for is said in the server's health.
 */
import type { Term } from '../../domain/erasure/terms.js';
import { Pace } from '../../keys/pace.js';
import { rewrapPass, rowsByTerm } from '../../keys/rewrap.js';
import { KmsError } from '../../kms/kms.js';
import type { Session } from '../../nexus/session.js';
import { Refused } from '../app.js';
import { withTermLock } from './locks.js';
import { GRACE_MS_MIN, rotationSettings } from './settings.js';
import { activateTerm, confirmDestroyed, endTerm, prepareTerm, recordRewrapped, systemActor } from './steps.js';
import { waitingForCopies, waitingForNodes } from './words.js';

export interface KeeperPorts {
  readonly notice: (what: string, cause: unknown) => void;
  readonly rewrapped: (rows: number) => void;
  /** Health asks for a copy of the active term's erasure key that is kept elsewhere, until there is one. */
  readonly wantsEscrow: boolean;
}

const LOOK_EVERY_MS = 2000;
/** Whether copies of an ended term's erasure key are left: nodes tell within seconds, people and key services take longer. */
const ASK_AGAIN_MS = 5000;

/** Returns the way to stop. */
export const keepTerms = (session: Session, ports: KeeperPorts): (() => void) => {
  const keeper = new TermKeeper(session, ports);
  return () => keeper.stop();
};

class TermKeeper {
  readonly #timer: NodeJS.Timeout;
  #looking: Promise<void> | null = null;
  #stopped = false;
  readonly #askAgainAt = new Map<number, number>();
  /** Terms that are to end, and under which rows lie again. */
  readonly #late = new Set<number>();

  constructor(
    readonly session: Session,
    readonly ports: KeeperPorts,
  ) {
    this.#timer = setInterval(() => void this.look(), LOOK_EVERY_MS);
    this.#timer.unref();
  }

  /** Does what can be done now; of several that ask, one look serves all. Never rejects. */
  look(): Promise<void> {
    this.#looking ??= this.#advance()
      .catch(cause => {
        // Somebody was first: what is left to do is seen at the next look.
        if (cause instanceof Refused || this.#stopped) return;
        if (cause instanceof KmsError) this.#say('key service', cause.message);
        this.ports.notice('rotating keys', cause);
      })
      .finally(() => {
        this.#looking = null;
      });
    return this.#looking;
  }

  /** What is under way ends at its next step: each is whole or not at all. */
  stop(): void {
    this.#stopped = true;
    clearInterval(this.#timer);
  }

  get #going(): boolean {
    return !this.#stopped && !this.session.closed;
  }

  async #advance(): Promise<void> {
    const { session } = this;
    this.#say('own', ownTrouble(session));
    this.#say('escrow', this.ports.wantsEscrow ? escrowTrouble(session) : null);
    this.#forget();
    if (!isUnderWay(session)) return;
    await session.catchUp();
    if (this.#going) await withTermLock(session.ports.runner, 'step', () => this.#steps());
    if (this.#going) await withTermLock(session.ports.runner, 'rewrap', () => this.#rewrap());
  }

  /** Whatever this node waited for, another one may have brought about. */
  #forget(): void {
    const { terms } = this.session.authority;
    if (terms.prepared === null) this.#say('nodes', null);
    if (this.#late.size === 0 && !terms.all.some(isOpen)) this.#say('damaged keys', null);
    for (const term of terms.all) if (!waitsForCopies(this.session, term)) this.#say(`copies ${term.term}`, null);
  }

  async #steps(): Promise<void> {
    const { session } = this;
    const { terms } = session.authority;
    if (rotationIsDue(session)) await prepareTerm(session, systemActor(session, 'keys.rotate'));
    this.#say('key service', null);
    const { prepared } = terms;
    const lacking =
      prepared === null ? [] : await activateTerm(session, systemActor(session, 'keys.activate'), prepared);
    this.#say('nodes', prepared === null ? null : waitingForNodes(prepared.term, lacking));
    this.#late.clear();
    for (const term of terms.all)
      if (this.#going && graceIsOver(session, term) && (await endTerm(session, term)) > 0) this.#late.add(term.term);
    for (const term of terms.all) if (this.#going && waitsForCopies(session, term)) await this.#confirm(term);
  }

  /** Asked again only now and then: a copy may be left for weeks. */
  async #confirm(term: Term): Promise<void> {
    const now = this.session.ports.nowMs();
    if (now < (this.#askAgainAt.get(term.term) ?? 0)) return;
    this.#askAgainAt.set(term.term, now + ASK_AGAIN_MS);
    this.#say(`copies ${term.term}`, waitingForCopies(term.term, await confirmDestroyed(this.session, term)));
  }

  async #rewrap(): Promise<void> {
    const { session, ports } = this;
    const old = (): readonly Term[] =>
      session.authority.terms.all.filter(term => isOpen(term) || this.#late.has(term.term));
    if (old().length === 0) return;
    const pace = new Pace(() => session.activity);
    let damaged = 0;
    const pass = {
      ...{ runner: session.ports.runner, custody: session.custody, pace, rewrapped: ports.rewrapped },
      erased: session.erased,
      going: () => this.#going,
      damaged: (error: unknown) => {
        damaged += 1;
        if (damaged === 1) ports.notice('wrapping keys again', error);
      },
    };
    let rows = 0;
    do {
      damaged = 0;
      rows = await rewrapPass(
        pass,
        old().map(({ term }) => term),
      );
    } while (rows > 0 && this.#going);
    this.#say('damaged keys', damaged === 0 ? null : `${damaged} key rows do not open under their term: see the log`);
    const left = new Set((await session.ports.runner.run(rowsByTerm)).map(({ term }) => term));
    for (const term of old())
      if (this.#going && isOpen(term) && !left.has(term.term)) await recordRewrapped(session, term);
  }

  #say(about: string, trouble: string | null): void {
    const { troubles } = this.session;
    if (trouble === null) troubles.delete(`terms: ${about}`);
    else troubles.set(`terms: ${about}`, trouble);
  }
}

const ownTrouble = (session: Session): string | null => {
  const { lacking } = session.terms;
  return lacking.length === 0
    ? null
    : `the erasure key of term ${lacking.join(', ')} is not in ${session.ports.erasureKeys.name}: copy its line from another node`;
};

/** Losing an erasure key loses every value: the only copies must not be those of servers. */
const escrowTrouble = ({ authority, ports }: Session): string | null => {
  const term = authority.keystore?.term ?? 1;
  if (ports.erasureKeys.keptElsewhere || authority.terms.escrowsOf(term).length > 0) return null;
  return `nobody keeps a copy of the erasure key of term ${term}: tally keys escrow`;
};

/** Keys may lie under it, and are to be wrapped again. */
const isOpen = ({ followedAt, rewrappedAt }: Term): boolean => followedAt !== null && rewrappedAt === null;

const waitsForCopies = ({ ports }: Session, { endedAt, destroyedAt }: Term): boolean =>
  endedAt !== null && destroyedAt === null && ports.erasureKeys.erases;

/** Told from memory: while there is nothing to do, nobody is asked for anything. */
const isUnderWay = (session: Session): boolean => {
  const { all, prepared } = session.authority.terms;
  return (
    prepared !== null ||
    rotationIsDue(session) ||
    all.some(term => isOpen(term) || graceIsOver(session, term) || waitsForCopies(session, term))
  );
};

const rotationIsDue = (session: Session): boolean => {
  const { terms, keystore, rotations } = session.authority;
  const { activatedAt: active = null, preparedAt = 0 } = terms.get(keystore?.term ?? 0) ?? {};
  const { enabled, intervalMs } = rotationSettings(session.authority);
  // The active term's share lay in a keyring that an earlier root key opens.
  if (terms.prepared === null && preparedAt < (rotations.at(-1)?.recordedAt ?? 0)) return true;
  if (!enabled || active === null || terms.prepared !== null || !session.ports.erasureKeys.erases) return false;
  return session.ports.nowMs() * 1000 >= active + intervalMs * 1000;
};

const graceIsOver = (session: Session, { rewrappedAt, endedAt }: Term): boolean => {
  if (rewrappedAt === null || endedAt !== null) return false;
  const grace = Math.max(GRACE_MS_MIN, rotationSettings(session.authority).backupRetentionMs);
  return session.now() >= rewrappedAt + grace * 1000;
};
