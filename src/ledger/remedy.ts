/** What to do about an error on the append path, by SQLSTATE (postgres.md §3). */
import { DatabaseError } from '../postgres/errors.js';
import { ClockError } from './stamp.js';

export type Remedy = { readonly dropConnection: boolean; readonly dropCaches: boolean } & (
  | { readonly kind: 'again' }
  | { readonly kind: 'bisect' }
  /** The database cannot take writes: stop accepting for a while and say why. */
  | { readonly kind: 'refuse'; readonly why: string }
  /** Not the database's doing, or nothing that trying again could mend. */
  | { readonly kind: 'fail' }
);

const AGAIN = new Set([
  '40000',
  '40001',
  '40P01',
  '55P03',
  '57014',
  '25P03',
  '57P01',
  '57P02',
  '57P03',
  '25P02',
  '0A000',
]);
const PLACE_TAKEN = new Set(['events_pkey', 'batches_pkey', 'batches_prev_size_key', 'events_one_per_stream_version']);

export const remedyFor = (error: unknown, outcomeUnknown: boolean): Remedy => {
  // Whatever went wrong after COMMIT was sent: first find out what became of the batch.
  if (outcomeUnknown) return { kind: 'again', dropConnection: true, dropCaches: false };
  if (error instanceof ClockError)
    return { kind: 'refuse', why: error.message, dropConnection: true, dropCaches: false };
  if (!(error instanceof DatabaseError)) return { kind: 'fail', dropConnection: true, dropCaches: true };
  const state = error.sqlstate ?? '';
  if (error.connectionLost || state === '' || state.startsWith('08') || AGAIN.has(state))
    return { kind: 'again', dropConnection: true, dropCaches: false };
  if (state === '23505') {
    // Somebody appended what we did not know of: the caches were wrong. An event id that is taken is found on the next try.
    const placeTaken =
      error.constraint === null || PLACE_TAKEN.has(error.constraint) || !error.constraint.startsWith('events_event_id');
    return { kind: 'again', dropConnection: true, dropCaches: placeTaken };
  }
  if (state === '53100' || state === '53200' || state.startsWith('58') || state === '25006')
    return { kind: 'refuse', why: whyRefused(state), dropConnection: true, dropCaches: false };
  if (state.startsWith('22') || state.startsWith('23'))
    return { kind: 'bisect', dropConnection: true, dropCaches: true };
  return { kind: 'fail', dropConnection: true, dropCaches: true };
};

const whyRefused = (state: string): string =>
  state === '53100'
    ? 'the database has no disk space left'
    : state === '53200'
      ? 'the database has no memory left'
      : state === '25006'
        ? 'the database is read-only (a standby, or failed over)'
        : 'the database reports a system error';
