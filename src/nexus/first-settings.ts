/** What a new ledger begins with: its mounts and the policy that every token has (vault-wire.md §9.7). */

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

export const DEFAULT_POLICY = `# What every token may do with itself.
path "auth/token/lookup-self"       { capabilities = ["read"] }
path "auth/token/renew-self"        { capabilities = ["update"] }
path "auth/token/revoke-self"       { capabilities = ["update"] }
path "sys/capabilities-self"        { capabilities = ["update"] }
path "sys/internal/ui/resultant-acl" { capabilities = ["read"] }
path "sys/leases/renew"             { capabilities = ["update"] }
path "sys/leases/lookup"            { capabilities = ["update"] }
path "cubbyhole/*"                  { capabilities = ["create", "read", "update", "delete", "list"] }
path "sys/wrapping/wrap"            { capabilities = ["update"] }
path "sys/wrapping/lookup"          { capabilities = ["update"] }
path "sys/wrapping/unwrap"          { capabilities = ["update"] }
`;
