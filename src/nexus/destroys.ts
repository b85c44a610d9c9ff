/**
 * What the ledger destroyed, whichever node did it: each key with where that was recorded. A page says where to look; what is
 * found there is authenticated as part of its stream.
 */
import type { Uuid } from '../crypto/bytes.js';
import type { Erased } from '../crypto/erasure-lines.js';
import { E } from '../fp.js';
import { type Query, query } from '../sql.js';
import type { Session } from './session.js';
import { streamKeys } from './stream-keys.js';

export interface DestroyedKey extends Erased {
  /** Of the event that destroyed it. */
  readonly epoch: number;
}

export interface DestroyPage {
  readonly keys: readonly DestroyedKey[];
  /** Everything up to here was looked at. */
  readonly upTo: number;
  readonly last: boolean;
}

interface Destroy {
  readonly position: number;
  readonly streamId: Uuid;
  readonly streamVersion: number;
  readonly epoch: number;
}

const PAGE = 1000;

const destroysAfter: Query<Destroy> = query(
  'ledger_destroys_after',
  ({ position, stream_id, stream_version, epoch }) =>
    typeof position === 'number' &&
    typeof stream_id === 'string' &&
    typeof stream_version === 'number' &&
    typeof epoch === 'number'
      ? E.right({ position, streamId: stream_id, streamVersion: stream_version, epoch })
      : E.left('a destroy'),
  `select position, stream_id, stream_version, epoch from events
    where type = 'secret.destroyed' and position > $1 and position <= $2 order by position limit ${PAGE}`,
);

/** The next page of what lies behind `after`, up to the head that this process knows; `passed` over are those it names. */
export const keysDestroyedAfter = async (
  session: Session,
  after: number,
  passed: (position: number) => boolean = () => false,
): Promise<DestroyPage> => {
  const { size } = session.known.head;
  const page = await session.ports.runner.run(destroysAfter, [after, size]);
  const last = page.length < PAGE;
  const keys = await keysOf(
    session,
    page.filter(({ position }) => !passed(position)),
  );
  return { keys, last, upTo: last ? Math.max(after, size) : (page.at(-1)?.position ?? size) };
};

/** A stream that destroys often, such as one of a cubbyhole, is read once for a page. */
const keysOf = async (session: Session, page: readonly Destroy[]): Promise<readonly DestroyedKey[]> => {
  const byStream = new Map<Uuid, Destroy[]>();
  for (const destroy of page) {
    const same = byStream.get(destroy.streamId);
    if (same === undefined) byStream.set(destroy.streamId, [destroy]);
    else same.push(destroy);
  }
  const destroyed: DestroyedKey[] = [];
  for (const [streamId, destroys] of byStream)
    for (const { keyId, destroyedBy } of await streamKeys(session, streamId, destroys.at(-1)?.streamVersion ?? 0)) {
      const destroy = destroys.find(({ streamVersion }) => streamVersion === destroyedBy);
      if (destroy !== undefined) destroyed.push({ keyId, position: destroy.position, epoch: destroy.epoch });
    }
  return destroyed;
};

/** Of header epochs that were retired, each with the epoch that its end was sealed in: the newest that was open then. */
export const retiredKeys = ({ authority: { epochs } }: Session): readonly DestroyedKey[] =>
  epochs.retired.map(({ retired: { key, position } }) => ({
    ...{ keyId: key, position },
    epoch: epochs.all.findLast(({ openedBy }) => openedBy < position)?.epoch ?? 1,
  }));
