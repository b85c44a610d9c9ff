/** The first transaction of a ledger: its id, the batch row of size 0, and the first batch on top of it. */
import { type Uuid, uuidText } from '../crypto/bytes.js';
import type { Facts } from '../domain/facts.js';
import type { Custody } from '../keys/custody.js';
import type { NewSlot } from '../keys/slots.js';
import { type Head, macOf, newestHead } from '../ledger/head.js';
import { placeBatch } from '../ledger/place-batch.js';
import { RecentPlaces } from '../ledger/recent-places.js';
import type { KeyRow, SealedEvent } from '../ledger/sealed-event.js';
import {
  eventArrays,
  insertBatch,
  insertEvents,
  insertKeys,
  keyArrays,
  lockLedger,
  putKeyring,
  putSlot,
} from '../ledger/statements.js';
import { StreamCache } from '../ledger/stream-cache.js';
import type { Pool } from '../postgres/pool.js';
import { noRow, type Query, query, type Runner } from '../sql.js';

export interface Genesis {
  readonly custody: Custody;
  /** µs */
  readonly recordedAt: number;
  readonly emptyRoot: Buffer;
  readonly events: readonly { readonly sealed: SealedEvent; readonly facts: Facts }[];
  readonly keys: readonly KeyRow[];
  readonly slots: readonly NewSlot[];
  readonly keyring: { readonly generation: number; readonly box: Buffer };
}

const insertLedger: Query<never> = query(null, noRow, 'insert into ledger (ledger_id) values ($1)');

/** False: a ledger was there first. */
export const writeGenesis = (pool: Pool, genesis: Genesis): Promise<boolean> =>
  pool.transaction(async tx => {
    await tx.run(lockLedger);
    if ((await tx.run(newestHead)).length > 0) return false;
    const { custody } = genesis;
    const empty: Head = {
      size: 0,
      prevSize: null,
      root: genesis.emptyRoot,
      frontier: [],
      lastRecordedAt: genesis.recordedAt,
      authorityCount: 0,
      authorityChain: Buffer.alloc(32),
      keyringGeneration: genesis.keyring.generation,
      epoch: custody.epoch,
    };
    const { events, head } = placeFirst(genesis, empty);
    await tx.run(insertLedger, [uuidText(custody.ledger)]);
    await writeHead(tx, custody, empty);
    await tx.run(insertEvents, [0, genesis.recordedAt, ...eventArrays(events)]);
    await tx.run(insertKeys, keyArrays(genesis.keys));
    for (const slot of genesis.slots) await tx.run(putSlot, [slot.slotId, slot.record]);
    await tx.run(putKeyring, [genesis.keyring.generation, genesis.keyring.box]);
    await writeHead(tx, custody, head);
    return true;
  });

const placeFirst = (genesis: Genesis, empty: Head) => {
  const none = { streamVersion: 0, position: 0, recordedAt: 0, state: null };
  const cache = new StreamCache<null>({ initial: null, fromNewest: () => null, evolve: () => null }, 1000);
  const streams: Uuid[] = genesis.events.map(({ sealed }) => sealed.streamId);
  for (const streamId of streams) cache.put(streamId, none);
  const command = {
    streams,
    repeatOf: null,
    alone: true,
    weight: 0,
    eventsMax: genesis.events.length,
    deadlineMs: 0,
    gone: () => false,
    decide: () => ({ kind: 'append' as const, events: genesis.events, result: () => null }),
  };
  return placeBatch([command], {
    keys: genesis.custody,
    head: empty,
    chain: empty.authorityChain,
    recordedAt: genesis.recordedAt,
    epoch: genesis.custody.epoch,
    cache,
    recent: new RecentPlaces(0),
    repeats: new Map(),
  });
};

const writeHead = async (tx: Runner, custody: Custody, head: Head): Promise<void> => {
  const rowKey = custody.rowKey(head.epoch);
  if (rowKey === null) throw new Error('no row key serves the first epoch');
  await tx.run(insertBatch, [
    head.size,
    head.prevSize,
    head.root,
    Buffer.concat(head.frontier),
    head.lastRecordedAt,
    head.authorityCount,
    head.authorityChain,
    head.keyringGeneration,
    head.epoch,
    macOf(custody, rowKey, head),
  ]);
};
