/** How patient each role is. The writer must not hold the append lock while it is frozen; the others have their own pace. */
import type { SessionSettings } from './connection.js';
import type { Role } from './roles.js';

export const projectionsSchema = (schema: string): string => `${schema}_projections`;
/** Where rebuilds fill tables that then take the live ones' place. */
export const besideSchema = (schema: string): string => `${projectionsSchema(schema)}_beside`;

const HOUR_MS = 3_600_000;

/**
 * Every statement on a hot path is served by an index. One that is prepared while a ledger is young would be planned as a
 * scan of its few rows, and that plan is kept while the ledger grows: until statistics come, each read looked at all of it.
 */
const BY_INDEX = { enable_seqscan: 'off', enable_bitmapscan: 'off' };

const EXTRA: Readonly<Partial<Record<Role | 'owner', Readonly<Record<string, string>>>>> = {
  writer: BY_INDEX,
  // Rows and position of a projection are lost together, and folded again: no flush has to be waited for.
  projector: { ...BY_INDEX, synchronous_commit: 'off' },
};

export const settingsOf = (schema: string, role: Role | 'owner'): SessionSettings => ({
  // What a role makes goes into the first one: projection tables into the projections' schema.
  searchPath: role === 'projector' ? [projectionsSchema(schema), schema] : [schema, projectionsSchema(schema)],
  applicationName: `tallystick ${role}`,
  ...(EXTRA[role] === undefined ? {} : { extra: EXTRA[role] }),
  statementTimeoutMs: role === 'writer' ? 10_000 : 60_000,
  lockTimeoutMs: role === 'writer' ? 3_000 : 10_000,
  // A frozen worker holds up the others of its projection no longer than its lease would.
  idleInTransactionMs: role === 'writer' ? 2_000 : role === 'projector' ? 10_000 : 60_000,
});

/** The projector's, for rebuilds and comparisons of whole tables: one statement may take hours on a long ledger. */
export const maintenanceSettings = (schema: string): SessionSettings => ({
  ...settingsOf(schema, 'projector'),
  applicationName: 'tallystick rebuild',
  extra: { synchronous_commit: 'off', work_mem: '64MB', maintenance_work_mem: '128MB' },
  statementTimeoutMs: 12 * HOUR_MS,
  idleInTransactionMs: 60_000,
});
