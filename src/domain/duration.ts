/** Durations as Go writes them: "3h25m19s", "1.5h", "10ms"; plain digits are seconds, "7d" alone is days. */
import { E, type Either } from '../fp.js';

const UNIT_MS: Readonly<Record<string, number>> = {
  ns: 1e-6,
  us: 1e-3,
  µs: 1e-3,
  ms: 1,
  s: 1000,
  m: 60_000,
  h: 3_600_000,
};
/** Go's int64 of nanoseconds holds no more. */
const MS_MAX = 2_562_047 * 3_600_000;

/** ms, parts below a second dropped. Left: Go's words for what is wrong, with the text as it was sent. */
export const parseDuration = (text: string): Either<string, number> => {
  if (text === '') return E.right(0);
  const negative = text.startsWith('-');
  const body = negative || text.startsWith('+') ? text.slice(1) : text;
  const ms = unsigned(body);
  if (ms === null || ms > MS_MAX) return E.left(`time: invalid duration ${JSON.stringify(text)}`);
  const seconds = Math.floor(ms / 1000) * 1000;
  return E.right(negative ? -seconds : seconds);
};

const unsigned = (text: string): number | null => {
  if (/^\d+$/.test(text)) return Number(text) * 1000;
  const days = /^(\d+)d$/.exec(text)?.[1];
  if (days !== undefined) return Number(days) * 86_400_000;
  if (!/^(?:\d+(?:\.\d*)?(?:ns|us|µs|ms|s|m|h)|\.\d+(?:ns|us|µs|ms|s|m|h))+$/.test(text)) return null;
  let total = 0;
  for (const [, number, unit] of text.matchAll(/(\d*\.?\d*)(ns|us|µs|ms|s|m|h)/g))
    total += Number(number) * (UNIT_MS[unit ?? ''] ?? 0);
  return total;
};

/** As Go prints it: "0s", "30m0s", "768h0m0s". */
export const printDuration = (ms: number): string => {
  if (ms < 0) return `-${printDuration(-ms)}`;
  const seconds = Math.floor(ms / 1000);
  const [h, m, s] = [Math.floor(seconds / 3600), Math.floor((seconds % 3600) / 60), seconds % 60];
  return h > 0 ? `${h}h${m}m${s}s` : m > 0 ? `${m}m${s}s` : `${s}s`;
};

/** Without the parts that are zero: "768h", "1h30m", "0s". */
export const printShortDuration = (ms: number): string =>
  ms === 0
    ? '0s'
    : printDuration(ms)
        .replace(/^(.*[hm])0s$/, '$1')
        .replace(/h0m$/, 'h');
