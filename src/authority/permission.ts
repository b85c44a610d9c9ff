/**
 * What a token may do: the policies named on it and on its entity, as of now, compiled into one answer. A policy that does
 * not exist grants nothing.
 */
import type { Decision, Grant, Question } from '../policies/acl.js';
import { PolicyCompiler } from '../policies/compiler.js';
import type { Capability, Rule } from '../policies/policy.js';
import type { Identity } from '../policies/templates.js';
import type { PolicyTable } from './policies.js';

export type { Capability, Rule };

/** What policies may look at beside capability and path. */
export type Asking = Pick<Question, 'fields' | 'wrapTtlMs'>;

export interface Permission {
  /** The rule that allows it, null when nothing does: deny by default. `path` is the full API path without `/v1/`. */
  allows(capability: Capability, path: string, asking?: Asking): Rule | null;
  /** The same with its reason. */
  decide(capability: Capability, path: string, asking?: Asking): Decision;
  /** Sorted; `root` alone, or `deny` alone. */
  capabilitiesOf(path: string): readonly string[];
  /** Whether anything is granted on the path or below it. */
  reaches(path: string): boolean;
  grants(): Iterable<Grant>;
  readonly isRoot: boolean;
}

export class Permissions {
  readonly #compiler = new PolicyCompiler();

  constructor(readonly policies: PolicyTable) {}

  of(names: readonly string[], identity: Identity | null): Permission {
    const found = names.flatMap(name => this.policies.parsed(name) ?? []);
    const acl = this.#compiler.acl(found, identity);
    const decide: Permission['decide'] = (capability, path, asking) => acl.check({ ...asking, capability, path });
    return {
      decide,
      allows: (capability, path, asking) => {
        const decision = decide(capability, path, asking);
        return decision.allowed ? decision.rule : null;
      },
      capabilitiesOf: path => acl.capabilitiesOf(path),
      reaches: path => acl.reaches(path),
      grants: () => acl.grants(),
      isRoot: acl.isRoot,
    };
  }
}
