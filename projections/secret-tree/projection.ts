/** The tree for listing: loads what the pure fold has to know, folds, and answers the changes in sets. */
import { byteaArray, int2Array, int8Array, uuidArray } from '../../src/postgres/arrays.js';
import type { Fold, Projection, Statement, Stretch } from '../../src/projector/projection.js';
import { noRow, type Query, query, type Runner } from '../../src/sql.js';
import { tableSql } from '../table-sql.js';
import { foldTree, type TreeChanges } from './fold.js';
import { loadEvents, loadMemory } from './load.js';
import { emptyMemory, sizeOf, type TreeMemory } from './memory.js';

/** About 100 MB. */
const MEMORY_MAX = 600_000;

class TreeFold implements Fold {
  /** They are in this process's memory all at once. */
  readonly stretchEvents = 50_000;
  #memory: TreeMemory = emptyMemory(true);
  #position = 0;

  async changes(read: Runner, stretch: Stretch): Promise<readonly Statement[]> {
    // What is remembered is good only for the stretch that follows it.
    if (stretch.from !== this.#position || sizeOf(this.#memory) > MEMORY_MAX)
      this.#memory = emptyMemory(stretch.from === 0);
    const events = await loadEvents(read, stretch);
    await loadMemory(read, this.#memory, events);
    this.#position = stretch.to;
    return statements(foldTree(this.#memory, events));
  }
}

const statements = ({ names, begun, ended }: TreeChanges): readonly Statement[] => [
  ...ifAny(ended, endRows, [
    uuidArray(ended.map(row => row.parent)),
    uuidArray(ended.map(row => row.node)),
    int2Array(ended.map(row => row.kind)),
    int8Array(ended.map(row => row.to)),
  ]),
  ...ifAny(begun, beginRows, [
    uuidArray(begun.map(row => row.parent)),
    uuidArray(begun.map(row => row.node)),
    int2Array(begun.map(row => row.kind)),
    int8Array(begun.map(row => row.from)),
    int8Array(begun.map(row => row.to)),
  ]),
  ...ifAny(names, insertNames, [
    uuidArray(names.map(({ entry }) => entry.node)),
    uuidArray(names.map(({ entry }) => entry.parent)),
    int8Array(names.map(({ position }) => position)),
    byteaArray(names.map(({ entry }) => entry.box)),
  ]),
];

const ifAny = (
  changes: readonly unknown[],
  statement: Query<never>,
  values: readonly Buffer[],
): readonly Statement[] => (changes.length === 0 ? [] : [{ query: statement, values }]);

/** Before others begin: a child that ended and came back has two rows, and only one that is there. */
const endRows: Query<never> = query(
  'projection_tree_end',
  noRow,
  `update tree_children c
      set to_pos = u.to_pos
     from unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::bigint[]) as u (parent, node, kind, to_pos)
    where c.parent = u.parent and c.node = u.node and c.kind = u.kind and c.to_pos is null`,
);

const beginRows: Query<never> = query(
  'projection_tree_begin',
  noRow,
  `insert into tree_children (parent, node, kind, from_pos, to_pos)
   select * from unnest($1::uuid[], $2::uuid[], $3::smallint[], $4::bigint[], $5::bigint[])`,
);

/** Of repeats the box at the lowest position counts. */
const insertNames: Query<never> = query(
  'projection_tree_names',
  noRow,
  `insert into tree_names (node, parent, position, box)
   select * from unnest($1::uuid[], $2::uuid[], $3::bigint[], $4::bytea[])
   on conflict (node) do nothing`,
);

export const secretTree: Projection = {
  name: 'secret-tree',
  version: 1,
  tables: ['tree_names', 'tree_children'],
  ...tableSql('secret-tree'),
  newFold: () => new TreeFold(),
};
