/** Rows and streams that benchmarks need: made by SQL where nobody authenticates them, by the ledger where somebody does. */
import type pg from 'pg';

/** Baseline tables with the columns and indexes of `events`, and rows of the size of a usual write. */
export const baselineTables = async (client: pg.Client): Promise<void> => {
  await client.query('drop table if exists bench_events, bench_rows');
  await client.query('create table bench_events (like events including all)');
  await client.query('create table bench_rows (like events including all)');
  await client.query('grant select, insert on bench_events to public');
  await client.query(
    `insert into bench_rows (position, event_id, stream_id, stream_version, type, lane, recorded_at, epoch, day, key_id, facts,
                             header, body, body_kind, body_len, body_hash, row_mac)
     select n, gen_random_uuid(), gen_random_uuid(), 1, 'secret.written', 0, now(), 1, 1, gen_random_uuid(), '{"version": 1}',
            decode(repeat('ab', 585), 'hex'), decode(repeat('cd', 329), 'hex'), 1, 329, decode(repeat('ef', 32), 'hex'), decode(repeat('01', 32), 'hex')
       from generate_series(1, 1000) n`,
  );
};

/** `count` events of 40,000 secrets in 400 folders, as projections see them: they are keyless and authenticate nothing. */
export const projectionEvents = async (client: pg.Client, count: number): Promise<void> => {
  await client.query(
    'alter table events disable trigger all; alter table batches disable trigger all; truncate events, batches',
  );
  await client.query(
    `with source as (
       select n, md5('stream ' || n % 40000)::uuid as stream, md5('folder ' || n % 400)::uuid as folder, n / 40000 + 1 as version
         from generate_series(0, $1 - 1) n
     )
     insert into events (position, event_id, stream_id, stream_version, type, lane, recorded_at, actor, epoch, day, key_id, facts,
                         header, names, body_kind, body_len, row_mac)
     select n + 1, gen_random_uuid(), stream, version, 'secret.written', 0, now(), md5('actor ' || n % 7)::uuid, 1, 1, null,
            jsonb_build_object('version', version, 'generation', 1, 'written', version, 'created', 1764000000000000, 'updated', 1764000000000000),
            decode(repeat('ab', 585), 'hex'),
            case when version = 1 then uuid_send(folder) || uuid_send(md5('mount')::uuid) || '\\x0008'::bytea || '\\x0102030405060708'::bytea
                                       || uuid_send(stream) || uuid_send(folder) || '\\x0008'::bytea || '\\x0102030405060708'::bytea end,
            0, 0, decode(repeat('01', 32), 'hex')
       from source`,
    [count],
  );
  await client.query(
    `insert into batches (size, prev_size, root, frontier, last_at, authority_count, authority_chain, keyring_generation, epoch, head_mac)
     values (0, null, $1, '', now(), 0, $1, 1, 1, $1), ($2, 0, $1, '', now(), 0, $1, 1, 1, $1)`,
    [Buffer.alloc(32), count],
  );
  await client.query('analyze events');
};
