/**
 * Authority in memory: entities, tokens, mounts, slots and policies, folded from checked events of lane 1. Nothing that
 * decides access comes from a table (formats.md §9.3). The fold is the only writer; everything else asks.
 */

import type { Uuid } from '../crypto/bytes.js';
import { mountIndexKey } from '../crypto/names.js';
import type { Header } from '../domain/header.js';
import type { Custody } from '../keys/custody.js';
import { openHeader } from '../keys/event-sealer.js';
import type { StoredEvent } from '../ledger/event.js';
import { IntegrityError } from '../ledger/integrity.js';
import type { AuthorityFold } from '../ledger/known.js';
import * as shape from './headers.js';
import { type Permission, permissionOf } from './permission.js';

export interface Entity {
  readonly id: Uuid;
  /** person, machine, root, auditor */
  readonly kind: string;
  readonly policies: readonly string[];
  /** Position of the event whose body says who this is; null when there is none. */
  readonly identityAt: number | null;
}

export interface Token {
  readonly id: Uuid;
  /** hex of the keyed hash */
  readonly hash: string;
  readonly accessor: string;
  readonly entity: Uuid;
  readonly parent: Uuid | null;
  readonly policies: readonly string[];
  readonly permission: Permission;
  readonly displayName: string;
  readonly creationPath: string;
  readonly meta: Readonly<Record<string, string>> | null;
  /** µs; 0 = never */
  readonly expiresAt: number;
  readonly createdAt: number;
  readonly method: string;
}

export interface Mount {
  readonly id: Uuid;
  readonly number: number;
  /** With its trailing slash. */
  readonly path: string;
  readonly kind: string;
  readonly type: string;
  readonly description: string;
  readonly options: Readonly<Record<string, string>>;
  readonly indexKey: Buffer;
}

export interface Slot {
  readonly id: Uuid;
  readonly kind: number;
  readonly name: string | null;
  readonly entity: Uuid | null;
  readonly loginKey: Uuid | null;
}

/** What the newest `keystore.changed` says the key store must look like. */
export interface KeystoreSeal {
  readonly position: number;
  readonly generation: number;
  readonly slotsDigest: string;
  readonly term: number;
  readonly checks: ReadonlyMap<number, string>;
}

export class Authority implements AuthorityFold {
  #position = 0;
  #keystore: KeystoreSeal | null = null;
  readonly entities = new Map<Uuid, Entity>();
  readonly slots = new Map<Uuid, Slot>();
  readonly #byHash = new Map<string, Token>();
  readonly #byId = new Map<Uuid, Token>();
  readonly #children = new Map<Uuid, Set<Uuid>>();
  #mounts: readonly Mount[] = [];
  #createdAt = 0;
  #epochOpenedAt = 0;

  constructor(readonly custody: Custody) {}

  get position(): number {
    return this.#position;
  }

  get keystore(): KeystoreSeal | null {
    return this.#keystore;
  }

  get mounts(): readonly Mount[] {
    return this.#mounts;
  }

  get tokenCount(): number {
    return this.#byId.size;
  }

  /** µs; when the newest header epoch was opened. */
  get epochOpenedAt(): number {
    return this.#epochOpenedAt;
  }

  /** µs; when the ledger was created. */
  get createdAt(): number {
    return this.#createdAt;
  }

  /** The live token of that keyed hash, or null: unknown, revoked or expired by `now` (µs). */
  token(hash: Buffer, now: number): Token | null {
    const token = this.#byHash.get(hash.toString('hex'));
    return token === undefined || (token.expiresAt !== 0 && token.expiresAt <= now) ? null : token;
  }

  tokenById(id: Uuid): Token | null {
    return this.#byId.get(id) ?? null;
  }

  mountAt(path: string): Mount | null {
    return this.#mounts.find(mount => mount.path === `${path}/`) ?? null;
  }

  slotNamed(name: string): Slot | null {
    for (const slot of this.slots.values()) if (slot.name === name) return slot;
    return null;
  }

  apply(event: StoredEvent): void {
    const header = openHeader(this.custody, event);
    if (header === null) throw new IntegrityError('header', event.position);
    this.#fold(event, header);
    this.#position = event.position;
  }

