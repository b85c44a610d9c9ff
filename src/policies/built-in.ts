/** The policies that a ledger has from its first day, as text. `root` has none: it grants everything. */

/** Of every token, unless it refuses it. May be changed, cannot be deleted. */
export const DEFAULT_POLICY = `# What every token may do: look after itself.
path "auth/token/lookup-self" {
  capabilities = ["read"]
}
path "auth/token/renew-self" {
  capabilities = ["update"]
}
path "auth/token/revoke-self" {
  capabilities = ["update"]
}
path "sys/capabilities-self" {
  capabilities = ["update"]
}
path "sys/internal/ui/resultant-acl" {
  capabilities = ["read"]
}

# Leases that it knows the id of.
path "sys/renew" {
  capabilities = ["update"]
}
path "sys/leases/renew" {
  capabilities = ["update"]
}
path "sys/leases/lookup" {
  capabilities = ["update"]
}

# Its own store, which ends with it.
path "cubbyhole/*" {
  capabilities = ["create", "read", "update", "delete", "list"]
}

# Answers wrapped for somebody else.
path "sys/wrapping/wrap" {
  capabilities = ["update"]
}
path "sys/wrapping/lookup" {
  capabilities = ["update"]
}
path "sys/wrapping/unwrap" {
  capabilities = ["update"]
}

# Computations without secrets.
path "sys/tools/hash" {
  capabilities = ["update"]
}
path "sys/tools/hash/*" {
  capabilities = ["update"]
}

# Who it is.
path "identity/entity/id/{{identity.entity.id}}" {
  capabilities = ["read"]
}
path "identity/entity/name/{{identity.entity.name}}" {
  capabilities = ["read"]
}
path "identity/oidc/provider/+/authorize" {
  capabilities = ["read", "update"]
}
`;

/** Who did what, and never a value. */
export const AUDITOR_POLICY = `# Sees who did what, and the proofs of it. No path here answers with a secret's value.
path "sys/ledger/head" {
  capabilities = ["read"]
}
path "sys/ledger/events" {
  capabilities = ["read"]
}
path "sys/ledger/can" {
  capabilities = ["read"]
}
path "sys/ledger/access" {
  capabilities = ["read"]
}
path "sys/ledger/holds" {
  capabilities = ["read"]
}
path "sys/ledger/keys" {
  capabilities = ["read"]
}
path "sys/ledger/retention" {
  capabilities = ["read"]
}
path "sys/ledger/erasures" {
  capabilities = ["read"]
}
path "sys/ledger/erasures/*" {
  capabilities = ["read"]
}
path "sys/policies/acl" {
  capabilities = ["list"]
}
path "sys/policies/acl/*" {
  capabilities = ["read", "list"]
}
path "sys/ledger/projections" {
  capabilities = ["read"]
}
path "sys/ledger/projections/verify" {
  capabilities = ["update"]
}
path "sys/metrics" {
  capabilities = ["read"]
}
path "sys/mounts" {
  capabilities = ["read"]
}
path "sys/auth" {
  capabilities = ["read"]
}
path "+/metadata/*" {
  capabilities = ["read", "list"]
}
`;

/** Of wrapping tokens only: cannot be assigned, and is in no list. */
export const RESPONSE_WRAPPING_POLICY = `path "cubbyhole/response" {
  capabilities = ["create", "read"]
}
path "sys/wrapping/unwrap" {
  capabilities = ["update"]
}
`;
