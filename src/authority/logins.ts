/** Roles of auth methods and of the token store, names with passwords, and AppRole's secret ids. Never a credential. */
import type { Uuid } from '../crypto/bytes.js';
import type { Header } from '../domain/header.js';
import type { StoredEvent } from '../ledger/event.js';
import * as shape from './shapes.js';

/** A role's settings are decoded by the method that owns it. */
export interface Role {
  readonly id: Uuid;
  readonly mount: Uuid;
  readonly name: string;
  readonly settings: Readonly<Record<string, unknown>>;
}

export interface Login extends Role {
  /** The key row with the password's verifier. */
  readonly credential: Uuid | null;
}

export interface SecretId {
  readonly id: Uuid;
  readonly mount: Uuid;
  readonly role: string;
  readonly accessor: string;
  /** The key row with the keyed hash of the secret id. */
  readonly credential: Uuid;
  readonly meta: Readonly<Record<string, string>>;
  readonly cidrs: readonly string[];
  readonly tokenCidrs: readonly string[];
  /** Seconds; 0 = never expires */
  readonly ttl: number;
  /** µs; 0 = never */
  readonly expiresAt: number;
  /** 0 = any number. */
  readonly uses: number;
  readonly usesLeft: number;
  readonly createdAt: number;
  readonly updatedAt: number;
}

class ByStream<T extends { readonly id: Uuid; readonly mount: Uuid }> {
  readonly #byId = new Map<Uuid, T>();

  get size(): number {
    return this.#byId.size;
  }

  get(id: Uuid): T | null {
    return this.#byId.get(id) ?? null;
  }

  values(): Iterable<T> {
    return this.#byId.values();
  }

  *of(mount: Uuid): Iterable<T> {
    for (const record of this.#byId.values()) if (record.mount === mount) yield record;
  }

  put(record: T): void {
    this.#byId.set(record.id, record);
  }

  remove(id: Uuid): void {
    this.#byId.delete(id);
  }

  endOf(mount: Uuid): void {
    for (const record of [...this.of(mount)]) this.remove(record.id);
  }
}

export class RoleTable extends ByStream<Role> {
  /** An AppRole is found by the id that its machines send, too. */
  readonly #byRoleId = new Map<string, Role>();

  byRoleId(mount: Uuid, roleId: string): Role | null {
    return this.#byRoleId.get(`${mount} ${roleId}`) ?? null;
  }

  written(event: StoredEvent, header: Header): void {
    const { auth_mount, name, settings } = shape.read(shape.RoleHeader, header, event);
    this.remove(event.streamId);
    const role: Role = { id: event.streamId, mount: auth_mount, name, settings };
    this.put(role);
    const key = roleIdKey(role);
    if (key !== null) this.#byRoleId.set(key, role);
  }

  override remove(id: Uuid): void {
    const before = this.get(id);
    const key = before === null ? null : roleIdKey(before);
    if (key !== null) this.#byRoleId.delete(key);
    super.remove(id);
  }
}

const roleIdKey = ({ mount, settings }: Role): string | null =>
  typeof settings.role_id === 'string' ? `${mount} ${settings.role_id}` : null;

export class LoginTable extends ByStream<Login> {
  written(event: StoredEvent, header: Header): void {
    const { auth_mount, name, settings, credential } = shape.read(shape.LoginHeader, header, event);
    const before = this.get(event.streamId);
    this.put({
      ...{ id: event.streamId, mount: auth_mount, name, settings },
      credential: credential ?? before?.credential ?? null,
    });
  }
}

export class SecretIdTable extends ByStream<SecretId> {
  readonly #byRole = new Map<string, Set<Uuid>>();
  #revision = 0;

  /** Another number whenever there is another set of them. */
  get revision(): number {
    return this.#revision;
  }

  *ofRole(mount: Uuid, role: string): Iterable<SecretId> {
    for (const id of this.#byRole.get(`${mount} ${role}`) ?? []) {
      const found = this.get(id);
      if (found !== null) yield found;
    }
  }

  countOfRole(mount: Uuid, role: string): number {
    return this.#byRole.get(`${mount} ${role}`)?.size ?? 0;
  }

  /** A role ends with its secret ids, so that one of the same name begins with none. */
  endOfRole(mount: Uuid, role: string): void {
    for (const { id } of [...this.ofRole(mount, role)]) this.remove(id);
  }

  override remove(id: Uuid): void {
    const before = this.get(id);
    if (before === null) return;
    const key = `${before.mount} ${before.role}`;
    const others = this.#byRole.get(key);
    others?.delete(id);
    if (others?.size === 0) this.#byRole.delete(key);
    super.remove(id);
    this.#revision += 1;
  }

  created(event: StoredEvent, header: Header): void {
    const facts = shape.read(shape.SecretIdFacts, event.facts, event);
    const fields = shape.read(shape.SecretIdHeader, header, event);
    this.put({
      id: event.streamId,
      mount: fields.auth_mount,
      role: fields.role,
      accessor: fields.accessor,
      credential: fields.credential,
      meta: fields.meta ?? {},
      cidrs: fields.cidrs ?? [],
      tokenCidrs: fields.token_cidrs ?? [],
      ttl: fields.ttl ?? 0,
      expiresAt: facts.expires_at ?? 0,
      uses: facts.uses ?? 0,
      usesLeft: facts.uses ?? 0,
      createdAt: event.recordedAt,
      updatedAt: event.recordedAt,
    });
    const key = `${fields.auth_mount} ${fields.role}`;
    const siblings = this.#byRole.get(key);
    if (siblings) siblings.add(event.streamId);
    else this.#byRole.set(key, new Set([event.streamId]));
    this.#revision += 1;
  }

  spent(event: StoredEvent): void {
    const { uses } = shape.read(shape.SpentFacts, event.facts, event);
    const before = this.get(event.streamId);
    if (before === null) return;
    if (uses === undefined || uses === 0) this.remove(before.id);
    else this.put({ ...before, usesLeft: uses, updatedAt: event.recordedAt });
  }
}
