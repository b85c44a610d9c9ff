/**
 * How values arrive from the database, for our clients only: bigint as a safe integer, timestamptz as µs since 1970,
 * everything else as `pg` gives it (uuid text, bytea Buffer, jsonb parsed).
 */
import pg from 'pg';

const OID = { int8: 20, timestamptz: 1184 } as const;

const safeInteger = (text: string): number => {
  const value = Number(text);
  if (!Number.isSafeInteger(value)) throw new RangeError('a bigint of the database is not a safe integer');
  return value;
};

const STAMP =
  /^([1-9]\d{3,5})-(\d\d)-(\d\d) (\d\d):(\d\d):(\d\d)(?:\.(\d{1,6}))?([+-])(\d\d)(?::?(\d\d))?(?::(\d\d))?$/;

/** "2026-11-24 10:36:00.123456+00" as µs since 1970; RangeError for infinity, years before 1000 and beyond safe integers. */
export const microseconds = (text: string): number => {
  const match = STAMP.exec(text);
  if (match === null) throw new RangeError('a timestamp of the database cannot be read');
  const [, year, month, day, hour, minute, second, fraction = '', sign, offsetHours, offsetMinutes = '0'] = match;
  const seconds =
    Date.UTC(Number(year), Number(month) - 1, Number(day), Number(hour), Number(minute), Number(second)) / 1000;
  const offset = (Number(offsetHours) * 60 + Number(offsetMinutes)) * 60 * (sign === '-' ? -1 : 1);
  const value = (seconds - offset) * 1_000_000 + Number(fraction.padEnd(6, '0'));
  if (!Number.isSafeInteger(value)) throw new RangeError('a timestamp of the database is too far away');
  return value;
};

/** For the `types` option of a pg client. */
export const clientTypes = {
  getTypeParser: ((oid: number, format?: 'text' | 'binary') => {
    if (format !== 'binary' && oid === OID.int8) return safeInteger;
    if (format !== 'binary' && oid === OID.timestamptz) return microseconds;
    return pg.types.getTypeParser(oid, format === 'binary' ? 'binary' : 'text');
  }) as typeof pg.types.getTypeParser,
};
