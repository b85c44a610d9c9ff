/** The rules of several policies with their templates filled in, in the order in which they are merged. */
import { type Filled, fill } from './pattern.js';
import type { PathRule, Policy } from './policy.js';
import { type Identity, valueIn } from './templates.js';

export interface FilledRule {
  readonly policy: string;
  readonly rule: PathRule;
  /** Null: an expression has no value, the rule is left out. */
  readonly pattern: Filled | null;
}

/** By the names of the policies, each once; then as they are written. */
export function* filledRules(policies: readonly Policy[], identity: Identity | null): Iterable<FilledRule> {
  const lookUp = valueIn(identity);
  const named = [...new Map(policies.map(policy => [policy.name, policy])).values()];
  named.sort((a, b) => (a.name < b.name ? -1 : 1));
  for (const { name, rules } of named)
    for (const rule of rules)
      yield { policy: name, rule, pattern: rule.pattern.templated ? fill(rule.pattern, lookUp) : rule.pattern };
}
