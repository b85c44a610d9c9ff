/** The tree for listing: loads what the pure fold has to know, folds, and writes the changes in sets. */
import type { Uuid } from '../../src/crypto/bytes.js';
import { decodeNames } from '../../src/crypto/names.js';
import { E } from '../../src/fp.js';
import { byteaArray, int2Array, int8Array, uuidArray } from '../../src/postgres/arrays.js';
import type { Fold, Projection, TableName } from '../../src/projector/projection.js';
import { noRow, type Query, query, type Runner } from '../../src/sql.js';
import { tableSql } from '../table-sql.js';
import { emptyMemory, foldTree, Kind, type TreeChanges, type TreeEvent, type TreeMemory } from './fold.js';

const narrowEvents: Query<TreeEvent> = query(
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
  `select position, stream_id, type = 'secret.removed' as removed, names
     from events
    where position > $1 and position <= $2 and lane = 0 and type like 'secret.%'
    order by position`,
);

const nodeParent = ({ node, parent }: Readonly<Record<string, unknown>>) =>
  typeof node === 'string' && typeof parent === 'string' ? E.right({ node, parent }) : E.left('node, parent');

/** The nodes asked for and all above them. */
const ancestors = (table: TableName): Query<{ node: Uuid; parent: Uuid }> =>
  query(
    `projection_${table('tree_names')}_up`,
    nodeParent,
    `with recursive up (node, parent) as (
       select node, parent from ${table('tree_names')} where node = any ($1::uuid[])
       union
       select n.node, n.parent from up u join ${table('tree_names')} n on n.node = u.parent
     )
     select node, parent from up`,
  );

const livingSecrets = (table: TableName): Query<Uuid> =>
  query(
    `projection_${table('tree_children')}_living`,
    ({ node }) => (typeof node === 'string' ? E.right(node) : E.left('node')),
    `select node from ${table('tree_children')} where node = any ($1::uuid[]) and kind = 1 and to_pos is null`,
  );

const livingChildren = (table: TableName): Query<{ parent: Uuid; n: number }> =>
  query(
    `projection_${table('tree_children')}_count`,
    ({ parent, n }) =>
      typeof parent === 'string' && typeof n === 'number' ? E.right({ parent, n }) : E.left('parent, n'),
    `select parent, count(*) as n from ${table('tree_children')} where parent = any ($1::uuid[]) and to_pos is null group by parent`,
  );

const MEMORY_MAX = 500_000;

class TreeFold implements Fold {
  #memory: TreeMemory = emptyMemory();
  #from = -1;

