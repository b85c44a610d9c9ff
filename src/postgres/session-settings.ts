/** How patient each role is. The writer must not hold the append lock while it is frozen; the others have their own pace. */
import type { SessionSettings } from './connection.js';
import type { Role } from './roles.js';

export const settingsOf = (schema: string, role: Role | 'owner'): SessionSettings => ({
  // What a role makes goes into the first one: projection tables into the projections' schema.
  searchPath: role === 'projector' ? [`${schema}_projections`, schema] : [schema, `${schema}_projections`],
  applicationName: `tallystick ${role}`,
  // Rows and position of a projection are lost together, and folded again: no flush has to be waited for.
  ...(role === 'projector' ? { extra: { synchronous_commit: 'off' } } : {}),
  statementTimeoutMs: role === 'writer' ? 10_000 : 60_000,
  lockTimeoutMs: role === 'writer' ? 3_000 : 10_000,
  idleInTransactionMs: role === 'writer' ? 2_000 : 60_000,
});
