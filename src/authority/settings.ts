/** Named settings that no other table owns: quotas, configuration of auth methods, CORS, lockout. */
import type { Header } from '../domain/header.js';
import type { StoredEvent } from '../ledger/event.js';
import * as shape from './shapes.js';

export type Settings = Readonly<Record<string, unknown>>;

export class SettingsTable {
  readonly #byName = new Map<string, Settings>();

  get(name: string): Settings | null {
    return this.#byName.get(name) ?? null;
  }

  entries(): Iterable<readonly [string, Settings]> {
    return this.#byName.entries();
  }

  written(event: StoredEvent, header: Header): void {
    const { name, settings } = shape.read(shape.SettingsHeader, header, event);
    if (settings === null) this.#byName.delete(name);
    else this.#byName.set(name, settings);
  }

  removed(event: StoredEvent, header: Header): void {
    this.#byName.delete(shape.read(shape.PolicyRemovedHeader, header, event).name);
  }
}
