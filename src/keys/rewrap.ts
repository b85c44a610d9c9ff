/**
 * Wraps every key again under the active term, a few disk pages at a time, while the server serves. Rows are only updated,
 * each only if it still lies under the term it was read under, never inserted: a key that was destroyed meanwhile stays
 * destroyed. A row that was put back although its key is destroyed ends here, or it would outlive its term. Locked rows are passed over and come in the next pass, so nobody waits for this and this for nobody. Killed
 * anywhere, a new pass finds what is left.
 */
import type { Uuid } from '../crypto/bytes.js';
import { E } from '../fp.js';
import { IntegrityError } from '../ledger/integrity.js';
import type { KeyRow } from '../ledger/sealed-event.js';
import { deleteKeys } from '../ledger/statements.js';
import { byteaArray, int4Array, uuidArray } from '../postgres/arrays.js';
import { type Query, query, type RowDecoder, type Runner } from '../sql.js';
import type { Custody } from './custody.js';
import type { Pace } from './pace.js';
import { keyRow } from './store.js';

const count: RowDecoder<number> = ({ n }) => (typeof n === 'number' ? E.right(n) : E.left('n'));

const pagesOfKeys: Query<number> = query(
  'keys_pages',
  count,
  `select (pg_relation_size('keys') / current_setting('block_size')::integer)::integer as n`,
);

const rowsOfPages: Query<KeyRow> = query(
  'keys_of_pages',
  keyRow,
  `select key_id, kind, owner, term, wrapped
     from keys
    where ctid >= $1::tid and ctid < $2::tid and term = any ($3::integer[])`,
);

/** In order of key_id, the one lock order of key rows everywhere. */
const wrapAgain: Query<number> = query(
  'keys_wrap_again',
  count,
  `with free as (
     select k.key_id, u.old_term, u.wrapped
       from unnest($1::uuid[], $2::integer[], $3::bytea[]) as u (key_id, old_term, wrapped)
       join keys k on k.key_id = u.key_id and k.term = u.old_term
      order by k.key_id
        for update of k skip locked
   ), done as (
     update keys k
        set term = $4, wrapped = free.wrapped
       from free
      where k.key_id = free.key_id and k.term = free.old_term
     returning 1
   )
   select count(*)::integer as n from done`,
);

export interface RewrapPorts {
  readonly runner: Runner;
  readonly custody: Custody;
  readonly pace: Pace;
  /** Keys that are destroyed, whatever the database holds. */
  readonly erased: ReadonlySet<Uuid>;
  /** Told of each part that is committed. */
  readonly rewrapped: (rows: number) => void;
  /** Told of rows that do not open under their term: they stay as they are. */
  readonly damaged: (error: IntegrityError) => void;
  /** False: stop here. */
  readonly going: () => boolean;
}

/** Rows that were wrapped again in one pass over those of `terms`. */
export const rewrapPass = async (ports: RewrapPorts, terms: readonly number[]): Promise<number> => {
  const { runner, pace } = ports;
  const [pages = 0] = await runner.run(pagesOfKeys);
  const read = (from: number, to: number): Promise<readonly KeyRow[]> =>
    runner.run(rowsOfPages, [`(${from},0)`, `(${to},0)`, [...terms]]);
  let done = 0;
  let size = pace.pages;
  let reading = read(0, size);
  for (let at = 0; at < pages && ports.going(); ) {
    const rows = await reading;
    at += size;
    size = pace.pages;
    // The next part is read while this one is wrapped and written.
    reading = read(at, at + size);
    reading.catch(() => undefined);
    // Pages whose rows were wrapped again before, or moved on: looking at them costs nobody anything.
    if (rows.length === 0) continue;
    const back = rows.filter(({ keyId }) => ports.erased.has(keyId));
    if (back.length > 0) await runner.run(deleteKeys, [uuidArray(back.map(({ keyId }) => keyId))]);
    const living = back.length === 0 ? rows : rows.filter(({ keyId }) => !ports.erased.has(keyId));
    const wrapped = await wrapRows(ports, living);
    if (wrapped > 0) ports.rewrapped(wrapped);
    done += wrapped;
    await pace.rest();
  }
  await reading;
  return done;
};

const wrapRows = async (ports: RewrapPorts, rows: readonly KeyRow[]): Promise<number> => {
  const { custody } = ports;
  const before: KeyRow[] = [];
  const after: KeyRow[] = [];
  for (const row of rows) {
    if (after.length % SLICE === SLICE - 1) await new Promise(resolve => setImmediate(resolve));
    // The server was sealed meanwhile: no key here opens anything any more, and nothing is wrong with the row.
    if (!ports.going()) return 0;
    try {
      after.push(custody.current(row));
      before.push(row);
    } catch (error) {
      if (!(error instanceof IntegrityError)) throw error;
      ports.damaged(error);
    }
  }
  const [term] = after;
  if (term === undefined) return 0;
  // The term may have changed while other work had its turn: those of the older one come in the next pass.
  const same = after.filter(row => row.term === term.term);
  const old = before.filter((_, i) => after[i]?.term === term.term);
  const [written = 0] = await ports.runner.run(wrapAgain, [
    uuidArray(same.map(({ keyId }) => keyId)),
    int4Array(old.map(row => row.term)),
    byteaArray(same.map(({ wrapped }) => wrapped)),
    term.term,
  ]);
  return written;
};

/** Rows that are wrapped in one turn of the event loop: about two milliseconds. */
const SLICE = 64;

interface TermRows {
  readonly term: number;
  readonly rows: number;
}

/** Counts the whole table: for people who ask, and before a step that must know. */
export const rowsByTerm: Query<TermRows> = query(
  'keys_by_term',
  ({ term, rows }) =>
    typeof term === 'number' && typeof rows === 'number' ? E.right({ term, rows }) : E.left('a count of a term'),
  'select term, count(*)::integer as rows from keys group by term',
);
