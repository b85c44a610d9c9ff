/** How far each projection is, for people. */
import { E } from '../fp.js';
import { type Query, query, type Runner } from '../sql.js';
import { REBUILD_LOCK } from './beside.js';
import { type Mark, marks } from './statements.js';

export interface Status extends Omit<Mark, 'state'> {
  /** `rebuilding`: it is built anew beside the live rows, which serve on. `absent`: nobody has made its tables yet. */
  readonly state: 'running' | 'stopped' | 'rebuilding' | 'absent';
}

/** Who is being rebuilt, by the lock that goes when the process that does it dies. */
const rebuilding: Query<string> = query(
  'projection_rebuilding',
  ({ name }) => (typeof name === 'string' ? E.right(name) : E.left('name')),
  `select name
     from projection
     join pg_locks on locktype = 'advisory' and objsubid = 2 and granted and classid = ${REBUILD_LOCK}
                  and objid::bigint = hashtext(current_schema() || '/' || name)::bigint & 4294967295
                  and database = (select oid from pg_database where datname = current_database())`,
);

export const statuses = async (runner: Runner, names: readonly string[]): Promise<readonly Status[]> => {
  const [found, beside] = await Promise.all([runner.run(marks), runner.run(rebuilding)]);
  return names.map(name => {
    const mark = found.find(each => each.name === name);
    if (mark === undefined) return { name, version: 0, position: 0, state: 'absent', stoppedAt: null, reason: null };
    return beside.includes(name) ? { ...mark, state: 'rebuilding' } : mark;
  });
};
