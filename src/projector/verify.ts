/**
 * Verify: folds the ledger again, beside, up to where the live rows are, and counts the rows that are in one and not in the
 * other. Both are looked at in one snapshot, so neither worker nor reads are held up, and a row that changes meanwhile is
 * no difference.
 */
import { E } from '../fp.js';
import type { Pool } from '../postgres/pool.js';
import { type Query, query, type Runner } from '../sql.js';
import { type Beside, GivenUp, withBeside } from './beside.js';
import type { Projection } from './projection.js';
import { command, type Mark, markOf } from './statements.js';

export interface Verified {
  /** Live rows of all its tables. */
  readonly rows: number;
  readonly differences: number;
  /** As of this position. */
  readonly position: number;
}

/** There is nothing of this program's version to compare with. */
export class NotBuilt extends Error {
  override readonly name = 'NotBuilt';

  constructor(projection: string) {
    super(`projection ${projection} has not been built by this version of the program yet: wait for it, or rebuild it`);
  }
}

/** Rejects with `InUse` and `NotBuilt`. */
export const verify = (
  pool: Pool,
  projection: Projection,
  signal: AbortSignal = new AbortController().signal,
): Promise<Verified> =>
  withBeside(pool, projection, 'verify', signal, async beside => {
    await beside.follow(async () => (await liveMark(beside.session, projection)).position);
    return beside.session.transaction(tx => compare(tx, beside));
  });

const liveMark = async (runner: Runner, { name, version }: Projection): Promise<Mark> => {
  const [mark] = await runner.run(markOf, [name]);
  if (mark === undefined || mark.version !== version) throw new NotBuilt(name);
  return mark;
};

const count = (text: string): Query<number> =>
  query(null, ({ n }) => (typeof n === 'number' ? E.right(n) : E.left('n')), text);

const compare = async (tx: Runner, beside: Beside): Promise<Verified> => {
  // The position and the rows that belong to it: a snapshot of both.
  await tx.run(command('set transaction isolation level repeatable read'));
  const { position } = await liveMark(tx, beside.projection);
  if (position < beside.position) throw new GivenUp(`projection ${beside.projection.name} went back`);
  await beside.finish(tx, position);
  let [rows, differences] = [0, 0];
  for (const table of beside.projection.tables) {
    const [live, again] = [`table ${beside.live(table)}`, `table ${beside.beside(table)}`];
    const [n = 0] = await tx.run(count(`select count(*) as n from ${beside.live(table)}`));
    const [different = 0] = await tx.run(
      count(`select count(*) as n from ((${live} except all ${again}) union all (${again} except all ${live})) d`),
    );
    rows += n;
    differences += different;
  }
  return { rows, differences, position };
};
