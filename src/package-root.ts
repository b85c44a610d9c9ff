/** Where the package lies: found by its package.json, so that the program may be built into any folder. */
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

interface Package {
  readonly root: string;
  readonly version: string;
}

const find = (): Package => {
  for (let folder = dirname(fileURLToPath(import.meta.url)); ; folder = dirname(folder)) {
    try {
      const found: unknown = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'));
      if (typeof found === 'object' && found !== null && 'name' in found && found.name === 'tallystick')
        return { root: folder, version: 'version' in found ? String(found.version) : '0.0.0' };
    } catch {
      // Not in this folder.
    }
    if (folder === dirname(folder)) throw new Error('the package.json of tallystick is not above its program');
  }
};

const found = find();

export const packageRoot = found.root;
export const packageVersion = found.version;
