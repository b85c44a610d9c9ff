/**
 * Times on the command line: RFC 3339 (`2026-08-21T09:00:00Z`), unix seconds, or a duration back from now as Go writes it
 * (`10m`, `2h30m`, `-90s`, and `1d` for a day). All become one RFC 3339 time in UTC with microseconds, the ledger's own
 * precision, before they leave: what is shown and what the server is asked are the same moment.
 */
import { badInput } from '../exit-codes.js';

const FORMS = 'Use RFC 3339 (2026-08-21T09:00:00Z), unix seconds, or how long ago (10m, 2h30m, 1d).';

/** A clock that is a little behind the server's must not refuse the time that the server itself printed. */
const CLOCK_TOLERANCE_US = 60_000_000n;

const UNIT_NS: Readonly<Record<string, bigint>> = {
  ns: 1n,
  us: 1_000n,
  µs: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
  d: 86_400_000_000_000n,
};

const RFC_3339 = /^(\d{4}-\d{2}-\d{2})[Tt ](\d{2}:\d{2}:\d{2})(?:\.(\d{1,9}))?([Zz]|[+-]\d{2}:\d{2})$/;
const UNIX_SECONDS = /^(\d{9,11})(?:\.(\d{1,9}))?$/;
const DURATION = /^[-+]?(?:\d+(?:\.\d+)?(?:ns|us|µs|ms|s|m|h|d))+$/;

const fraction = (digits: string | undefined): bigint => BigInt((digits ?? '').slice(0, 6).padEnd(6, '0'));

const durationUs = (text: string): bigint => {
  let ns = 0n;
  for (const [, whole = '0', part = '', unit = 's'] of text.matchAll(/(\d+)(?:\.(\d+))?(ns|us|µs|ms|s|m|h|d)/g)) {
    const size = UNIT_NS[unit] ?? 0n;
    const digits = part.slice(0, 15);
    ns += BigInt(whole) * size + (digits === '' ? 0n : (BigInt(digits) * size) / 10n ** BigInt(digits.length));
  }
  return ns / 1_000n;
};

/** µs since 1970, or `null` for text in none of the forms. */
const microseconds = (text: string, nowMs: number): bigint | null => {
  const date = RFC_3339.exec(text);
  if (date !== null) {
    const [, day = '', clock = '', digits, zone = 'Z'] = date;
    const ms = Date.parse(`${day}T${clock}${zone.toUpperCase()}`);
    // Date.parse takes 31 February for 3 March: a day that is not in the calendar is no time.
    const real = new Date(`${day}T00:00:00Z`);
    if (Number.isNaN(ms) || Number.isNaN(real.getTime()) || real.toISOString().slice(0, 10) !== day) return null;
    return BigInt(ms) * 1_000n + fraction(digits);
  }
  const seconds = UNIX_SECONDS.exec(text);
  if (seconds !== null) return BigInt(seconds[1] ?? '0') * 1_000_000n + fraction(seconds[2]);
  return DURATION.test(text) ? BigInt(Math.floor(nowMs)) * 1_000n - durationUs(text) : null;
};

/** RFC 3339 in UTC, six digits after the second. */
export const rfc3339 = (us: bigint): string => {
  const rest = ((us % 1_000_000n) + 1_000_000n) % 1_000_000n;
  const seconds = (us - rest) / 1_000_000n;
  const date = new Date(Number(seconds) * 1_000);
  return `${date.toISOString().slice(0, 19)}.${rest.toString().padStart(6, '0')}Z`;
};

/** The moment that the text means, as RFC 3339; an error for any other text, and for a time that has not come. */
export const parseMoment = (text: string, nowMs: number): string => {
  const trimmed = text.trim();
  if (/^\d{1,8}$/.test(trimmed)) {
    throw badInput(
      `"${trimmed}" is too small for a time in unix seconds`,
      `For a place in the ledger use --position. ${FORMS}`,
    );
  }
  const us = microseconds(trimmed, nowMs);
  if (us === null) throw badInput('this is not a time', FORMS);
  if (us < 0n) throw badInput('this time lies before 1970', FORMS);
  if (us > BigInt(Math.floor(nowMs)) * 1_000n + CLOCK_TOLERANCE_US) {
    throw badInput('this time lies in the future: nothing has been recorded for it yet', FORMS);
  }
  return rfc3339(us);
};

export interface MomentOptions {
  readonly at?: string;
  readonly position?: number;
}

/** The query parameters of a read as of then; empty for now. */
export const momentQuery = (options: MomentOptions, nowMs: number): { at?: string; position?: string } => {
  if (options.at !== undefined) return { at: parseMoment(options.at, nowMs) };
  return options.position === undefined ? {} : { position: String(options.position) };
};
