/**
 * The pure fold of the tree: which children begin and end to be there. A secret is there while its head does not say that it
 * was removed; a folder while anything lives under it, so its row changes only with its first and last living child.
 */
import type { Uuid } from '../../src/crypto/bytes.js';
import type { NameEntry } from '../../src/crypto/names.js';
import { CannotFold } from '../../src/projector/projection.js';
import type { TreeMemory } from './memory.js';

export interface TreeEvent {
  readonly position: number;
  /** The secret's node. */
  readonly node: Uuid;
  /** As its head says, whatever the event's type: a destroy in a removed stream leaves it removed. */
  readonly removed: boolean;
  readonly names: readonly NameEntry[];
}

export const Kind = { secret: 1, folder: 2 } as const;
type Kind = (typeof Kind)[keyof typeof Kind];

export interface ChildRow {
  readonly parent: Uuid;
  readonly node: Uuid;
  readonly kind: Kind;
  readonly from: number;
  /** Null: it is there. */
  readonly to: number | null;
}

export interface TreeChanges {
  /** Nodes that this memory did not know, each at its lowest position here; the table may know them, and then that counts. */
  readonly names: readonly { readonly entry: NameEntry; readonly position: number }[];
  readonly begun: readonly ChildRow[];
  /** Rows from before that end here. */
  readonly ended: readonly (Omit<ChildRow, 'from' | 'to'> & { readonly to: number })[];
}

type Begun = ChildRow & { to: number | null };

const keyOf = ({ node, kind }: Pick<ChildRow, 'node' | 'kind'>): string => `${kind}${node}`;

/**
 * `memory` has to know what `load.ts` loads for these events, and is brought up to date. Throws `CannotFold` on a secret
 * that nobody named.
 */
export const foldTree = (memory: TreeMemory, events: readonly TreeEvent[]): TreeChanges => {
  const names: TreeChanges['names'][number][] = [];
  const begun: Begun[] = [];
  const ended: TreeChanges['ended'][number][] = [];
  /** Rows that begin here and are there, once anything ended. */
  let here: Map<string, Begun> | null = null;

  const begin = (parent: Uuid, node: Uuid, kind: Kind, position: number): void => {
    const row: Begun = { parent, node, kind, from: position, to: null };
    begun.push(row);
    here?.set(keyOf(row), row);
    const children = (memory.children.get(parent) ?? 0) + 1;
    memory.children.set(parent, children);
    const above = memory.parents.get(parent);
    if (children === 1 && above !== undefined) begin(above, parent, Kind.folder, position);
  };

  const end = (parent: Uuid, node: Uuid, kind: Kind, position: number): void => {
    here ??= new Map(begun.map(row => [keyOf(row), row]));
    const ending = { parent, node, kind, to: position };
    const row = here.get(keyOf(ending));
    if (row === undefined) ended.push(ending);
    else row.to = position;
    here.delete(keyOf(ending));
    const children = (memory.children.get(parent) ?? 0) - 1;
    memory.children.set(parent, children);
    const above = memory.parents.get(parent);
    if (children === 0 && above !== undefined) end(above, parent, Kind.folder, position);
  };

  for (const { position, node, removed, names: brought } of events) {
    for (const entry of brought) {
      if (memory.parents.has(entry.node)) continue;
      memory.parents.set(entry.node, entry.parent);
      names.push({ entry, position });
    }
    if ((memory.living.get(node) ?? false) !== removed) continue;
    const parent = memory.parents.get(node);
    if (parent === undefined) throw new CannotFold('a secret that no event named');
    memory.living.set(node, !removed);
    if (removed) end(parent, node, Kind.secret, position);
    else begin(parent, node, Kind.secret, position);
  }
  return { names, begun, ended };
};
