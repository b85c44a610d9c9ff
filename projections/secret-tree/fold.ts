/**
 * The pure fold of the tree: which children begin and end to be there. A secret lives while its head does not say that it
 * was removed; a folder while anything lives under it, so its row changes only with its first and last living child.
 */
import type { Uuid } from '../../src/crypto/bytes.js';

export interface TreeEvent {
  readonly position: number;
  /** The secret's node. */
  readonly node: Uuid;
  readonly removed: boolean;
  readonly names: readonly { readonly node: Uuid; readonly parent: Uuid; readonly box: Buffer }[];
}

export const Kind = { secret: 1, folder: 2 } as const;

export interface ChildRow {
  readonly parent: Uuid;
  readonly node: Uuid;
  readonly kind: number;
  readonly from: number;
  to: number | null;
}

export interface TreeChanges {
  readonly names: readonly {
    readonly node: Uuid;
    readonly parent: Uuid;
    readonly box: Buffer;
    readonly position: number;
  }[];
  readonly opened: readonly ChildRow[];
  /** Rows that were there before and end now. */
  readonly closed: readonly {
    readonly parent: Uuid;
    readonly node: Uuid;
    readonly kind: number;
    readonly to: number;
  }[];
}

/** What the fold has to know of the rows so far; filled by whoever loads, kept from batch to batch. */
export interface TreeMemory {
  /** Parent of each named node. A mount has none. */
  readonly parents: Map<Uuid, Uuid>;
  /** Whether a secret is living. */
  readonly living: Map<Uuid, boolean>;
  /** How many living children a node has. */
  readonly children: Map<Uuid, number>;
}

export const emptyMemory = (): TreeMemory => ({ parents: new Map(), living: new Map(), children: new Map() });

/** Changes `memory`. Throws when an event's secret has no name: such an event cannot have been appended by us. */
export const foldTree = (memory: TreeMemory, events: readonly TreeEvent[]): TreeChanges => {
  const names: TreeChanges['names'][number][] = [];
  const opened: ChildRow[] = [];
  const closed: TreeChanges['closed'][number][] = [];
  const openHere = new Map<string, ChildRow>();

  const begin = (parent: Uuid, node: Uuid, kind: number, position: number): void => {
    const row: ChildRow = { parent, node, kind, from: position, to: null };
    opened.push(row);
    openHere.set(`${node}/${kind}`, row);
    const count = (memory.children.get(parent) ?? 0) + 1;
    memory.children.set(parent, count);
    const above = memory.parents.get(parent);
    if (count === 1 && above !== undefined) begin(above, parent, Kind.folder, position);
  };

  const end = (parent: Uuid, node: Uuid, kind: number, position: number): void => {
    const here = openHere.get(`${node}/${kind}`);
    if (here) {
      here.to = position;
      openHere.delete(`${node}/${kind}`);
    } else closed.push({ parent, node, kind, to: position });
    const count = (memory.children.get(parent) ?? 1) - 1;
    memory.children.set(parent, count);
    const above = memory.parents.get(parent);
    if (count === 0 && above !== undefined) end(above, parent, Kind.folder, position);
  };

  for (const { position, node, removed, names: brought } of events) {
    for (const name of brought) {
      if (memory.parents.has(name.node)) continue;
      memory.parents.set(name.node, name.parent);
      names.push({ ...name, position });
    }
    const parent = memory.parents.get(node);
    if (parent === undefined) throw new Error('a secret without a name');
    const lives = memory.living.get(node) === true;
    if (lives !== removed) continue;
    memory.living.set(node, !removed);
    if (removed) end(parent, node, Kind.secret, position);
    else begin(parent, node, Kind.secret, position);
  }
  return { names, opened, closed };
};
