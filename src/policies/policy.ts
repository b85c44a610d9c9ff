/** A policy as the engine knows it: a name and checked rules. What one means is said in docs/reference/policies.md. */
import type { Pattern } from './pattern.js';
import type { Plain } from './text/tree.js';

/** What a request may ask for. `sudo` is asked beside another one, on protected paths. */
export const CAPABILITIES = ['create', 'delete', 'list', 'patch', 'read', 'scan', 'sudo', 'update'] as const;
export type Capability = (typeof CAPABILITIES)[number];

/** Capabilities as bits, because they are united and asked for on every request. */
export type CapabilitySet = number;
export const NONE: CapabilitySet = 0;
const BITS = new Map<string, CapabilitySet>(CAPABILITIES.map((name, place) => [name, 1 << place]));
export const bitOf = (capability: Capability): CapabilitySet => BITS.get(capability) ?? NONE;
export const isCapability = (word: string): word is Capability => BITS.has(word);
export const capabilitiesIn = (set: CapabilitySet): Capability[] =>
  CAPABILITIES.filter(capability => (set & bitOf(capability)) !== 0);

/** Lower-case name → the values it lists; an empty list stands for any value. */
export type ParameterValues = ReadonlyMap<string, readonly Plain[]>;

/** What a rule asks of a request beside its path. Maps and lists may be empty: nothing is asked. */
export interface Limits {
  readonly allowed: ParameterValues;
  readonly denied: ParameterValues;
  /** Lower-case names. */
  readonly required: readonly string[];
  /** 0: no bound. */
  readonly wrapTtlMsMin: number;
  readonly wrapTtlMsMax: number;
}

export interface PathRule {
  /** As the policy has it, without a leading slash: what is shown and recorded. */
  readonly path: string;
  readonly line: number;
  readonly pattern: Pattern;
  readonly deny: boolean;
  /** Empty when `deny`. */
  readonly capabilities: CapabilitySet;
  readonly limits: Limits | null;
}

export interface Policy {
  readonly name: string;
  readonly rules: readonly PathRule[];
  /** The expressions between `{{` and `}}` that its paths use; empty for most policies. */
  readonly templates: readonly string[];
}

/** Grants everything and has no text. No other policy may have this name. */
export const ROOT = 'root';
export const rootPolicy: Policy = { name: ROOT, rules: [], templates: [] };

/** The rule that decided, as it is recorded. */
export interface Rule {
  readonly policy: string;
  readonly path: string;
  readonly capability: string;
}
