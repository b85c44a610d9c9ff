/**
 * Sealed snapshots of authority, which shorten a start: the newest two are kept, and that at which authority can begin at the
 * earliest once header epochs are retired, each in parts (formats.md §1). A part opens
 * only as of the head that the ledger had at that size, so a snapshot of another history, or parts of two, are of no use; and
 * what is folded on top of it must still end in the chain of the newest head.
 */
import type { Authority } from '../authority/authority.js';
import { Restoring, type SnapshotParts, snapshotOf } from '../authority/snapshot.js';
import { type BoxKey, open, seal } from '../crypto/box.js';
import { constantTimeEqual, wipe } from '../crypto/bytes.js';
import { snapshotContext } from '../crypto/contexts.js';
import { E } from '../fp.js';
import type { Custody } from '../keys/custody.js';
import { believeHead, type Head, headContaining, headOfSize } from '../ledger/head.js';
import { IntegrityError } from '../ledger/integrity.js';
import { anyRow, noRow, type Query, query, type Runner } from '../sql.js';
import type { Session } from './session.js';

const complete: Query<{ readonly position: number; readonly parts: number }> = query(
  'snapshots_complete',
  ({ position, parts }) =>
    typeof position === 'number' && typeof parts === 'number'
      ? E.right({ position, parts })
      : E.left('a snapshots row'),
  `select position, parts
     from snapshots
    group by position, parts
   having count(*) = parts
    order by position desc
    limit 8`,
);

/** One at a time: a part on its way is four times its size, and the sum of what is loaded is to be most of what is held. */
const partAt: Query<Buffer> = query(
  'snapshots_part_at',
  ({ box }) => (Buffer.isBuffer(box) ? E.right(box) : E.left('a snapshots row')),
  'select box from snapshots where position = $1 and part = $2',
);

const wholeAt: Query<number> = query(
  'snapshots_whole_at',
  ({ parts }) => (typeof parts === 'number' ? E.right(parts) : E.left('a snapshots row')),
  'select parts from snapshots where position = $1 group by parts having count(*) = parts',
);

export interface SnapshotRow {
  readonly position: number;
  readonly part: number;
  readonly parts: number;
  readonly box: Buffer;
}

export const snapshotRows: Query<SnapshotRow> = query(
  'snapshots_rows_of',
  ({ position, part, parts, box }) =>
    typeof position === 'number' && typeof part === 'number' && typeof parts === 'number' && Buffer.isBuffer(box)
      ? E.right({ position, part, parts, box })
      : E.left('a snapshots row'),
  'select position, part, parts, box from snapshots where position = $1 order by part',
);

const putPart: Query<never> = query(
  'snapshots_put',
  noRow,
  'insert into snapshots (position, part, parts, box) values ($1, $2, $3, $4)',
);

/** What was begun and never finished. */
const deleteUnfinished: Query<never> = query(
  'snapshots_delete_unfinished',
  noRow,
  `delete from snapshots
    where position in (select position from snapshots group by position, parts having count(*) < parts)`,
);

const deleteOthers: Query<never> = query(
  'snapshots_delete_others',
  noRow,
  'delete from snapshots where position <> all ($1::bigint[])',
);

/** One process of a ledger writes at a time; the others let it. */
const tryLock: Query<boolean> = query(
  'snapshots_try_lock',
  ({ locked }) => (typeof locked === 'boolean' ? E.right(locked) : E.left('a lock')),
  "select pg_try_advisory_lock(hashtext('tallystick snapshots'), hashtext(current_schema())) as locked",
);
const unlock: Query<null> = query(
  'snapshots_unlock',
  anyRow,
  "select pg_advisory_unlock(hashtext('tallystick snapshots'), hashtext(current_schema()))",
);

export interface Restored {
  readonly authority: Authority;
  /** The head as of which it is exact. */
  readonly head: Head;
}

/** The newest snapshot that is whole and genuine; null: none, and lane 1 is folded from its first event. */
export const newestSnapshot = async (
  runner: Runner,
  custody: Custody,
  unusable: (position: number) => void,
): Promise<Restored | null> => {
  for (const { position } of await runner.run(complete)) {
    const restored = await snapshotAt(runner, custody, position);
    if (restored !== null) return restored;
    unusable(position);
  }
  return null;
};

/** Null: there is none of that position, or it is not whole and genuine. */
export const snapshotAt = async (runner: Runner, custody: Custody, position: number): Promise<Restored | null> => {
  const [[stored], [parts]] = [await runner.run(headOfSize, [position]), await runner.run(wholeAt, [position])];
  if (stored === undefined || parts === undefined) return null;
  const head = believeHead(custody, stored);
  const authority = await restore(runner, custody, head, parts);
  return authority === null ? null : { authority, head };
};

