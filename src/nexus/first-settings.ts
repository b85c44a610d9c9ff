/** What a new ledger begins with: its mounts and policies (vault-wire.md §9.7). */
import { AUDITOR_POLICY, DEFAULT_POLICY } from '../policies/built-in.js';

export const FIRST_MOUNTS = [
  {
    path: 'secret/',
    kind: 'secret',
    type: 'kv',
    description: 'key/value secrets, versioned',
    options: { version: '2' },
  },
  { path: 'sys/', kind: 'system', type: 'system', description: 'system endpoints', options: {} },
  { path: 'cubbyhole/', kind: 'secret', type: 'cubbyhole', description: 'private to each token', options: {} },
] as const;

/** By name: every token has `default`, and `auditor` sees who did what and never a value. */
export const FIRST_POLICIES: Readonly<Record<string, string>> = { auditor: AUDITOR_POLICY, default: DEFAULT_POLICY };
