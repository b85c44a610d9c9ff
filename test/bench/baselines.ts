/** What PostgreSQL gives without a ledger: one durable row a commit, and the best that batches of the same rows can do. */
import type pg from 'pg';
import { randomBytes, randomUuid4 } from '../../src/crypto/random.js';
import type { StoredEvent } from '../../src/ledger/event.js';
import { eventArrays, insertEvents } from '../../src/ledger/statements.js';
import type { Database } from '../../src/postgres/database.js';
import { query } from '../../src/sql.js';

const COLUMNS =
  'position, event_id, stream_id, stream_version, type, lane, recorded_at, epoch, day, key_id, facts, header, body, body_kind, body_len, body_hash, row_mac';

/** Where the rows of baselines end so far: each run goes on there. */
let last = 1_000_000;

/** Rows a second, each its own durable commit. */
export const singleRows = async (client: pg.Client, seconds: number): Promise<number> => {
  const [header, body, hash] = [randomBytes(585), randomBytes(329), randomBytes(32)];
  const text = `insert into bench_rows (${COLUMNS}) values ($1, $2, $3, 1, 'secret.written', 0, now(), 1, 1, $4, '{"version": 1}', $5, $6, 1, 329, $7, $7)`;
  const [from, startedAt] = [last, performance.now()];
  while (performance.now() - startedAt < seconds * 1000) {
    last += 1;
    await client.query({
      name: 'single',
      text,
      values: [last, randomUuid4(), randomUuid4(), randomUuid4(), header, body, hash],
    });
  }
  return (last - from) / ((performance.now() - startedAt) / 1000);
};

const ROWS = 256;

/** Events a second: 256 rows a commit, binary arrays, one connection, nothing else. */
export const batchCeiling = async (database: Database, seconds: number): Promise<number> => {
  await database.writer.run({ name: null, text: 'select 1', row: () => ({ _tag: 'Right', right: null }) });
  const insert = query(
    'bench_batch',
    insertEvents.row,
    insertEvents.text.replace('insert into events', 'insert into bench_events'),
  );
  const pipeline = await database.openPipeline();
  const sample = (): StoredEvent => ({
    ...{
      position: 0,
      eventId: randomUuid4(),
      streamId: randomUuid4(),
      streamVersion: 1,
      type: 'secret.written',
      lane: 0,
    },
    ...{ recordedAt: Date.now() * 1000, actor: randomUuid4(), epoch: 1, day: 20_000, keyId: randomUuid4() },
    ...{
      facts: { version: 1, generation: 1, written: 1, created: 1, updated: 1 },
      header: randomBytes(585),
      names: null,
    },
    ...{ body: randomBytes(329), bodyKind: 1, bodyLen: 329, bodyHash: randomBytes(32), rowMac: randomBytes(32) },
  });
  const from = last;
  let busyMs = 0;
  while (busyMs < seconds * 1000) {
    const events = Array.from({ length: ROWS }, sample);
    const startedAt = performance.now();
    await pipeline.run(insert, [last, Date.now() * 1000, ...eventArrays(events)]);
    busyMs += performance.now() - startedAt;
    last += ROWS;
  }
  await pipeline.close();
  return (last - from) / (busyMs / 1000);
};
