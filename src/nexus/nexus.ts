/**
 * Nexus: the server's life. Not initialised, sealed, unsealed; and the ways between: init once, unseal with every check
 * of formats.md §3, seal that wipes. It owns the one session; whoever needs keys asks it and may be told "sealed".
 */
import { rm } from 'node:fs/promises';
import type { Authority } from '../authority/authority.js';
import { type Uuid, wipe } from '../crypto/bytes.js';
import type { Header } from '../domain/header.js';
import type { Failure } from '../failure.js';
import { E, type Either } from '../fp.js';
import { openWithPassword, type Pepper } from '../keys/password-slots.js';
import { combineShares, KEY_BYTES, SHARE_BYTES, type Split } from '../keys/shares.js';
import { type OpenedSlot, openSlotRow, openWithKey, type RootKey, splitOf } from '../keys/slots.js';
import { type SlotRow, slotRows } from '../keys/store.js';
import { newestHead } from '../ledger/head.js';
import { IntegrityError } from '../ledger/integrity.js';
import { Attempts } from './attempts.js';
import { believeLedger, LedgerRefused, type Opener } from './believe.js';
import { ledgerRow } from './ledger-row.js';
import { Lockouts } from './lockouts.js';
import type { NexusPorts } from './ports.js';
import type { RecordedRequest } from './recorder.js';
import { appendRecovered } from './recovered.js';
import { Session } from './session.js';
import { ShareProgress } from './share-progress.js';
import { Spool } from './spool.js';

export type UnsealWith = (
  | { readonly key: Buffer }
  | { readonly name: string; readonly password: string }
  /** What a key that somebody else keeps has unwrapped for this slot. */
  | { readonly slotId: Uuid; readonly ikm: Buffer }
) & {
  /** A person accepts that the database is behind what this node saw: the header of the event that says so. */
  readonly acceptRollback?: Header;
  /** Asked when its turn has come: those before it may have guessed wrong. */
  readonly unless?: () => Failure | null;
};

export class Nexus {
  /** At what opens the ledger: slots' passwords, shares, the one-time code. */
  readonly attempts: Attempts;
  /** At the login methods of auth mounts, whose callers often share an address. */
  readonly loginAttempts: Attempts;
  readonly lockouts: Lockouts;
  readonly spool: Spool;
  readonly shares = new ShareProgress();
  /** Whoever waits for a key that opens the ledger says so here. */
  waiting: () => string | null = () => null;
  /** Whoever could open the ledger again by itself is told here that it was closed for a new root key. */
  rootWasLost: () => void = () => undefined;
  #split: { readonly of: Split | null; readonly generation: number } | null = null;
  #session: Session | null = null;
  #initialised = false;
  #changing: Promise<unknown> = Promise.resolve();
  #degraded: string | null = null;
  #sealedByHand = false;

  constructor(readonly ports: NexusPorts) {
    this.attempts = new Attempts(ports.nowMs);
    this.loginAttempts = new Attempts(ports.nowMs, 50, 60_000);
    this.lockouts = new Lockouts(ports.nowMs);
    this.spool = new Spool(ports.files.spool, cause => ports.notice('spool', cause));
  }

  get session(): Session | null {
    return this.#session;
  }

  /** Why the server does not serve although it was asked to, or serves with a limit; operator's words. */
  get degraded(): readonly string[] {
    const refusing = this.#session?.appender.refusing ?? null;
    const troubles = this.#session?.troubles.values() ?? [];
    return [this.#degraded, refusing, this.waiting(), ...troubles].filter(reason => reason !== null);
  }

  /** It was open, and somebody sealed it: nothing but a person opens it again. */
  get sealedByHand(): boolean {
    return this.#sealedByHand;
  }

  /** Asks the database until there is a ledger; after that it stays true. */
  async initialised(): Promise<boolean> {
    this.#initialised ||= (await this.ports.database.writer.run(newestHead)).length > 0;
    return this.#initialised;
  }

  /** One at a time: init, unseal and seal never overlap. */
  exclusive<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#changing.then(work, work);
    this.#changing = mine.catch(() => undefined);
    return mine;
  }

