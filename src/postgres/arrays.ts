/**
 * PostgreSQL's binary arrays. A Buffer travels as a binary parameter, so one of these costs half the bytes and half the CPU
 * of the text form that `pg` makes of a JavaScript array.
 *
 *   i32 dimensions (1, or 0 when empty) ‖ i32 has nulls ‖ u32 element oid ‖ i32 length ‖ i32 lower bound 1 ‖ elements,
 *   each an i32 length (−1: null) ‖ bytes                                       (array_recv in PostgreSQL's source)
 */
import { writeUuid } from '../crypto/bytes.js';

const OID = { bytea: 17, int8: 20, int2: 21, int4: 23, text: 25, timestamptz: 1184, uuid: 2950, jsonb: 3802 } as const;

type Writer<T> = {
  readonly oid: number;
  /** Bytes of an element without its length field. */
  readonly size: (value: T) => number;
  readonly write: (value: T, out: Buffer, at: number) => void;
};

const HEADER = 20;

const arrayOf =
  <T>({ oid, size, write }: Writer<T>) =>
  (values: readonly (T | null)[]): Buffer => {
    const sizes = values.map(value => (value === null ? -1 : size(value)));
    const out = Buffer.alloc(values.length === 0 ? 12 : sizes.reduce((sum, n) => sum + 4 + Math.max(n, 0), HEADER));
    out.writeInt32BE(values.length === 0 ? 0 : 1, 0);
    out.writeInt32BE(sizes.includes(-1) ? 1 : 0, 4);
    out.writeUInt32BE(oid, 8);
    if (values.length === 0) return out;
    out.writeInt32BE(values.length, 12);
    out.writeInt32BE(1, 16);
    let at = HEADER;
    values.forEach((value, i) => {
      const bytes = sizes[i] ?? -1;
      out.writeInt32BE(bytes, at);
      at += 4;
      if (value === null) return;
      write(value, out, at);
      at += bytes;
    });
    return out;
  };

/** Microseconds between 1970 and 2000, PostgreSQL's epoch. */
const EPOCH_US = 946_684_800_000_000n;

export const int8Array = arrayOf<number>({
  oid: OID.int8,
  size: () => 8,
  write: (value, out, at) => out.writeBigInt64BE(BigInt(value), at),
});

export const int4Array = arrayOf<number>({
  oid: OID.int4,
  size: () => 4,
  write: (value, out, at) => out.writeInt32BE(value, at),
});

export const int2Array = arrayOf<number>({
  oid: OID.int2,
  size: () => 2,
  write: (value, out, at) => out.writeInt16BE(value, at),
});

/** Hyphenated UUIDs. */
export const uuidArray = arrayOf<string>({
  oid: OID.uuid,
  size: () => 16,
  write: writeUuid,
});

export const byteaArray = arrayOf<Buffer>({
  oid: OID.bytea,
  size: value => value.length,
  write: (value, out, at) => void value.copy(out, at),
});

export const textArray = arrayOf<string>({
  oid: OID.text,
  size: value => Buffer.byteLength(value, 'utf8'),
  write: (value, out, at) => void out.write(value, at, 'utf8'),
});

/** µs since 1970. */
export const timestamptzArray = arrayOf<number>({
  oid: OID.timestamptz,
  size: () => 8,
  write: (value, out, at) => out.writeBigInt64BE(BigInt(value) - EPOCH_US, at),
});

const jsonTexts = arrayOf<string>({
  oid: OID.jsonb,
  size: value => 1 + Buffer.byteLength(value, 'utf8'),
  write: (value, out, at) => {
    // jsonb's binary form is its version, 1, and the text.
    out[at] = 1;
    out.write(value, at + 1, 'utf8');
  },
});

export const jsonbArray = (values: readonly unknown[]): Buffer =>
  jsonTexts(values.map(value => (value === null ? null : JSON.stringify(value))));
