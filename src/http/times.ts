/** Times of the dialect: RFC 3339 UTC on the way out, RFC 3339 or unix seconds on the way in. */

/** '' stands for "not set". */
export const printTime = (us: number): string => {
  if (us === 0) return '';
  const ms = Math.floor(us / 1000);
  const micros = us - ms * 1000;
  const text = new Date(ms).toISOString();
  return micros === 0 ? text : text.replace('Z', `${String(micros).padStart(3, '0')}Z`);
};

const RFC3339 = /^(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?([Zz]|[+-]\d\d:\d\d)$/;

/** µs since 1970, or null. */
export const parseTime = (text: string): number | null => {
  if (/^\d{1,11}$/.test(text)) return Number(text) * 1_000_000;
  // A '+' in a query string arrives as a blank.
  const match = RFC3339.exec(text.replace(/ (\d\d:\d\d)$/, '+$1'));
  if (match === null) return null;
  const [, day, time, fraction = '', zone] = match;
  const ms = Date.parse(`${day}T${time}${zone?.toUpperCase()}`);
  // Date.parse takes 31 February for 3 March: a day that is not in the calendar is no time.
  if (Number.isNaN(ms) || !new Date(`${day}T00:00:00Z`).toISOString().startsWith(`${day}T`)) return null;
  return ms * 1000 + Number(fraction.padEnd(6, '0').slice(0, 6));
};
