/**
 * The ledger's head: the newest row of `batches`. It is believed only when its MAC is right, its frontier gives its root,
 * and it is not behind what this node has seen (formats.md §8, §9.2).
 */
import { constantTimeEqual } from '../crypto/bytes.js';
import { headMac } from '../crypto/event-hash.js';
import { frontierBytes, frontierOf, rootOf } from '../crypto/merkle.js';
import { E } from '../fp.js';
import { type Query, query, type RawRow, type RowDecoder } from '../sql.js';
import type { RowKeys } from './event.js';
import { IntegrityError } from './integrity.js';

export interface Head {
  /** How many events there are: the newest position. */
  readonly size: number;
  readonly prevSize: number | null;
  readonly root: Buffer;
  readonly frontier: readonly Buffer[];
  /** µs since 1970 */
  readonly lastRecordedAt: number;
  readonly authorityCount: number;
  readonly authorityChain: Buffer;
  readonly keyringGeneration: number;
  readonly epoch: number;
}

export interface StoredHead extends Omit<Head, 'frontier'> {
  readonly frontierBytes: Buffer;
  readonly headMac: Buffer;
}

const HEAD_COLUMNS =
  'size, prev_size, root, frontier, last_at, authority_count, authority_chain, keyring_generation, epoch, head_mac';

export const decodeHead = (raw: RawRow): StoredHead | null => {
  const { size, prev_size: prevSize, root, frontier, last_at: lastAt, epoch, head_mac: mac } = raw;
  const { authority_count: count, authority_chain: chain, keyring_generation: generation } = raw;
  if (
    typeof size !== 'number' ||
    (prevSize !== null && typeof prevSize !== 'number') ||
    !Buffer.isBuffer(root) ||
    !Buffer.isBuffer(frontier) ||
    typeof lastAt !== 'number' ||
    typeof count !== 'number' ||
    !Buffer.isBuffer(chain) ||
    typeof generation !== 'number' ||
    typeof epoch !== 'number' ||
    !Buffer.isBuffer(mac)
  )
    return null;
  return {
    size,
    prevSize,
    root,
    frontierBytes: frontier,
    lastRecordedAt: lastAt,
    authorityCount: count,
    authorityChain: chain,
    keyringGeneration: generation,
    epoch,
    headMac: mac,
  };
};

const headRow: RowDecoder<StoredHead> = raw => {
  const head = decodeHead(raw);
  return head ? E.right(head) : E.left('a batches row');
};

export const newestHead: Query<StoredHead> = query(
  'ledger_newest_head',
  headRow,
  `select ${HEAD_COLUMNS} from ledger_head`,
);

/** The newest head that is not beyond a position: the end of the last whole batch up to there. */
export const headAtOrBefore: Query<StoredHead> = query(
  'ledger_head_at_or_before',
  headRow,
  `select ${HEAD_COLUMNS} from batches where size <= $1 order by size desc limit 1`,
);

export const headOfSize: Query<StoredHead> = query(
  'ledger_head_of_size',
  headRow,
  `select ${HEAD_COLUMNS} from batches where size = $1`,
);

/** The head that the batch made in which the event at a position lies. */
export const headContaining: Query<StoredHead> = query(
  'ledger_head_containing',
  headRow,
  `select ${HEAD_COLUMNS} from batches where size >= $1 order by size limit 1`,
);

/** The head with the clock of the database and the newest settled moment (both µs), for the statement after the lock. */
export const newestHeadWithClock: Query<StoredHead & { readonly clock: number; readonly settled: number }> = query(
  'ledger_newest_head_with_clock',
  raw => {
    const head = decodeHead(raw);
    const { clock, settled } = raw;
    return head && typeof clock === 'number' && typeof settled === 'number'
      ? E.right({ ...head, clock, settled })
      : E.left('a batches row');
  },
  `select ${HEAD_COLUMNS}, clock_timestamp() as clock, (select last_value from settled) as settled from ledger_head`,
);

/** Throws `IntegrityError('batch')` unless the row was made with this ledger's row key and its frontier gives its root. */
export const believeHead = (keys: RowKeys, stored: StoredHead): Head => {
  const key = keys.rowKey(stored.epoch, stored.size);
  const frontier = frontierOf(stored.frontierBytes);
  if (key === null || frontier === null) throw new IntegrityError('batch', stored.size);
  const head: Head = { ...withoutBytes(stored), frontier };
  if (!constantTimeEqual(macOf(keys, key, head), stored.headMac)) throw new IntegrityError('batch', stored.size);
  if (!constantTimeEqual(rootOf(head.frontier), head.root)) throw new IntegrityError('batch', stored.size);
  return head;
};

export const macOf = (keys: RowKeys, rowKey: Buffer, head: Head): Buffer =>
  headMac(rowKey, keys.ledger, { ...head, frontier: frontierBytes(head.frontier) });

const withoutBytes = ({ frontierBytes: _bytes, headMac: _mac, ...rest }: StoredHead): Omit<Head, 'frontier'> => rest;
