/** What the fold has to know of the rows so far, and what it does not know yet for the events that come. Pure. */
import type { Uuid } from '../../src/crypto/bytes.js';
import type { TreeEvent } from './fold.js';

export interface TreeMemory {
  /** From the first event on: what is not in here does not exist. */
  readonly complete: boolean;
  /** Parent of each named node. A mount has none. */
  readonly parents: Map<Uuid, Uuid>;
  /** Whether a secret is there. */
  readonly living: Map<Uuid, boolean>;
  /** How many children are there. */
  readonly children: Map<Uuid, number>;
}

export const emptyMemory = (complete: boolean): TreeMemory => ({
  ...{ complete, parents: new Map(), living: new Map(), children: new Map() },
});

export const sizeOf = ({ parents, living, children }: TreeMemory): number => parents.size + living.size + children.size;

/** Secrets of which nobody knows whether they are there. */
export const unknownSecrets = ({ living }: TreeMemory, events: readonly TreeEvent[]): readonly Uuid[] => [
  ...new Set(events.map(({ node }) => node).filter(node => !living.has(node))),
];

/** Secrets that may appear or vanish with these events; everything else changes no row. */
export const changing = ({ living }: TreeMemory, events: readonly TreeEvent[]): readonly Uuid[] => [
  ...new Set(events.filter(({ node, removed }) => (living.get(node) ?? false) === removed).map(({ node }) => node)),
];

type ParentOf = (node: Uuid) => Uuid | undefined;

/** Of the memory, and of the names that these events bring in. */
export const parentsWith = ({ parents }: TreeMemory, events: readonly TreeEvent[]): ParentOf => {
  const brought = new Map(events.flatMap(({ names }) => names.map(({ node, parent }) => [node, parent] as const)));
  return node => parents.get(node) ?? brought.get(node);
};

/** Where the known way up from these nodes ends: at mounts, and at nodes whose parents are still to be asked for. */
export const topsOf = (parentOf: ParentOf, nodes: readonly Uuid[]): readonly Uuid[] => {
  const seen = new Set<Uuid>();
  const tops: Uuid[] = [];
  for (const start of nodes)
    for (let at: Uuid | undefined = start; at !== undefined && !seen.has(at); ) {
      seen.add(at);
      const above: Uuid | undefined = parentOf(at);
      if (above === undefined) tops.push(at);
      at = above;
    }
  return tops;
};

/** Everything above these nodes whose children nobody has counted. */
export const uncounted = ({ children }: TreeMemory, parentOf: ParentOf, nodes: readonly Uuid[]): readonly Uuid[] => {
  const found = new Set<Uuid>();
  for (const start of nodes)
    for (let at = parentOf(start); at !== undefined && !found.has(at); at = parentOf(at))
      if (!children.has(at)) found.add(at);
  return [...found];
};
