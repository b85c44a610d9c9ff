/**
 * The erasure list of the whole ledger: what every node destroyed, not only this one, made from the ledger itself. Each
 * event is looked at once in a session.
 */
import type { Uuid } from '../crypto/bytes.js';
import { encodeErasedLine } from '../crypto/erasure-lines.js';
import { E } from '../fp.js';
import type { Session } from '../nexus/session.js';
import { streamKeys } from '../nexus/stream-keys.js';
import { type Query, query } from '../sql.js';

interface Destroy {
  readonly position: number;
  readonly streamId: Uuid;
  readonly streamVersion: number;
  readonly epoch: number;
}

const PAGE = 1000;

/** Where to look; what is found there is authenticated as part of its stream. */
const destroysAfter: Query<Destroy> = query(
  'export_destroys_after',
  ({ position, stream_id, stream_version, epoch }) =>
    typeof position === 'number' &&
    typeof stream_id === 'string' &&
    typeof stream_version === 'number' &&
    typeof epoch === 'number'
      ? E.right({ position, streamId: stream_id, streamVersion: stream_version, epoch })
      : E.left('a destroy'),
  `select position, stream_id, stream_version, epoch from events
    where type = 'secret.destroyed' and position > $1 order by position limit ${PAGE}`,
);

export class WholeList {
  readonly #lines = new Set<string>();
  #at = 0;

  /** Every line that the ledger has a reason for by now. */
  async lines(session: Session): Promise<ReadonlySet<string>> {
    for (let more = true; more; ) {
      const page = await session.ports.runner.run(destroysAfter, [this.#at]);
      for (const line of await linesOf(session, page)) this.#lines.add(line);
      this.#at = page.at(-1)?.position ?? this.#at;
      more = page.length === PAGE;
    }
    const { epochs } = session.authority;
    for (const { retired } of epochs.retired)
      this.#lines.add(lineOf(session, retiredIn(session, retired), retired.key));
    return this.#lines;
  }
}

/** With the epoch that it was sealed in: the newest that was open. */
const retiredIn = ({ authority }: Session, { position }: { readonly position: number }) => ({
  ...{ position, epoch: authority.epochs.all.findLast(({ openedBy }) => openedBy < position)?.epoch ?? 1 },
});

/** A stream that destroys often, such as one of a cubbyhole, is read once for a page. */
const linesOf = async (session: Session, page: readonly Destroy[]): Promise<readonly string[]> => {
  const byStream = new Map<Uuid, Destroy[]>();
  for (const destroy of page) {
    const same = byStream.get(destroy.streamId);
    if (same === undefined) byStream.set(destroy.streamId, [destroy]);
    else same.push(destroy);
  }
  const lines: string[] = [];
  for (const [streamId, destroys] of byStream) {
    const keys = await streamKeys(session, streamId, destroys.at(-1)?.streamVersion ?? 0);
    for (const { keyId, destroyedBy } of keys) {
      const destroy = destroys.find(({ streamVersion }) => streamVersion === destroyedBy);
      if (destroy !== undefined) lines.push(lineOf(session, destroy, keyId));
    }
  }
  return lines;
};

const lineOf = (
  { custody }: Session,
  { position, epoch }: Pick<Destroy, 'position' | 'epoch'>,
  keyId: Uuid,
): string => {
  const rowKey = custody.rowKey(epoch);
  if (rowKey === null) throw new Error('no row key serves the epoch of a destroy');
  return encodeErasedLine(rowKey, custody.ledger, { position, keyId });
};
