/** Rules with the same pattern, from one policy or several, become one: what §"Choosing the rule" of the reference says. */
import type { Filled } from './pattern.js';
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

/** One pattern's rules, united. Grows while policies are compiled, and not afterwards. */
export class Merged {
  #deny: boolean;
  #granted: CapabilitySet;
  /** Most patterns have one rule. */
  #more: Source[] | null = null;
  /** United when first asked for; undefined until then. */
  #limits: Limits | null | undefined;

  constructor(
    readonly pattern: Filled,
    readonly policy: string,
    readonly rule: PathRule,
  ) {
    this.#deny = rule.deny;
    this.#granted = rule.capabilities;
  }

  add(source: Source): this {
    this.#deny ||= source.rule.deny;
    this.#granted |= source.rule.capabilities;
    this.#more ??= [];
    this.#more.push(source);
    this.#limits = undefined;
    return this;
  }

  get deny(): boolean {
    return this.#deny;
  }

  /** Empty after a deny. */
  get capabilities(): CapabilitySet {
    return this.#deny ? NONE : this.#granted;
  }

  get limits(): Limits | null {
    if (this.#limits === undefined) this.#limits = this.#deny ? null : unite(this.sources());
    return this.#limits;
  }

  /** In the order of the policies. */
  sources(): readonly Source[] {
    return [this, ...(this.#more ?? [])];
  }

  /** The first that grants it; of a deny the first that denies; else the first. */
  sourceOf(capability: Capability): Source {
    if (this.#more === null) return this;
    const bit = bitOf(capability);
    const decisive = ({ rule }: Source): boolean => (this.#deny ? rule.deny : (rule.capabilities & bit) !== 0);
    return this.sources().find(decisive) ?? this;
  }
}

/** Null: none of them asks for anything. */
const unite = (sources: readonly Source[]): Limits | null => {
  const limits = sources.flatMap(({ rule }) => rule.limits ?? []);
  const [first, ...others] = limits;
  if (first === undefined || others.length === 0) return first ?? null;
  return {
    allowed: uniteValues(limits.map(({ allowed }) => allowed)),
    denied: uniteValues(limits.map(({ denied }) => denied)),
    required: [...new Set(limits.flatMap(({ required }) => required))],
    wrapTtlMsMin: smallestSet(limits.map(({ wrapTtlMsMin }) => wrapTtlMsMin)),
    wrapTtlMsMax: smallestSet(limits.map(({ wrapTtlMsMax }) => wrapTtlMsMax)),
  };
};

/** An empty list stands for any value, so it absorbs the others. */
const uniteValues = (maps: readonly ParameterValues[]): ParameterValues => {
  const united = new Map<string, Plain[]>();
  const any = new Set<string>();
  for (const [name, values] of maps.flatMap(map => [...map])) {
    const present = united.get(name);
    if (present === undefined) united.set(name, [...values]);
    else for (const value of values) present.push(value);
    if (values.length === 0) any.add(name);
  }
  for (const name of any) united.set(name, []);
  return united;
};

/** 0 is no bound. */
const smallestSet = (bounds: readonly number[]): number =>
  bounds.reduce((least, bound) => (least === 0 ? bound : bound === 0 ? least : Math.min(least, bound)), 0);
