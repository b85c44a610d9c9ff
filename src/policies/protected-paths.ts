/** Paths that need `sudo` beside the capability that the request asks for. */
import { E } from '../fp.js';
import { parsePattern } from './pattern.js';
import { type Leaf, PatternTree } from './pattern-tree.js';

export const PROTECTED_PATHS = [
  ...['sys/auth/*', 'sys/remount', 'sys/audit', 'sys/audit/*', 'sys/raw*'],
  ...['sys/rotate', 'sys/rotate/keyring', 'sys/rotate/root', 'sys/seal', 'sys/step-down'],
  ...['sys/config/cors', 'sys/config/auditing/*', 'sys/config/ui/headers/*', 'sys/plugins/catalog/*'],
  ...['sys/leases', 'sys/leases/lookup/*', 'sys/leases/revoke-prefix/*', 'sys/leases/revoke-force/*'],
  ...['sys/revoke-prefix/*', 'sys/revoke-force/*', 'auth/token/accessors*', 'auth/token/revoke-orphan'],
  ...['sys/ledger/erase/apply', 'sys/ledger/restore/apply', 'sys/ledger/holds/*', 'sys/ledger/retention/*'],
];

const tree = new PatternTree<Leaf>();
for (const path of PROTECTED_PATHS) {
  const pattern = parsePattern(path);
  if (E.isLeft(pattern) || pattern.right.templated) throw new Error(`not a pattern: ${path}`);
  const leaf = { pattern: pattern.right };
  tree.add(leaf.pattern, () => leaf);
}

/** Most paths are about secrets, and are told by their first letters. */
const MOUNTS = ['sys/', 'auth/token/'];

export const needsSudo = (path: string): boolean =>
  MOUNTS.some(mount => path.startsWith(mount)) && tree.key(path) !== null;
