/** The projections of this server, wired: what operations ask of them, answered by the projector and each one's queries. */
import type pino from 'pino';
import { find, type Search } from '../projections/audit-index/find.js';
import { throughChildren } from '../projections/secret-tree/children.js';
import { foldersAfter, livingUnder, type Named, namedUnder, nodesUnder } from '../projections/secret-tree/queries.js';
import { causeOf } from './cause.js';
import type { Config } from './config.js';
import type { Uuid } from './crypto/bytes.js';
import type { ProjectionReads, TreeSecret } from './operations/projection-reads.js';
import type { ProjectionControl } from './operations/projections.js';
import { uuidArray } from './postgres/arrays.js';
import type { Database } from './postgres/database.js';
import type { Doorbell } from './postgres/doorbell.js';
import type { Projection } from './projector/projection.js';
import { Projector } from './projector/projector.js';
import type { Folded } from './projector/worker.js';
import type { Runner } from './sql.js';

export interface ProjectionParts {
  readonly reads: ProjectionReads;
  readonly control: ProjectionControl;
  wake(): void;
  stop(): Promise<void>;
}

/** A folder of more nodes is not narrowed down: its events are found faster by looking at all. */
const NODES_MAX = 10_000;
const RESTORE = 'batch.applied';

export const projectionParts = (
  config: Pick<Config, 'projectors'>,
  database: Database,
  doorbell: Doorbell,
  projections: readonly Projection[],
  log: pino.Logger,
  measured: (folded: Folded) => void = () => {},
): ProjectionParts => {
  const projector = new Projector({
    pool: database.projector,
    maintenance: database.maintenance,
    doorbell,
    projections,
    fold: config.projectors,
    notice: (what, cause) => log.warn({ what, cause: causeOf(cause) }, 'projection'),
    measured,
  });
  return {
    wake: () => projector.wake(),
    stop: () => projector.stop(),
    reads: {
      children: (parent, position, some) =>
        projector.upTo('secret-tree', position, runner => throughChildren(runner, parent, position, some)),
      subtree: async (root, position) => {
        const named = await projector.upTo('secret-tree', position, runner => runner.run(namedUnder, [root, position]));
        return secretsIn(named, [root]);
      },
      foldersAfter: (parent, after, limit) =>
        projector.upTo('secret-tree', 0, runner => runner.run(foldersAfter, [parent, after, limit])),
      livingUnder: async (folders, position, limit) => {
        const values = [uuidArray(folders), limit];
        const read = (runner: Runner) => runner.run(livingUnder, values);
        return secretsIn(await projector.upTo('secret-tree', position, read), folders);
      },
      auditPositions: async ({ underNode, ...search }) => {
        if (underNode === null) return positions(projector, search);
        const streams = await streamsUnder(projector, underNode, search);
        const found = await positions(projector, { ...search, streams });
        return streams === null ? found : merged(found, await restores(projector, search), search.limit);
      },
    },
    control: {
      names: projector.names,
      rebuild: name => projector.rebuild(name),
      verify: name => projector.verify(name),
      status: async head =>
        (await projector.status()).map(status => ({
          ...status,
          head: Math.max(head, status.position),
          lag: Math.max(0, head - status.position),
        })),
    },
  };
};

const positions = (projector: Projector, search: Search): Promise<readonly number[]> => {
  const { query, values } = find(search);
  return projector.upTo('audit-index', search.upTo, runner => runner.run(query, values));
};

/** A restore is in a stream of its own, and whichever folder it was about in its sealed header: it may be any. */
const restores = async (projector: Projector, search: Search): Promise<readonly number[]> =>
  search.type === null || search.type === RESTORE
    ? positions(projector, { ...search, streams: null, type: RESTORE })
    : [];

/** Both are complete up to their last position if they are full, and to the end if they are not. */
const merged = (some: readonly number[], others: readonly number[], limit: number): readonly number[] =>
  [...new Set([...some, ...others])].sort((a, b) => a - b).slice(0, limit);

/** The node and everything under it; null where that is too much to narrow anything down. */
const streamsUnder = async (projector: Projector, root: Uuid, { upTo }: Search): Promise<readonly Uuid[] | null> => {
  const nodes = await projector.upTo('secret-tree', upTo, runner =>
    runner.run(nodesUnder, [root, upTo, NODES_MAX + 1]),
  );
  return nodes.length > NODES_MAX ? null : [root, ...nodes];
};

const secretsIn = (named: readonly Named[], roots: readonly Uuid[]): readonly TreeSecret[] => {
  const byNode = new Map(named.map(name => [name.node, name]));
  const tops = new Set(roots);
  return named.filter(({ secret }) => secret).map(({ node }) => secretUnder(byNode, tops, node));
};

const secretUnder = (byNode: ReadonlyMap<Uuid, Named>, roots: ReadonlySet<Uuid>, node: Uuid): TreeSecret => {
  const steps: { node: Uuid; parent: Uuid; box: Buffer }[] = [];
  for (let at = byNode.get(node); at !== undefined; at = roots.has(at.parent) ? undefined : byNode.get(at.parent)) {
    const { node: id, parent, box } = at;
    steps.unshift({ node: id, parent, box });
  }
  return { node, steps };
};
