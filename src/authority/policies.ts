/** The texts of policies as of now, and a revision that tells whether anything compiled from them is out of date. */
import type { Header } from '../domain/header.js';
import type { StoredEvent } from '../ledger/event.js';
import * as shape from './shapes.js';

export interface StoredPolicy {
  readonly name: string;
  readonly text: string;
  /** The event that wrote it: with the name, the identity of this text. */
  readonly position: number;
}

export class PolicyTable {
  readonly #byName = new Map<string, StoredPolicy>();
  #revision = 0;

  get revision(): number {
    return this.#revision;
  }

  get(name: string): StoredPolicy | null {
    return this.#byName.get(name) ?? null;
  }

  names(): readonly string[] {
    return [...this.#byName.keys()].sort();
  }

  written(event: StoredEvent, header: Header): void {
    const { name, text } = shape.read(shape.PolicyHeader, header, event);
    this.#byName.set(name, { name, text, position: event.position });
    this.#revision += 1;
  }

  removed(event: StoredEvent, header: Header): void {
    this.#byName.delete(shape.read(shape.PolicyRemovedHeader, header, event).name);
    this.#revision += 1;
  }
}
