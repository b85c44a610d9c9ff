/**
 * Names of nodes: paths to node ids with a cache that saves hashing on hot paths, and which nodes this process has seen
 * named in the ledger, so that an event brings in only the names that are new.
 */
import type { Mount } from '../authority/mounts.js';
import type { Uuid } from '../crypto/bytes.js';
import { node } from '../crypto/names.js';
import type { NewName } from '../keys/event-sealer.js';

const PATHS_MAX = 100_000;
const NAMED_MAX = 500_000;

export interface NodePath {
  /** The node of the last segment: a secret's stream id. */
  readonly node: Uuid;
  /** Each segment's node and its parent, from the mount down. */
  readonly steps: readonly { readonly node: Uuid; readonly parent: Uuid; readonly segment: string }[];
}

export class NodeNames {
  readonly #paths = new Map<string, NodePath>();
  readonly #named = new Set<Uuid>();
  readonly #names = new Map<Uuid, string>();

  constructor(readonly ledger: Buffer) {}

  /** The nodes of a path of at least one segment inside a mount. */
  resolve(mount: Mount, segments: readonly string[]): NodePath {
    const key = `${mount.number}/${segments.join('/')}`;
    const cached = this.#paths.get(key);
    if (cached !== undefined) return cached;
    let parent = mount.id;
    const steps = segments.map(segment => {
      const step = { node: node(mount.indexKey, this.ledger, parent, segment), parent, segment };
      parent = step.node;
      return step;
    });
    const path: NodePath = { node: parent, steps };
    if (this.#paths.size >= PATHS_MAX) this.#paths.clear();
    this.#paths.set(key, path);
    return path;
  }

  /** A name that was opened here before. */
  nameOf(node: Uuid): string | undefined {
    return this.#names.get(node);
  }

  remember(node: Uuid, name: string): void {
    if (this.#names.size >= NAMED_MAX) this.#names.clear();
    this.#names.set(node, name);
  }

  /** The names that an event on this path has to bring in. */
  unnamed(mount: Mount, path: NodePath): readonly NewName[] {
    return path.steps.filter(step => !this.#named.has(step.node)).map(step => ({ ...step, mountNumber: mount.number }));
  }

  /** The ledger holds names for all nodes of this path: an event of it, or below it, was read or committed. */
  markNamed(path: NodePath): void {
    if (this.#named.size >= NAMED_MAX) this.#named.clear();
    for (const step of path.steps) this.#named.add(step.node);
  }
}