  /** Right: unsealed (also when it was before). Left: one answer for every wrong key or password. */
  unseal(how: UnsealWith): Promise<Either<Failure, null>> {
    return this.#unsealing(async () => {
      const refusal = how.unless?.() ?? null;
      return refusal === null ? this.#open(how) : E.left(refusal);
    });
  }

  #unsealing(open: () => Promise<Either<Failure, null>>): Promise<Either<Failure, null>> {
    return this.exclusive(async () => {
      if (this.#session !== null) return E.right(null);
      if (!(await this.initialised())) return E.left({ kind: 'not-initialised' });
      try {
        return await open();
      } catch (error) {
        if (!(error instanceof LedgerRefused) && !(error instanceof IntegrityError)) throw error;
        this.#degraded = error.message;
        this.ports.notice('unseal', error);
        const position = error instanceof IntegrityError ? error.position : null;
        return E.left({ kind: 'integrity', what: error.message, position });
      }
    });
  }

  async #open(how: UnsealWith): Promise<Either<Failure, null>> {
    const { writer } = this.ports.database;
    const ledger = await ledgerRow(writer, this.ports.files.ledgerId);
    const rows = await writer.run(slotRows);
    this.#remember(rows);
    if ('key' in how && how.key.length === SHARE_BYTES)
      return this.#share(ledger, rows, how.key, how.acceptRollback ?? null);
    if ('key' in how && how.key.length !== KEY_BYTES)
      return E.left({
        kind: 'bad-credentials',
        message: `a share has ${SHARE_BYTES} bytes, any other key ${KEY_BYTES}; this one has ${how.key.length}: it was cut or mistyped`,
      });
    for (let left = rows; ; ) {
      const opened = await openedWith(ledger, left, how, this.ports.peppers);
      if (opened === null) return E.left({ kind: 'bad-credentials', message: 'no slot opens with that' });
      const { slotId } = opened;
      const nameFits = ({ slots }: Authority): boolean => !('name' in how) || slots.get(slotId)?.name === how.name;
      const begun = await this.#begin(ledger, opened, rows, nameFits, how.acceptRollback ?? null);
      // Whose slot it is shows only now, and somebody else may have the same password.
      if (!('name' in how) || begun._tag === 'Right' || begun.left.kind !== 'bad-credentials') return begun;
      left = left.filter(row => row.slotId !== slotId);
    }
  }

  /** One more share. Right while more are needed, too: then there is still no session. */
  async #share(
    ledger: Buffer,
    rows: readonly SlotRow[],
    share: Buffer,
    acceptRollback: Header | null,
  ): Promise<Either<Failure, null>> {
    const threshold = splitOf(rows)?.threshold ?? 1;
    if (threshold === 1)
      return E.left({ kind: 'bad-credentials', message: 'this ledger is not opened by several shares' });
    if (share.at(-1) === 0)
      return E.left({ kind: 'bad-credentials', message: 'the share is damaged: no share has the number 0' });
    if (this.shares.add(share) === 'conflict')
      return E.left({
        kind: 'bad-credentials',
        message: 'a different share of the same number was given before: one is damaged or of another set; reset',
      });
    if (this.shares.count < threshold) return E.right(null);
    const key = await combineShares(this.shares.shares);
    this.shares.reset();
    const opened = openWithKey(ledger, rows, key);
    wipe(key);
    if (opened === null)
      return E.left({
        kind: 'bad-credentials',
        message:
          'the shares do not open this ledger: at least one is damaged, of an older set, or of another ledger; the attempt was reset',
      });
    return this.#begin(ledger, opened, rows, () => true, acceptRollback);
  }

  /** How many shares there are and how many open it; null when none do. Read again when the key store changed. */
  async split(): Promise<Split | null> {
    if (this.#split === null || this.#split.generation !== this.#generation)
      this.#remember(await this.ports.database.writer.run(slotRows));
    return this.#split?.of ?? null;
  }

  /** Of the key store as far as this process knows it; 0 while sealed. */
  get #generation(): number {
    return this.#session?.authority.keystore?.generation ?? 0;
  }

  #remember(rows: readonly SlotRow[]): void {
    this.#split = { of: splitOf(rows), generation: this.#generation };
  }

  /** The root key from a process of this node that has unsealed: every other check of unseal is made here too. */
  async adopt(root: RootKey): Promise<Either<Failure, null>> {
    if (this.#session !== null) {
      await this.#session.roots.told(root);
      return E.right(null);
    }
    return this.#unsealing(async () => {
      const { writer } = this.ports.database;
      const ledger = await ledgerRow(writer, this.ports.files.ledgerId);
      return this.#begin(ledger, { root, slotId: null }, await writer.run(slotRows), () => true, null);
    });
  }

  async #begin(
    ledger: Buffer,
    opener: Opener,
    rows: readonly SlotRow[],
    fits: (authority: Authority) => boolean,
    acceptRollback: Header | null,
  ): Promise<Either<Failure, null>> {
    const believed = await believeLedger(this.ports, ledger, opener, rows, acceptRollback !== null);
    const { custody, authority, known, erasureList, lost, stated, snapshotCount } = believed;
    if (!fits(authority)) {
      custody.wipe();
      return E.left({ kind: 'bad-credentials', message: 'no slot opens with that' });
    }
    const session = new Session(custody, authority, known, erasureList, this.ports.sessionPorts(), snapshotCount);
    if (lost !== null && acceptRollback !== null) {
      // What comes now lies at positions that were looked at in the history that is lost.
      await rm(this.ports.files.erasureListSeen, { force: true });
      const recorded = await appendRecovered(session, lost, acceptRollback, rows, stated);
      if (recorded._tag === 'Left') {
        await session.close({ kind: 'sealed' });
        return recorded;
      }
    }
    // Not before: a rollback that is not on record has not been accepted.
    session.remember();
    this.#session = session;
    this.#degraded = null;
    this.#sealedByHand = false;
    await this.spool.drain(async requests => {
      for (const request of requests) session.recorder.record(request);
      await session.recorder.flush();
    });
    this.ports.unsealed(session);
    return E.right(null);
  }

  /** Answers what waits, appends the last records, wipes every key. Sealed already: nothing. */
  seal(): Promise<void> {
    return this.exclusive(async () => {
      const session = this.#session;
      if (session === null) return;
      this.#sealedByHand = true;
      await this.#close(session);
    });
  }

  /** Another process rotated the root key, and this one was not told the new one. */
  loseRoot(session: Session): Promise<void> {
    return this.exclusive(async () => {
      if (this.#session !== session) return;
      this.#degraded =
        'the root key was rotated elsewhere: this node was sealed, and has to be unsealed with what opens the new one';
      await this.#close(session, true);
      this.rootWasLost();
    });
  }

  async #close(session: Session, away = false): Promise<void> {
    this.#session = null;
    this.ports.sealing(session);
    await session.close({ kind: 'sealed' }, away);
  }

  /** Into the ledger while unsealed, into the spool otherwise. */
  record(request: RecordedRequest): void {
    if (this.#session !== null) this.#session.recorder.record(request);
    else this.spool.record(request);
  }
}

const openedWith = async (
  ledger: Buffer,
  rows: readonly SlotRow[],
  how: UnsealWith,
  peppers: readonly Pepper[],
): Promise<OpenedSlot | null> => {
  if ('key' in how) return openWithKey(ledger, rows, how.key);
  if ('name' in how) return openWithPassword(ledger, rows, how.password, peppers);
  const row = rows.find(({ slotId }) => slotId === how.slotId);
  return row === undefined ? null : openSlotRow(ledger, row, how.ikm);
};
