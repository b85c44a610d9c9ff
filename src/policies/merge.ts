/** Rules with the same pattern, from one policy or several, become one: what §"Choosing the rule" of the reference says. */
import {
  bitOf,
  type Capability,
  type CapabilitySet,
  type Limits,
  NONE,
  type ParameterValues,
  type PathRule,
} from './policy.js';
import type { Plain } from './text/tree.js';

export interface Source {
  readonly policy: string;
  readonly rule: PathRule;
}

/** One pattern's rules, united. */
export interface Merged {
  readonly deny: boolean;
  /** Empty when `deny`. */
  readonly capabilities: CapabilitySet;
  readonly limits: Limits | null;
  /** In the order of the policies. */
  readonly sources: readonly Source[];
}

export const merge = (present: Merged | null, source: Source): Merged => {
  const { deny, capabilities, limits } = source.rule;
  if (present === null) return { deny, capabilities, limits, sources: [source] };
  const denied = present.deny || deny;
  return {
    deny: denied,
    capabilities: denied ? NONE : present.capabilities | capabilities,
    limits: denied ? null : mergeLimits(present.limits, limits),
    sources: [...present.sources, source],
  };
};

/** The first policy whose rule grants it; for a refusal, the one that denies, else the first of them. */
export const sourceOf = (merged: Merged, capability: Capability): Source | null => {
  const bit = bitOf(capability);
  const { sources, deny } = merged;
  const decisive = deny
    ? sources.find(({ rule }) => rule.deny)
    : sources.find(({ rule }) => (rule.capabilities & bit) !== 0);
  return decisive ?? sources[0] ?? null;
};

const mergeLimits = (a: Limits | null, b: Limits | null): Limits | null => {
  if (a === null || b === null) return a ?? b;
  return {
    allowed: mergeValues(a.allowed, b.allowed),
    denied: mergeValues(a.denied, b.denied),
    required: [...new Set([...a.required, ...b.required])],
    wrapTtlMsMin: smallerSet(a.wrapTtlMsMin, b.wrapTtlMsMin),
    wrapTtlMsMax: smallerSet(a.wrapTtlMsMax, b.wrapTtlMsMax),
  };
};

/** An empty list stands for any value, so it absorbs the other. */
const mergeValues = (a: ParameterValues, b: ParameterValues): ParameterValues => {
  const united = new Map<string, readonly Plain[]>(a);
  for (const [name, values] of b) {
    const present = united.get(name);
    united.set(
      name,
      present === undefined ? values : present.length === 0 || values.length === 0 ? [] : [...present, ...values],
    );
  }
  return united;
};

/** 0 is no bound. */
const smallerSet = (a: number, b: number): number => (a === 0 ? b : b === 0 ? a : Math.min(a, b));
