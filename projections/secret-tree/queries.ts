/** What the tree is asked. Every answer is as of a position, $2, that the projection must have reached. */
import type { Uuid } from '../../src/crypto/bytes.js';
import { E } from '../../src/fp.js';
import { type Query, query, type RowDecoder } from '../../src/sql.js';
import { Kind } from './fold.js';
import { nodeAndParent } from './load.js';

export interface Child {
  readonly node: Uuid;
  readonly kind: 'secret' | 'folder';
  readonly box: Buffer;
}

const child: RowDecoder<Child> = ({ node, kind, box }) =>
  typeof node === 'string' && typeof kind === 'number' && Buffer.isBuffer(box)
    ? E.right({ node, kind: kind === Kind.folder ? 'folder' : 'secret', box })
    : E.left('a child');

/** `endedAt` null: it is there still. */
export interface ChildThen extends Child {
  readonly endedAt: number | null;
}

const childThen: RowDecoder<ChildThen> = raw => {
  const decoded = child(raw);
  const { ended_at: endedAt } = raw;
  if (decoded._tag === 'Left') return decoded;
  return endedAt === null || typeof endedAt === 'number'
    ? E.right({ ...decoded.right, endedAt })
    : E.left('where a child ended');
};

/**
 * What is in folder $1: at most $6 of what is there still, after node $3 and kind $4; and at most $6 of what ended after $5.
 * A node that is a secret and a folder is both. An event ends at most one child of a folder, so no two ended at once.
 */
export const childrenAt: Query<ChildThen> = query(
  'projection_tree_children_at',
  childThen,
  // Two index scans, each in its own order: not what came and went before, and no sort of what may be a million.
  `select c.node, c.kind, c.ended_at, n.box
     from ((select node, kind, null::bigint as ended_at from tree_children
             where parent = $1 and to_pos is null and from_pos <= $2 and (node, kind) > ($3, $4)
             order by node, kind limit $6)
           union all
           (select node, kind, to_pos from tree_children
             where parent = $1 and to_pos > $2 and to_pos > $5 and from_pos <= $2
             order by to_pos limit $6)) c
     join tree_names n on n.node = c.node`,
);

export interface Named {
  readonly node: Uuid;
  readonly parent: Uuid;
  readonly box: Buffer;
  /** It was a secret at some time up to the position, living now or not. */
  readonly secret: boolean;
}

const named: RowDecoder<Named> = ({ node, parent, box, secret }) =>
  typeof node === 'string' && typeof parent === 'string' && Buffer.isBuffer(box) && typeof secret === 'boolean'
    ? E.right({ node, parent, box, secret })
    : E.left('a named node');

const under = `with recursive under (node) as (
     select node from tree_names where parent = $1 and position <= $2
     union all
     select n.node from under u join tree_names n on n.parent = u.node and n.position <= $2
   )`;

/** Every node ever known under $1, with its name box. */
export const namedUnder: Query<Named> = query(
  'projection_tree_named_under',
  named,
  `${under}
   select n.node, n.parent, n.box,
          exists (select from tree_children c where c.node = n.node and c.kind = 1 and c.from_pos <= $2) as secret
     from under join tree_names n using (node)`,
);

/** The next $3 folders that are in $1 after node $2. */
export const foldersAfter: Query<Child> = query(
  'projection_tree_folders_after',
  child,
  `select c.node, c.kind, n.box
     from tree_children c join tree_names n on n.node = c.node
    where c.parent = $1 and c.node > $2 and c.kind = ${Kind.folder} and c.to_pos is null
    order by c.node limit $3`,
);

/** At most $2 of the secrets that are under any of $1, and the folders between, with their name boxes. */
export const livingUnder: Query<Named> = query(
  'projection_tree_living_under',
  named,
  `with recursive under (node, kind) as (
     select node, kind from tree_children where parent = any ($1::uuid[]) and to_pos is null
     union all
     select c.node, c.kind from under u join tree_children c on c.parent = u.node and c.to_pos is null
      where u.kind = ${Kind.folder}
   ), chosen as (
     select node from under where kind = ${Kind.secret} limit $2
   ), up (node, parent, box) as (
     select n.node, n.parent, n.box from chosen join tree_names n using (node)
     union
     select n.node, n.parent, n.box from up join tree_names n on n.node = up.parent
      where up.parent <> all ($1::uuid[])
   )
   select up.node, up.parent, up.box, exists (select from chosen c where c.node = up.node) as secret from up`,
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
