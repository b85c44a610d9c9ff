/** The projections of this server, wired: what operations ask of them, answered by the projector and each one's queries. */
import type pino from 'pino';
import { type Search, searchAll, searchUnder } from '../projections/audit-index/projection.js';
import { childrenAt, namedUnder } from '../projections/secret-tree/projection.js';
import { causeOf } from './cause.js';
import type { Config } from './config.js';
import type { Uuid } from './crypto/bytes.js';
import type { ProjectionReads, TreeSecret } from './operations/projection-reads.js';
import type { ProjectionControl } from './operations/projections.js';
import type { Database } from './postgres/database.js';
import type { Doorbell } from './postgres/doorbell.js';
import type { Projection } from './projector/projection.js';
import { Projector } from './projector/projector.js';
import type { Runner } from './sql.js';

export interface ProjectionParts {
  readonly reads: ProjectionReads;
  readonly control: ProjectionControl;
  wake(): void;
  stop(): Promise<void>;
}

export const projectionParts = (
  config: Pick<Config, 'projectors'>,
  database: Database,
  doorbell: Doorbell,
  projections: readonly Projection[],
  log: pino.Logger,
): ProjectionParts => {
  const projector = new Projector({
    pool: database.projector,
    doorbell,
    projections,
    fold: config.projectors,
    notice: (what, cause) => log.warn({ what, cause: causeOf(cause) }, 'projection'),
  });
  return {
    wake: () => projector.wake(),
    stop: () => projector.stop(),
    reads: {
      children: (parent, position) =>
        projector.upTo('secret-tree', position, runner => runner.run(childrenAt, [parent, position])),
      subtree: async (root, position) => {
        const named = await projector.upTo('secret-tree', position, runner => runner.run(namedUnder, [root, position]));
        const byNode = new Map(named.map(name => [name.node, name]));
        return named.filter(({ secret }) => secret).map(({ node }) => secretUnder(byNode, root, node));
      },
      auditPositions: async search => {
        const both = (read: Parameters<typeof projector.upTo<readonly number[]>>[2]) =>
          projector.upTo('audit-index', search.upTo, runner =>
            // A folder is resolved through the tree, so that has to be as far.
            search.underNode === null ? read(runner) : projector.upTo('secret-tree', search.upTo, () => read(runner)),
          );
        return both(runner => runSearch(runner, search));
      },
    },
    control: {
      names: projector.names,
      rebuild: name => projector.rebuild(name),
      verify: name => projector.verify(name),
      status: async head =>
        (await projector.marks()).map(({ name, version, position, state, stoppedAt, reason }) => ({
          ...{ name, version, position, state, stoppedAt, reason },
          head: Math.max(head, position),
          lag: Math.max(0, head - position),
        })),
    },
  };
};

const runSearch = (runner: Runner, { after, upTo, limit, actor, type, underNode }: Search) =>
  underNode === null
    ? runner.run(searchAll, [after, upTo, limit, actor, type])
    : runner.run(searchUnder, [after, upTo, limit, actor, type, underNode]);

const secretUnder = (
  byNode: ReadonlyMap<Uuid, { node: Uuid; parent: Uuid; box: Buffer }>,
  root: Uuid,
  node: Uuid,
): TreeSecret => {
  const steps: { node: Uuid; parent: Uuid; box: Buffer }[] = [];
  for (let at = byNode.get(node); at !== undefined; at = at.parent === root ? undefined : byNode.get(at.parent)) {
    const { node: id, parent, box } = at;
    steps.unshift({ node: id, parent, box });
  }
  return { node, steps };
};