  async apply(tx: Runner, table: TableName, from: number, to: number): Promise<void> {
    // What is remembered is only good for the stretch that follows it, and only while it is small.
    if (from !== this.#from || this.#memory.living.size > MEMORY_MAX) this.#memory = emptyMemory();
    const events = await tx.run(narrowEvents, [from, to]);
    if (from > 0) await load(tx, table, this.#memory, events);
    const changes = foldTree(this.#memory, events);
    await write(tx, table, changes);
    this.#from = to;
  }
}

/** Brings into memory what these events touch and was not known: parents up to the mount, living secrets, counts. */
const load = async (tx: Runner, table: TableName, memory: TreeMemory, events: readonly TreeEvent[]): Promise<void> => {
  const touched = new Set<Uuid>();
  for (const { node, names } of events) {
    if (!memory.parents.has(node)) touched.add(node);
    for (const name of names) for (const id of [name.node, name.parent]) if (!memory.parents.has(id)) touched.add(id);
  }
  if (touched.size > 0)
    for (const { node, parent } of await tx.run(ancestors(table), [uuidArray([...touched])]))
      memory.parents.set(node, parent);
  const unknown = [...new Set(events.map(({ node }) => node))].filter(node => !memory.living.has(node));
  if (unknown.length > 0) {
    const living = new Set(await tx.run(livingSecrets(table), [uuidArray(unknown)]));
    for (const node of unknown) memory.living.set(node, living.has(node));
  }
  const uncounted = new Set<Uuid>();
  const wanted = [...events.map(({ node }) => node), ...events.flatMap(({ names }) => names.map(name => name.node))];
  const parentOf = new Map(events.flatMap(({ names }) => names.map(name => [name.node, name.parent] as const)));
  for (const start of wanted)
    for (
      let at = memory.parents.get(start) ?? parentOf.get(start);
      at !== undefined;
      at = memory.parents.get(at) ?? parentOf.get(at)
    ) {
      if (memory.children.has(at) || uncounted.has(at)) break;
      uncounted.add(at);
    }
  if (uncounted.size === 0) return;
  for (const node of uncounted) memory.children.set(node, 0);
  for (const { parent, n } of await tx.run(livingChildren(table), [uuidArray([...uncounted])]))
    memory.children.set(parent, n);
};

const write = async (tx: Runner, table: TableName, { names, opened, closed }: TreeChanges): Promise<void> => {
  if (closed.length > 0)
    await tx.run(closeRows(table), [
      uuidArray(closed.map(row => row.node)),
      int2Array(closed.map(row => row.kind)),
      int8Array(closed.map(row => row.to)),
      uuidArray(closed.map(row => row.parent)),
    ]);
  if (opened.length > 0)
    await tx.run(openRows(table), [
      uuidArray(opened.map(row => row.parent)),
      uuidArray(opened.map(row => row.node)),
      int2Array(opened.map(row => row.kind)),
      int8Array(opened.map(row => row.from)),
      int8Array(opened.map(row => row.to)),
    ]);
  if (names.length > 0)
    await tx.run(insertNames(table), [
      uuidArray(names.map(name => name.node)),
      uuidArray(names.map(name => name.parent)),
      int8Array(names.map(name => name.position)),
      byteaArray(names.map(name => name.box)),
    ]);
};

const insertNames = (table: TableName): Query<never> =>
  query(
    `projection_${table('tree_names')}_in`,
    noRow,
    `insert into ${table('tree_names')} (node, parent, position, box)
     select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bytea[])`,
  );

const openRows = (table: TableName): Query<never> =>
  query(
    `projection_${table('tree_children')}_in`,
    noRow,
    `insert into ${table('tree_children')} (parent, node, kind, from_pos, to_pos)
     select * from unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::bigint[], $5::bigint[])`,
  );

const closeRows = (table: TableName): Query<never> =>
  query(
    `projection_${table('tree_children')}_end`,
    noRow,
    `update ${table('tree_children')} c
        set to_pos = u.to_pos
       from unnest($1::uuid[], $2::smallint[], $3::bigint[], $4::uuid[]) as u (node, kind, to_pos, parent)
      where c.node = u.node and c.kind = u.kind and c.parent = u.parent and c.to_pos is null`,
  );

export const secretTree: Projection = {
  name: 'secret-tree',
  version: 1,
  tables: ['tree_names', 'tree_children'],
  ...tableSql('secret-tree'),
  newFold: () => new TreeFold(),
};

export interface Child {
  readonly node: Uuid;
  readonly kind: 'secret' | 'folder';
  readonly box: Buffer;
}

/** $1 parent, $2 position. */
export const childrenAt: Query<Child> = query(
  'projection_tree_children_at',
  ({ node, kind, box }) =>
    typeof node === 'string' && typeof kind === 'number' && Buffer.isBuffer(box)
      ? E.right({ node, kind: kind === Kind.folder ? 'folder' : 'secret', box })
      : E.left('a child'),
  `select c.node, c.kind, n.box
     from tree_children c join tree_names n on n.node = c.node
    where c.parent = $1 and c.from_pos <= $2 and (c.to_pos is null or c.to_pos > $2)`,
);

export interface Named {
  readonly node: Uuid;
  readonly parent: Uuid;
  readonly box: Buffer;
  /** It was a secret at some time up to the position. */
  readonly secret: boolean;
}

/** Every node ever known under $1, up to position $2, with whether it was ever a secret. */
export const namedUnder: Query<Named> = query(
  'projection_tree_named_under',
  ({ node, parent, box, secret }) =>
    typeof node === 'string' && typeof parent === 'string' && Buffer.isBuffer(box) && typeof secret === 'boolean'
      ? E.right({ node, parent, box, secret })
      : E.left('a named node'),
  `with recursive under (node, parent, box) as (
     select node, parent, box from tree_names where parent = $1 and position <= $2
     union all
     select n.node, n.parent, n.box from under u join tree_names n on n.parent = u.node and n.position <= $2
   )
   select u.node, u.parent, u.box,
          exists (select 1 from tree_children c where c.node = u.node and c.kind = 1 and c.from_pos <= $2) as secret
     from under u`,
);