  #fold(event: StoredEvent, header: Header): void {
    switch (event.type) {
      case 'ledger.created':
        this.#createdAt = event.recordedAt;
        return;
      case 'keystore.changed':
        this.#keystoreChanged(event, header);
        return;
      case 'epoch.opened':
        this.#epochOpenedAt = event.recordedAt;
        return;
      case 'entity.created':
      case 'entity.changed':
        this.#entityWritten(event, header);
        return;
      case 'entity.removed':
        this.entities.delete(event.streamId);
        return;
      case 'mount.enabled':
        this.#mountEnabled(event, header);
        return;
      case 'token.created':
        this.#tokenCreated(event, header);
        return;
      case 'token.revoked':
        this.#revoke(event.streamId);
        return;
      default:
        // Types that decide nothing here yet (epochs, policies that no permission reads): folded by whoever needs them.
        return;
    }
  }

  #keystoreChanged(event: StoredEvent, header: Header): void {
    const facts = shape.read(shape.KeystoreFacts, event.facts, event);
    const { added, removed } = shape.read(shape.KeystoreHeader, header, event);
    for (const id of removed ?? []) this.slots.delete(id);
    for (const { id, kind, name, entity, login_key } of added ?? [])
      this.slots.set(id, { id, kind, name: name ?? null, entity: entity ?? null, loginKey: login_key ?? null });
    this.#keystore = {
      position: event.position,
      generation: facts.generation,
      slotsDigest: facts.slots_digest,
      term: facts.term,
      checks: new Map(facts.checks),
    };
  }

  #entityWritten(event: StoredEvent, header: Header): void {
    const { kind, policies } = shape.read(shape.EntityHeader, header, event);
    const before = this.entities.get(event.streamId);
    const identityAt = event.keyId === null ? (before?.identityAt ?? null) : event.position;
    this.entities.set(event.streamId, { id: event.streamId, kind, policies: policies ?? [], identityAt });
  }

  #mountEnabled(event: StoredEvent, header: Header): void {
    const { number } = shape.read(shape.MountFacts, event.facts, event);
    const { mount } = shape.read(shape.MountHeader, header, event);
    const indexKey = mountIndexKey(this.custody.keyring.indexKey, this.custody.ledger, event.streamId);
    const enabled: Mount = {
      id: event.streamId,
      number,
      path: mount.path,
      kind: mount.kind,
      type: mount.type,
      description: mount.description ?? '',
      options: mount.options ?? {},
      indexKey,
    };
    // Longest path first, so that the first prefix that fits is the right one.
    this.#mounts = [...this.#mounts, enabled].sort((a, b) => b.path.length - a.path.length);
  }

  #tokenCreated(event: StoredEvent, header: Header): void {
    const facts = shape.read(shape.TokenFacts, event.facts, event);
    const fields = shape.read(shape.TokenHeader, header, event);
    const token: Token = {
      id: event.streamId,
      hash: facts.token_hash,
      accessor: fields.accessor,
      entity: event.actor ?? event.streamId,
      parent: facts.parent ?? null,
      policies: fields.policies,
      permission: permissionOf(fields.policies),
      displayName: fields.display_name,
      creationPath: fields.creation_path,
      meta: fields.meta ?? null,
      expiresAt: facts.expires_at ?? 0,
      createdAt: event.recordedAt,
      method: fields.method,
    };
    this.#byHash.set(token.hash, token);
    this.#byId.set(token.id, token);
    if (token.parent === null) return;
    const siblings = this.#children.get(token.parent);
    if (siblings) siblings.add(token.id);
    else this.#children.set(token.parent, new Set([token.id]));
  }

  /** With the whole tree of children, however deep. */
  #revoke(id: Uuid): void {
    const doomed = [id];
    for (let next = doomed.pop(); next !== undefined; next = doomed.pop()) {
      doomed.push(...(this.#children.get(next) ?? []));
      this.#children.delete(next);
      const token = this.#byId.get(next);
      this.#byId.delete(next);
      if (token) this.#byHash.delete(token.hash);
    }
  }
}
