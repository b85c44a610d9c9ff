/** Twenty processes may start at once: one of them makes the tables. */
import { anyRow, type Query, query } from '../sql.js';

export const lockProjections: Query<null> = query(
  null,
  anyRow,
  `select pg_advisory_xact_lock(1414745933, hashtext(current_schema()))`,
);
