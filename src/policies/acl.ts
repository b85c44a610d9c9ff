/**
 * What a token's policies allow, all together: made once from the policies, asked on every request. Denied unless a rule
 * allows it; only the rule of highest priority counts, and a deny in it wins over everything.
 */
import { filledRules } from './filled-rules.js';
import { foldPath } from './folded-names.js';
import { asksForFields, type Fields, fieldsAllowed, wrappingAllowed } from './limits.js';
import { Merged } from './merged.js';
import type { Filled } from './pattern.js';
import { PatternTree } from './pattern-tree.js';
import { bitOf, type Capability, capabilitiesIn, NONE, type Policy, ROOT, type Rule } from './policy.js';
import { needsSudo } from './protected-paths.js';
import type { Identity } from './templates.js';

export interface Question {
  readonly capability: Capability;
  /** Decoded, without `/v1/`. */
  readonly path: string;
  /** The request's top-level fields; called only if the deciding rule asks for them. Left out: unknown, so it refuses. */
  readonly fields?: (() => Fields) | undefined;
  /** Of the wrapping that the request asks for; 0 or left out: none. */
  readonly wrapTtlMs?: number;
}

/** Why not: nothing matches, the rule denies, lacks the capability or `sudo`, or the request breaks its other demands. */
export type Refusal = 'no-rule' | 'deny' | 'capability' | 'sudo' | 'wrapping' | 'parameters';

export type Decision =
  | { readonly allowed: true; readonly rule: Rule }
  | { readonly allowed: false; readonly why: Refusal; readonly rule: Rule | null };

export interface Acl {
  check(question: Question): Decision;
  /** As sys/capabilities shows them: sorted; `root` alone, or `deny` alone. */
  capabilitiesOf(path: string): readonly string[];
  hasSudo(path: string): boolean;
  /** Whether some rule grants something on the path or below it, as a client asks before it offers a mount. */
  reaches(path: string): boolean;
  /** Each pattern once, with what it grants; none for root. */
  grants(): Iterable<Grant>;
  readonly isRoot: boolean;
}

export interface Grant {
  /** Without the `*` at the end that `prefix` stands for. */
  readonly path: string;
  readonly prefix: boolean;
  /** Whether it has a `+`. */
  readonly wildcard: boolean;
  /** Sorted; `deny` alone. */
  readonly capabilities: readonly string[];
}

/** The rules of all the policies on one token. Templates are filled from `identity`; what has no value drops its rule. */
export const compile = (policies: readonly Policy[], identity: Identity | null): Acl => {
  if (policies.some(({ name }) => name === ROOT)) return rootAcl;
  const tree = new PatternTree<Merged>();
  for (const { policy, rule, pattern } of filledRules(policies, identity))
    if (pattern !== null)
      tree.add(pattern, present => present?.add({ policy, rule }) ?? new Merged(pattern, policy, rule));
  return new RuleAcl(tree);
};

const rootAcl: Acl = {
  check: ({ capability }) => ({ allowed: true, rule: { policy: ROOT, path: '*', capability } }),
  capabilitiesOf: () => [ROOT],
  hasSudo: () => true,
  reaches: () => true,
  grants: () => [],
  isRoot: true,
};

class RuleAcl implements Acl {
  readonly isRoot = false;

  constructor(readonly tree: PatternTree<Merged>) {}

  check({ capability, path, fields, wrapTtlMs = 0 }: Question): Decision {
    const key = asKey(path);
    const folder = capability === 'list' || capability === 'scan';
    const merged = folder ? this.tree.folder(key) : this.tree.key(key);
    if (merged === null) return { allowed: false, why: 'no-rule', rule: null };
    const guarded = needsSudo(key) || ((folder || path.endsWith('/')) && needsSudo(`${key}/`));
    const why = refusal(merged, { capability, guarded, wrapTtlMs, fields });
    const rule = ruleOf(merged, capability);
    return why === null ? { allowed: true, rule } : { allowed: false, why, rule };
  }

  capabilitiesOf(path: string): readonly string[] {
    const merged = path.endsWith('/') ? this.tree.folder(asKey(path)) : this.tree.key(asKey(path));
    return words(merged);
  }

  hasSudo(path: string): boolean {
    return ((this.tree.key(asKey(path))?.capabilities ?? 0) & bitOf('sudo')) !== 0;
  }

  reaches(path: string): boolean {
    for (const { capabilities } of this.tree.reaching(asKey(path))) if (capabilities !== NONE) return true;
    return false;
  }

  *grants(): Iterable<Grant> {
    const shown = new Set<Filled>();
    for (const merged of this.tree.all()) {
      if (shown.has(merged.pattern)) continue;
      shown.add(merged.pattern);
      const { text, prefix, wildcards } = merged.pattern;
      yield { path: text, prefix, wildcard: wildcards > 0, capabilities: words(merged) };
    }
  }
}

const words = (merged: Merged | null): readonly string[] => {
  const granted = merged === null ? [] : capabilitiesIn(merged.capabilities);
  return granted.length === 0 ? ['deny'] : granted;
};

interface Demand extends Pick<Question, 'capability' | 'fields'> {
  readonly wrapTtlMs: number;
  /** The path is a protected one. */
  readonly guarded: boolean;
}

const refusal = (merged: Merged, demand: Demand): Refusal | null => {
  const { deny, capabilities, limits } = merged;
  const { capability, guarded, wrapTtlMs, fields } = demand;
  if (deny) return 'deny';
  if ((capabilities & bitOf(capability)) === 0) return 'capability';
  if (guarded && (capabilities & bitOf('sudo')) === 0) return 'sudo';
  if (limits === null) return null;
  if (!wrappingAllowed(limits, wrapTtlMs)) return 'wrapping';
  if (!asksForFields(limits, capability)) return null;
  return fields !== undefined && fieldsAllowed(limits, fields()) ? null : 'parameters';
};

/**
 * Slashes at the ends are no part of a key: the engines read `a/` as `a`, so a rule about `a` has to decide it. Only lists
 * are about folders, and they put their slash back.
 */
const asKey = (path: string): string => {
  let [from, to] = [0, path.length];
  while (from < to && path[from] === '/') from += 1;
  while (to > from && path[to - 1] === '/') to -= 1;
  return foldPath(path.slice(from, to));
};

const ruleOf = (merged: Merged, capability: Capability): Rule => {
  const { policy, rule } = merged.sourceOf(capability);
  return { policy, path: rule.path, capability };
};
