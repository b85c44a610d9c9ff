/**
 * Going through a tree in the byte order of whole paths, a page at a time. A folder's names all begin with the folder's own,
 * slash included, so that children in order of their names give all paths in order.
 */
import type { Uuid } from '../../crypto/bytes.js';
import type { Page } from './contract.js';
import { isAfter } from './first-names.js';

export interface Entry {
  readonly node: Uuid;
  readonly kind: 'secret' | 'folder';
  /** A folder's ends in a slash. */
  readonly name: string;
}

export interface Tree {
  /** The first `most` that are wanted, in byte order of their names. */
  readonly children: (parent: Uuid, most: number, wanted: (child: Entry) => boolean) => Promise<readonly Entry[]>;
}

export const pageOf = (tree: Tree, parent: Uuid, { after, limit }: Page): Promise<readonly Entry[]> =>
  tree.children(parent, limit, ({ name }) => isAfter(name, after));

/** Names are paths from `root`. A folder that may not be entered is an entry itself. */
export const scanned = async (
  tree: Tree,
  root: Uuid,
  { after, limit }: Page,
  mayEnter: (folder: string) => boolean,
): Promise<readonly Entry[]> => {
  const found: Entry[] = [];
  const through = async (parent: Uuid, prefix: string): Promise<void> => {
    /** The folder in which `after` lies may have nothing beyond it: it is one more than may be found. */
    const holdsAfter = ({ kind, name }: Entry): boolean =>
      kind === 'folder' && after?.startsWith(prefix + name) === true;
    const wanted = (child: Entry): boolean => isAfter(prefix + child.name, after) || holdsAfter(child);
    for (const child of await tree.children(parent, limit - found.length + 1, wanted)) {
      if (found.length >= limit) return;
      const name = prefix + child.name;
      if (child.kind === 'folder' && mayEnter(name)) await through(child.node, name);
      else if (isAfter(name, after)) found.push({ ...child, name });
    }
  };
  await through(root, '');
  return found;
};
