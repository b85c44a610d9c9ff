/**
 * Going through a tree in the byte order of whole paths, a page at a time. A folder's names all begin with the folder's own,
 * slash included, so that children in order of their names give all paths in order.
 */
import type { Uuid } from '../../crypto/bytes.js';
import type { Page } from './contract.js';

export interface Entry {
  readonly node: Uuid;
  readonly kind: 'secret' | 'folder';
  /** A folder's ends in a slash. */
  readonly name: string;
}

export interface Tree {
  /** In byte order of their names. */
  readonly children: (parent: Uuid) => Promise<readonly Entry[]>;
}

const isAfter = (name: string, after: string | null): boolean =>
  after === null || Buffer.compare(Buffer.from(name), Buffer.from(after)) > 0;

export const pageOf = (entries: readonly Entry[], { after, limit }: Page): readonly Entry[] =>
  entries.filter(({ name }) => isAfter(name, after)).slice(0, limit);

/** Names are paths from `root`. A folder that may not be entered is an entry itself. */
export const scanned = async (
  tree: Tree,
  root: Uuid,
  { after, limit }: Page,
  mayEnter: (folder: string) => boolean,
): Promise<readonly Entry[]> => {
  const found: Entry[] = [];
  const through = async (parent: Uuid, prefix: string): Promise<void> => {
    for (const child of await tree.children(parent)) {
      if (found.length >= limit) return;
      const name = prefix + child.name;
      const closed = child.kind === 'folder' && !mayEnter(name);
      if (child.kind === 'secret' || closed) {
        if (isAfter(name, after)) found.push({ ...child, name });
      } else if (isAfter(name, after) || after?.startsWith(name)) await through(child.node, name);
    }
  };
  await through(root, '');
  return found;
};
