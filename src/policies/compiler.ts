/**
 * Compiled policies, kept: tokens with the same policies share one `Acl`, and a policy that changed is another one. Identities
 * tell apart only what templates fill in. Bounded by the number of rules that are held, the ones not used for longest go first.
 */
import { type Acl, compile } from './acl.js';
import type { Policy } from './policy.js';
import { type Identity, valueIn } from './templates.js';

export interface CompilerBounds {
  readonly aclsMax: number;
  readonly rulesMax: number;
}

const BOUNDS: CompilerBounds = { aclsMax: 4096, rulesMax: 200_000 };

interface Held {
  readonly acl: Acl;
  readonly rules: number;
}

export class PolicyCompiler {
  /** In the order of their last use. */
  readonly #held = new Map<string, Held>();
  /** A policy is a value that never changes: to write one makes another. */
  readonly #ids = new WeakMap<Policy, number>();
  #nextId = 1;
  #rules = 0;

  constructor(readonly bounds: CompilerBounds = BOUNDS) {}

  get size(): number {
    return this.#held.size;
  }

  get rules(): number {
    return this.#rules;
  }

  acl(policies: readonly Policy[], identity: Identity | null): Acl {
    const key = this.#key(policies, identity);
    const present = this.#held.get(key);
    if (present !== undefined) {
      this.#held.delete(key);
      this.#held.set(key, present);
      return present.acl;
    }
    const acl = compile(policies, identity);
    const rules = policies.reduce((sum, policy) => sum + policy.rules.length, 0);
    this.#held.set(key, { acl, rules });
    this.#rules += rules;
    this.#shrink();
    return acl;
  }

  /** The newest stays, however large: it is in use. */
  #shrink(): void {
    for (const [key, { rules }] of this.#held) {
      if (this.#held.size === 1 || (this.#held.size <= this.bounds.aclsMax && this.#rules <= this.bounds.rulesMax))
        return;
      this.#held.delete(key);
      this.#rules -= rules;
    }
  }

  #key(policies: readonly Policy[], identity: Identity | null): string {
    const ids = policies.map(policy => this.#id(policy)).sort((a, b) => a - b);
    const templates = [...new Set(policies.flatMap(policy => policy.templates))].sort();
    return JSON.stringify([ids, templates.map(valueIn(identity))]);
  }

  #id(policy: Policy): number {
    const present = this.#ids.get(policy);
    if (present !== undefined) return present;
    const id = this.#nextId;
    this.#nextId += 1;
    this.#ids.set(policy, id);
    return id;
  }
}
