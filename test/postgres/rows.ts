/** Rows that fit the tables, and calls of `append`, for tests that are about the database and not about what is sealed. */
import { randomUUID } from 'node:crypto';
import type pg from 'pg';
import { byteaArray, int2Array, int4Array, jsonbArray, textArray, uuidArray } from '../../src/postgres/arrays.js';

export const HASH = Buffer.alloc(32, 7);

export interface AppendCall {
  readonly expectSize: number;
  /** µs */
  readonly stamp: number;
  readonly skewMs?: number;
  readonly events?: readonly { readonly streamId: string; readonly streamVersion: number; readonly eventId?: string }[];
  readonly newKeys?: readonly string[];
  readonly goneKeys?: readonly string[];
  readonly newSize?: number;
}

export interface AppendAnswer {
  readonly outcome: string;
  readonly newest_size: number;
  /** µs */
  readonly clock: number;
}

/** 34 parameters, in the order of schema/0003. */
export const appendValues = (call: AppendCall): unknown[] => {
  const events = call.events ?? [{ streamId: randomUUID(), streamVersion: 1 }];
  const keys = call.newKeys ?? [];
  const each = <T>(value: T): T[] => events.map(() => value);
  const nulls = each<null>(null);
  return [
    ...[call.expectSize, call.stamp, call.skewMs ?? 1000],
    uuidArray(events.map(event => event.eventId ?? randomUUID())),
    uuidArray(events.map(event => event.streamId)),
    int4Array(events.map(event => event.streamVersion)),
    ...[textArray(each('secret.written')), int2Array(each(0)), uuidArray(nulls)],
    ...[int4Array(each(1)), int4Array(each(20_000)), uuidArray(nulls)],
    ...[jsonbArray(each({ version: 1 })), byteaArray(each(Buffer.from('header')))],
    ...[byteaArray(nulls), byteaArray(nulls), int2Array(each(0)), int4Array(each(0)), byteaArray(nulls)],
    byteaArray(each(HASH)),
    ...[uuidArray(keys), int2Array(keys.map(() => 1)), uuidArray(keys.map(() => randomUUID()))],
    ...[int4Array(keys.map(() => 1)), byteaArray(keys.map(() => Buffer.from('wrapped')))],
    uuidArray(call.goneKeys ?? []),
    ...[call.newSize ?? call.expectSize + events.length, HASH, HASH, 0, HASH, 1, 1, HASH],
  ];
};

export const APPEND = `select outcome, newest_size, clock from append($1, to_timestamp($2::bigint / 1000000.0), ${Array.from({ length: 32 }, (_, i) => `$${i + 3}`).join(', ')})`;

export const append = async (client: pg.ClientBase, call: AppendCall): Promise<AppendAnswer> => {
  const { rows } = await client.query(APPEND, appendValues(call));
  return rows[0];
};

export const GENESIS = `insert into batches (size, prev_size, root, frontier, last_at, authority_count, authority_chain, keyring_generation, epoch, head_mac)
  values (0, null, $1, '', '2020-01-01 00:00Z', 0, $1, 1, 1, $1)`;

/** The empty head, on which everything is put. */
export const begin = async (client: pg.ClientBase): Promise<void> => {
  await client.query(GENESIS, [HASH]);
};

/** The database's clock, whole milliseconds, µs. */
export const clockOf = async (client: pg.ClientBase): Promise<number> => {
  const { rows } = await client.query('select clock_timestamp() as clock');
  return Math.floor(rows[0].clock / 1000) * 1000;
};

/** What the statement is refused with; null when it is not. */
export const refusal = async (work: Promise<unknown>): Promise<string | null> => {
  try {
    await work;
    return null;
  } catch (error) {
    return error instanceof Error && 'code' in error ? String(error.code) : String(error);
  }
};
