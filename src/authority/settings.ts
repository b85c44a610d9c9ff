/** Named settings that no other table owns: quotas, configuration of auth methods, CORS, lockout. */
import type { Uuid } from '../crypto/bytes.js';
import type { Header } from '../domain/header.js';
import type { StoredEvent } from '../ledger/event.js';
import * as shape from './shapes.js';

export type Settings = Readonly<Record<string, unknown>>;

/** Under which an auth mount's own settings lie: they end with it. */
export const mountSettingsName = (mount: Uuid, name: string): string => `auth/${mount}/${name}`;

export class SettingsTable {
  readonly #byName = new Map<string, Settings>();
  #revision = 0;

  /** Another number whenever something changed. */
  get revision(): number {
    return this.#revision;
  }

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
    this.#revision += 1;
  }

  endOf(mount: Uuid): void {
    const start = mountSettingsName(mount, '');
    for (const name of [...this.#byName.keys()]) if (name.startsWith(start)) this.#byName.delete(name);
  }

  removed(event: StoredEvent, header: Header): void {
    this.#byName.delete(shape.read(shape.PolicyRemovedHeader, header, event).name);
    this.#revision += 1;
  }
}
