/** `recorded_at`: the database's clock read under the lock, cut to milliseconds, and never backwards (postgres.md §4). */

const HOUR_US = 3_600_000_000;

/** The clock of the database is not one that this node can believe. */
export class ClockError extends Error {
  override readonly name = 'ClockError';
}

/**
 * All in µs but `nodeMs`. Throws `ClockError` when the database's clock is more than an hour ahead of this node's: stamps
 * never go back, so one jump would poison every later one; an operator has to look.
 */
export const stampOf = (databaseClock: number, notBefore: number, nodeMs: number): number => {
  if (databaseClock > nodeMs * 1000 + HOUR_US)
    throw new ClockError('the clock of the database is more than an hour ahead of this node: set both clocks right');
  return Math.max(databaseClock - (databaseClock % 1000), notBefore);
};

/** The first stamp after a moment that readers were told is complete; µs. */
export const afterMoment = (settledUs: number): number => (Math.floor(settledUs / 1000) + 1) * 1000;
