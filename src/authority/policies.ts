/** The texts of policies as of now, parsed when somebody needs them. A name is the identity of a text until it is written again. */
import type { Header } from '../domain/header.js';
import type { StoredEvent } from '../ledger/event.js';
import { RESPONSE_WRAPPING_POLICY } from '../policies/built-in.js';
import { parsePolicy } from '../policies/parse.js';
import { type Policy, ROOT, rootPolicy } from '../policies/policy.js';
import * as shape from './shapes.js';

export interface StoredPolicy {
  readonly name: string;
  readonly text: string;
  /** The event that wrote it. */
  readonly position: number;
}

export const RESPONSE_WRAPPING = 'response-wrapping';

/** They are part of the program: never written, never removed. */
export const BUILT_IN: ReadonlyMap<string, string> = new Map([
  [ROOT, ''],
  [RESPONSE_WRAPPING, RESPONSE_WRAPPING_POLICY],
]);

const parsedBuiltIn = new Map<string, Policy>([[ROOT, rootPolicy]]);

export class PolicyTable {
  readonly #byName = new Map<string, StoredPolicy>();
  readonly #parsed = new Map<string, Policy | null>();
  #revision = 0;

  /** Another number whenever a text changed. */
  get revision(): number {
    return this.#revision;
  }

  get(name: string): StoredPolicy | null {
    return this.#byName.get(name) ?? null;
  }

  names(): readonly string[] {
    return [...this.#byName.keys()].sort();
  }

  /** Null: there is no such policy, or its text is not one that this program understands; it then grants nothing. */
  parsed(name: string): Policy | null {
    const kept = parsedBuiltIn.get(name) ?? this.#parsed.get(name);
    if (kept !== undefined) return kept;
    const builtIn = BUILT_IN.get(name);
    const text = builtIn ?? this.#byName.get(name)?.text;
    if (text === undefined) return null;
    const parsed = parsePolicy(name, text);
    const policy = parsed._tag === 'Right' ? parsed.right : null;
    if (builtIn === undefined) this.#parsed.set(name, policy);
    else if (policy !== null) parsedBuiltIn.set(name, policy);
    return policy;
  }

  written(event: StoredEvent, header: Header): void {
    const { name, text } = shape.read(shape.PolicyHeader, header, event);
    this.#byName.set(name, { name, text, position: event.position });
    this.#changed(name);
  }

  removed(event: StoredEvent, header: Header): void {
    const { name } = shape.read(shape.PolicyRemovedHeader, header, event);
    this.#byName.delete(name);
    this.#changed(name);
  }

  #changed(name: string): void {
    this.#parsed.delete(name);
    this.#revision += 1;
  }
}
