/**
 * What a token may do. Two permissions exist so far — root, and an auditor who sees who did what and never a value — behind
 * the interface that policies will fill: a capability on a path gives the rule that allowed it, or nothing.
 */

export type Capability = 'create' | 'read' | 'update' | 'patch' | 'delete' | 'list' | 'sudo';

export interface Rule {
  readonly policy: string;
  readonly path: string;
  readonly capability: string;
}

export interface Permission {
  /** The rule that allows it, null when nothing does: deny by default. `path` is the full API path without `/v1/`. */
  allows(capability: Capability, path: string): Rule | null;
}

export const POLICIES = ['auditor', 'default', 'root'] as const;

const root: Permission = { allows: capability => ({ policy: 'root', path: '*', capability }) };

/** Paths that an auditor reads. None of them answers with a secret's value. */
const AUDITED: readonly { readonly capability: Capability; readonly path: RegExp; readonly shown: string }[] = [
  { capability: 'read', path: /^sys\/ledger\/(head|events|projections)$/, shown: 'sys/ledger/*' },
  { capability: 'update', path: /^sys\/ledger\/projections\/verify$/, shown: 'sys/ledger/projections/verify' },
  { capability: 'read', path: /^sys\/(metrics|mounts|auth)$/, shown: 'sys/*' },
  { capability: 'list', path: /^[^/]+\/metadata(\/|$)/, shown: '+/metadata/*' },
  { capability: 'read', path: /^[^/]+\/metadata\//, shown: '+/metadata/*' },
];

/** What every token may do with itself. */
const OWN: readonly { readonly capability: Capability; readonly path: string }[] = [
  { capability: 'read', path: 'auth/token/lookup-self' },
  { capability: 'update', path: 'auth/token/revoke-self' },
];

const own: Permission = {
  allows: (capability, path) =>
    OWN.some(rule => rule.capability === capability && rule.path === path)
      ? { policy: 'default', path, capability }
      : null,
};

const auditor: Permission = {
  allows: (capability, path) => {
    const rule = AUDITED.find(audited => audited.capability === capability && audited.path.test(path));
    return rule === undefined ? null : { policy: 'auditor', path: rule.shown, capability };
  },
};

const byName: Readonly<Record<string, Permission>> = { root, auditor, default: own };

/** The permission of a list of policy names; unknown names grant nothing. */
export const permissionOf = (policies: readonly string[]): Permission => {
  const parts = [...policies.flatMap(name => byName[name] ?? []), own];
  return {
    allows: (capability, path) => {
      for (const part of parts) {
        const rule = part.allows(capability, path);
        if (rule !== null) return rule;
      }
      return null;
    },
  };
};
