/** Reads what the fold has to know: the events, and of the rows only what these events touch. */
import type { Uuid } from '../../src/crypto/bytes.js';
import { decodeNames } from '../../src/crypto/names.js';
import { E } from '../../src/fp.js';
import { uuidArray } from '../../src/postgres/arrays.js';
import type { Stretch } from '../../src/projector/projection.js';
import { type Query, query, type RawRow, type Runner } from '../../src/sql.js';
import type { TreeEvent } from './fold.js';
import { changing, parentsWith, type TreeMemory, topsOf, uncounted, unknownSecrets } from './memory.js';

/** In its first generation a secret is there from its first event on: later ones say nothing to the tree until one removes it. */
const treeEvents: Query<TreeEvent> = query(
  'projection_tree_events',
  ({ position, stream_id, removed, names }) => {
    const brought = names === null ? [] : Buffer.isBuffer(names) ? decodeNames(names) : null;
    return typeof position === 'number' &&
      typeof stream_id === 'string' &&
      typeof removed === 'boolean' &&
      brought !== null
      ? E.right({ position, node: stream_id, removed, names: brought })
      : E.left('an event of a secret');
  },
  `select position, stream_id, names, coalesce((facts ->> 'removed')::boolean, false) as removed
     from events
    where position > $1 and position <= $2 and lane = 0 and type like 'secret.%'
      and (stream_version = 1 or names is not null or facts ? 'removed' or coalesce((facts ->> 'generation')::integer, 2) > 1)
    order by position`,
);

export const nodeAndParent = ({ node, parent }: RawRow) =>
  typeof node === 'string' && typeof parent === 'string' ? E.right({ node, parent }) : E.left('node, parent');

/** The nodes asked for and all above them; mounts have no row. */
const above: Query<{ readonly node: Uuid; readonly parent: Uuid }> = query(
  'projection_tree_above',
  nodeAndParent,
  `with recursive up (node, parent) as (
     select node, parent from tree_names where node = any ($1::uuid[])
     union
     select n.node, n.parent from up u join tree_names n on n.node = u.parent
   )
   select node, parent from up`,
);

const livingOf: Query<Uuid> = query(
  'projection_tree_living',
  ({ node }) => (typeof node === 'string' ? E.right(node) : E.left('node')),
  'select node from tree_children where node = any ($1::uuid[]) and kind = 1 and to_pos is null',
);

const childCounts: Query<{ readonly parent: Uuid; readonly n: number }> = query(
  'projection_tree_counts',
  ({ parent, n }) =>
    typeof parent === 'string' && typeof n === 'number' ? E.right({ parent, n }) : E.left('parent, n'),
  'select parent, count(*) as n from tree_children where parent = any ($1::uuid[]) and to_pos is null group by parent',
);

export const loadEvents = (read: Runner, { from, to }: Stretch): Promise<readonly TreeEvent[]> =>
  read.run(treeEvents, [from, to]);

/** Brings into `memory` what these events touch and was not known. */
export const loadMemory = async (read: Runner, memory: TreeMemory, events: readonly TreeEvent[]): Promise<void> => {
  if (memory.complete) return;
  const unknown = unknownSecrets(memory, events);
  if (unknown.length > 0) {
    const living = new Set(await read.run(livingOf, [uuidArray(unknown)]));
    for (const node of unknown) memory.living.set(node, living.has(node));
  }
  const nodes = changing(memory, events);
  if (nodes.length === 0) return;
  const parentOf = parentsWith(memory, events);
  for (const { node, parent } of await read.run(above, [uuidArray(topsOf(parentOf, nodes))]))
    memory.parents.set(node, parent);
  const counted = uncounted(memory, parentOf, nodes);
  if (counted.length === 0) return;
  for (const node of counted) memory.children.set(node, 0);
  for (const { parent, n } of await read.run(childCounts, [uuidArray(counted)])) memory.children.set(parent, n);
};
