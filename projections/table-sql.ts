/** Reads a projection's `table.sql`: the tables, then a line `-- ---`, then what a rebuild makes after the rows. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../src/package-root.js';

export const tableSql = (folder: string): { readonly ddl: string; readonly indexes: string } => {
  const text = readFileSync(join(packageRoot, 'projections', folder, 'table.sql'), 'utf8');
  const [ddl = '', indexes = ''] = text.split(/^-- ---.*$/m);
  return { ddl, indexes };
};
