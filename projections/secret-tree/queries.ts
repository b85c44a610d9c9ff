/** What the tree is asked. Every answer is as of a position, $2, that the projection must have reached. */
import type { Uuid } from '../../src/crypto/bytes.js';
import { E } from '../../src/fp.js';
import { type Query, query, type RawRow } from '../../src/sql.js';
import { Kind } from './fold.js';
import { nodeAndParent } from './load.js';

export interface Child {
  readonly node: Uuid;
  readonly kind: 'secret' | 'folder';
  readonly box: Buffer;
}

/** What is in folder $1. A node that is a secret and a folder is both. */
export const childrenAt: Query<Child> = query(
  'projection_tree_children_at',
  ({ node, kind, box }) =>
    typeof node === 'string' && typeof kind === 'number' && Buffer.isBuffer(box)
      ? E.right({ node, kind: kind === Kind.folder ? 'folder' : 'secret', box })
      : E.left('a child'),
  // Two index scans: what is there still, and what ended after the position; not what came and went before.
  `select c.node, c.kind, n.box
     from (select node, kind from tree_children where parent = $1 and to_pos is null and from_pos <= $2
           union all
           select node, kind from tree_children where parent = $1 and to_pos > $2 and from_pos <= $2) c
     join tree_names n on n.node = c.node`,
);

export interface Named {
  readonly node: Uuid;
  readonly parent: Uuid;
  readonly box: Buffer;
  /** It was a secret at some time up to the position, living now or not. */
  readonly secret: boolean;
}

const under = `with recursive under (node) as (
     select node from tree_names where parent = $1 and position <= $2
     union all
     select n.node from under u join tree_names n on n.parent = u.node and n.position <= $2
   )`;

/** Every node ever known under $1, with its name box. */
export const namedUnder: Query<Named> = query(
  'projection_tree_named_under',
  ({ node, parent, box, secret }: RawRow) =>
    typeof node === 'string' && typeof parent === 'string' && Buffer.isBuffer(box) && typeof secret === 'boolean'
      ? E.right({ node, parent, box, secret })
      : E.left('a named node'),
  `${under}
   select n.node, n.parent, n.box,
          exists (select from tree_children c where c.node = n.node and c.kind = 1 and c.from_pos <= $2) as secret
     from under join tree_names n using (node)`,
);

/** At most $3 of the nodes ever known under $1. */
export const nodesUnder: Query<Uuid> = query(
  'projection_tree_nodes_under',
  ({ node }) => (typeof node === 'string' ? E.right(node) : E.left('node')),
  `${under}
   select node from under limit $3`,
);

/** Node $1 and all above it up to the mount's child, with their parents; itself first. */
export const ancestorsOf: Query<{ readonly node: Uuid; readonly parent: Uuid }> = query(
  'projection_tree_ancestors',
  nodeAndParent,
  `with recursive up (node, parent, height) as (
     select node, parent, 0 from tree_names where node = $1 and position <= $2
     union all
     select n.node, n.parent, u.height + 1 from up u join tree_names n on n.node = u.parent
   )
   select node, parent from up order by height`,
);
