/** Who acts: people, machines, root, auditors. Names are in erasable bodies; here are ids, policies and aliases' ids. */
import type { Uuid } from '../crypto/bytes.js';
import type { Header } from '../domain/header.js';
import type { StoredEvent } from '../ledger/event.js';
import * as shape from './shapes.js';

export interface Alias {
  readonly mount: Uuid;
  /** Keyed id of the name that the auth method knows: stream("alias", mount ‖ name). */
  readonly id: Uuid;
}

export interface Entity {
  readonly id: Uuid;
  /** person, machine, root, auditor */
  readonly kind: string;
  readonly policies: readonly string[];
  readonly aliases: readonly Alias[];
  /** Position of the event whose body says who this is; null when there is none. */
  readonly identityAt: number | null;
}

export class EntityTable {
  readonly #byId = new Map<Uuid, Entity>();
  readonly #byAlias = new Map<Uuid, Uuid>();
  #revision = 0;

  /** Another number whenever an entity changed. */
  get revision(): number {
    return this.#revision;
  }

  get(id: Uuid): Entity | undefined {
    return this.#byId.get(id);
  }

  has(id: Uuid): boolean {
    return this.#byId.has(id);
  }

  values(): Iterable<Entity> {
    return this.#byId.values();
  }

  byAlias(alias: Uuid): Entity | null {
    const id = this.#byAlias.get(alias);
    return id === undefined ? null : (this.#byId.get(id) ?? null);
  }

  written(event: StoredEvent, header: Header): void {
    const { kind, policies, aliases } = shape.read(shape.EntityHeader, header, event);
    const before = this.#byId.get(event.streamId);
    const entity: Entity = {
      id: event.streamId,
      kind,
      policies: policies ?? [],
      aliases: aliases ?? before?.aliases ?? [],
      identityAt: event.keyId === null ? (before?.identityAt ?? null) : event.position,
    };
    for (const { id } of before?.aliases ?? []) this.#byAlias.delete(id);
    for (const { id } of entity.aliases) this.#byAlias.set(id, entity.id);
    this.#byId.set(entity.id, entity);
    this.#revision += 1;
  }

  removed(event: StoredEvent): void {
    for (const { id } of this.#byId.get(event.streamId)?.aliases ?? []) this.#byAlias.delete(id);
    this.#byId.delete(event.streamId);
    this.#revision += 1;
  }
}