const restore = async (runner: Runner, custody: Custody, head: Head, parts: number): Promise<Authority | null> => {
  const key = custody.keyring.snapshotKey;
  const restoring = new Restoring(custody);
  for (let part = 1; part <= parts; part += 1) {
    const [box] = await runner.run(partAt, [head.size, part]);
    const context = snapshotContext(head.size, head.authorityCount, head.authorityChain, part, parts);
    const bytes = box === undefined ? null : open('snapshot', key, custody.ledger, context, box);
    if (bytes === null) return null;
    restoring.take(bytes);
    wipe(bytes);
  }
  return restoring.authority();
};

interface Frozen {
  /** Authority as of one moment. */
  readonly parts: SnapshotParts;
  /** The head as of which it is exact. */
  readonly head: Head;
}

/** Of one turn, whatever is appended meanwhile. Where reads folded lane 1 beyond the known head, it is that of the last such batch. */
const frozen = async (runner: Runner, session: Session): Promise<Frozen> => {
  const { custody, known, authority } = session;
  const [{ head, authorityCount, chain }, { position }] = [known, authority];
  const parts = snapshotOf(authority);
  try {
    if (authorityCount === head.authorityCount) return { parts, head };
    const [stored] = await runner.run(headContaining, [position]);
    if (stored === undefined) throw new IntegrityError('batch', position);
    const ended = believeHead(custody, stored);
    if (ended.authorityCount === authorityCount) {
      if (!constantTimeEqual(ended.authorityChain, chain)) throw new IntegrityError('authority chain', ended.size);
      return { parts, head: ended };
    }
  } catch (error) {
    parts.done();
    throw error;
  }
  // Some read is between two pages of one batch.
  parts.done();
  await session.catchUp();
  return frozen(runner, session);
};

/**
 * Where it is of. Null: another process is at it, or has one that is as new. `ahead` = the key of a keyring that is about to
 * be: as long as it is not, the older snapshots are those that count, and none of them is deleted.
 */
export const writeSnapshot = (session: Session, ahead: BoxKey<'snapshot'> | null = null): Promise<number | null> =>
  session.ports.runner.session(async connection => {
    const [locked] = await connection.run(tryLock);
    if (locked !== true) return null;
    try {
      const { custody, authority } = session;
      const there = await connection.run(complete);
      const { head, parts } = await frozen(connection, session);
      try {
        if (there.some(({ position }) => position >= head.size)) return null;
        await connection.run(deleteUnfinished);
        for (let part = 1, bytes = parts.next(); bytes !== null; part += 1, bytes = parts.next()) {
          const context = snapshotContext(head.size, head.authorityCount, head.authorityChain, part, parts.count);
          const key = ahead ?? custody.keyring.snapshotKey;
          const box = seal('snapshot', key, custody.ledger, context, bytes);
          wipe(bytes);
          if (session.closed) return null;
          await connection.run(putPart, [head.size, part, parts.count, box]);
        }
      } finally {
        parts.done();
      }
      if (ahead !== null) return head.size;
      const before = there.map(({ position }) => position).slice(0, 1);
      await connection.run(deleteOthers, [
        [head.size, ...before, ...(authority.base === null ? [] : [authority.base])],
      ]);
      return head.size;
    } finally {
      await connection.run(unlock);
    }
  });

const LOOK_EVERY_MS = 30_000;
/** A start folds so many events in well under a second. */
const EVENTS_MIN = 5000;
/** A snapshot of a million tokens is written again when a tenth of them changed. */
const SHARE = 0.1;

/** Looks twice a minute whether lane 1 grew enough. Returns the way to stop. */
export const keepSnapshots = (session: Session, failed: (cause: unknown) => void): (() => void) => {
  let [from, busy] = [session.snapshotCount, false];
  const look = async (): Promise<void> => {
    const { head, authorityCount } = session.known;
    if (busy || session.closed) return;
    if (authorityCount - from < Math.max(EVENTS_MIN, session.authority.tokens.size * SHARE)) return;
    busy = true;
    try {
      const count = head.authorityCount;
      // Another process's snapshot is as good: the next look is at what comes after it.
      await writeSnapshot(session);
      from = count;
    } finally {
      busy = false;
    }
  };
  const timer = setInterval(() => void look().catch(failed), LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
};
