/**
 * Live tokens, by keyed hash, id and accessor. A token is alive while it has not expired, has uses left, and its parent is
 * alive: revocation and expiry take the whole tree (vault-wire.md §10.1), without an event for each child.
 */
import type { Uuid } from '../crypto/bytes.js';
import type { Header } from '../domain/header.js';
import type { StoredEvent } from '../ledger/event.js';
import type { FrozenRows } from './packed/frozen-rows.js';
import { NO_ROW } from './packed/row-links.js';
import { TokenRows } from './packed/token-rows.js';
import * as shape from './shapes.js';

export interface Token {
  readonly type: 'service' | 'batch';
  readonly id: Uuid;
  /** hex of the keyed hash; of a batch token, which is not stored, '' */
  readonly hash: string;
  readonly accessor: string;
  readonly entity: Uuid;
  readonly parent: Uuid | null;
  readonly policies: readonly string[];
  readonly displayName: string;
  readonly creationPath: string;
  readonly meta: Readonly<Record<string, string>> | null;
  /** µs; 0 = never */
  readonly expiresAt: number;
  readonly createdAt: number;
  /** µs; 0 = never renewed */
  readonly renewedAt: number;
  readonly method: string;
  /** Seconds, 0 = none: what it was given at first, and what bounds its renewals. */
  readonly ttl: number;
  readonly period: number;
  readonly explicitMaxTtl: number;
  /** Seconds from its creation that renewals may reach; 0 = the mount's or the system's. */
  readonly maxTtl: number;
  /** 0 = any number. */
  readonly uses: number;
  /** Meaningful when `uses` is not 0. */
  readonly usesLeft: number;
  readonly renewable: boolean;
  readonly boundCidrs: readonly string[];
  readonly role: string | null;
  /** The auth mount that issued it; null: the token store. */
  readonly mount: Uuid | null;
}

/** A sweep looks at every token: not more often than after so many were made. */
const SWEEP_EVERY = 1024;
/** Objects of rows that were asked for, so that the same token is the same object until it changes. */
const OBJECTS_MAX = 4096;

export class TokenTable {
  readonly #rows = new TokenRows();
  readonly #objects = new Map<number, Token>();
  #madeSinceSweep = 0;

  get size(): number {
    return this.#rows.size;
  }

  /** The live token of that keyed hash; null: unknown, revoked, spent or expired by `now` (µs). */
  byHash(hash: Buffer, now: number): Token | null {
    return this.#live(this.#rows.byHash(hash), now);
  }

  byId(id: Uuid, now: number): Token | null {
    return this.#live(this.#rows.byId(id), now);
  }

  byAccessor(accessor: string, now: number): Token | null {
    return this.#live(this.#rows.byAccessor(accessor), now);
  }

  /** Of those that live at `now`. */
  *all(now: number): Iterable<Token> {
    for (let row = 0; row < this.#rows.end; row += 1)
      if (this.#rows.used(row) && this.#lives(row, now)) yield this.#rows.token(row);
  }

  /** Those of one entity that live at `now`. */
  *ofEntity(entity: Uuid, now: number): Iterable<Token> {
    for (const row of this.#rows.ofEntity(entity)) if (this.#lives(row, now)) yield this.#rows.token(row);
  }

  created(event: StoredEvent, header: Header): void {
    const facts = shape.read(shape.TokenFacts, event.facts, event);
    const fields = shape.read(shape.TokenHeader, header, event);
    // One that was chosen may come again once its token is dead: a hash is one row's.
    const earlier = this.#rows.byHash(Buffer.from(facts.token_hash, 'hex'));
    if (earlier !== NO_ROW) this.#end(earlier);
    const parent = facts.parent === undefined ? NO_ROW : this.#rows.byId(facts.parent);
    // A child whose parent ended before it was born has ended with it.
    if (facts.parent !== undefined && parent === NO_ROW) return;
    const row = this.#rows.add(
      {
        type: 'service',
        id: event.streamId,
        hash: facts.token_hash,
        accessor: fields.accessor,
        entity: event.actor ?? event.streamId,
        parent: facts.parent ?? null,
        policies: fields.policies,
        displayName: fields.display_name,
        creationPath: fields.creation_path,
        meta: fields.meta ?? null,
        expiresAt: facts.expires_at ?? 0,
        createdAt: event.recordedAt,
        renewedAt: 0,
        method: fields.method,
        ttl: fields.ttl ?? 0,
        period: fields.period ?? 0,
        explicitMaxTtl: fields.explicit_max_ttl ?? 0,
        maxTtl: fields.max_ttl ?? 0,
        uses: fields.uses ?? 0,
        usesLeft: fields.uses ?? 0,
        renewable: fields.renewable ?? false,
        boundCidrs: fields.bound_cidrs ?? [],
        role: fields.role ?? null,
        mount: fields.auth_mount ?? null,
      },
      parent,
    );
    this.#objects.delete(row);
    this.#madeSinceSweep += 1;
    if (this.#madeSinceSweep >= Math.max(SWEEP_EVERY, this.size / 4)) this.#sweep(event.recordedAt);
  }

  renewed(event: StoredEvent): void {
    const { expires_at } = shape.read(shape.TokenRenewedFacts, event.facts, event);
    const row = this.#changing(event.streamId);
    if (row !== NO_ROW) this.#rows.setExpiry(row, expires_at ?? 0, event.recordedAt);
  }

  spent(event: StoredEvent): void {
    const { uses } = shape.read(shape.SpentFacts, event.facts, event);
    const row = this.#changing(event.streamId);
    if (row === NO_ROW) return;
    if (uses === undefined || uses === 0) this.#end(row);
    else this.#rows.setUsesLeft(row, uses);
  }

  revoked(event: StoredEvent): void {
    const { tree } = shape.read(shape.TokenRevokedFacts, event.facts, event);
    const row = this.#changing(event.streamId);
    if (row === NO_ROW) return;
    if (tree !== true)
      for (const child of [...this.#rows.children(row)]) {
        this.#objects.delete(child);
        this.#rows.link(child, NO_ROW);
      }
    this.#end(row);
  }

  /** Ends every token that an auth mount issued. */
  endOf(mount: Uuid): void {
    for (let row = 0; row < this.#rows.end; row += 1)
      if (this.#rows.used(row) && this.#rows.mount(row) === mount) this.#end(row);
  }

  /** All tokens as they are now, for a snapshot (`TokenRows.freeze`). */
  freeze(): FrozenRows {
    return this.#rows.freeze();
  }

  /** Into an empty table, part by part; `thawed` says whether it is whole. */
  thaw(end: number, part: Uint8Array): boolean {
    return this.#rows.thaw(end, part);
  }

  thawed(end: number, texts: readonly (readonly unknown[])[]): boolean {
    return this.#rows.thawed(end, texts);
  }

  #changing(id: Uuid): number {
    const row = this.#rows.byId(id);
    this.#objects.delete(row);
    return row;
  }

  #lives(row: number, now: number): boolean {
    for (let next = row; next !== NO_ROW; next = this.#rows.parent(next)) {
      const expiresAt = this.#rows.expiresAt(next);
      if (expiresAt !== 0 && expiresAt <= now) return false;
    }
    return true;
  }

  #live(row: number, now: number): Token | null {
    if (row === NO_ROW || !this.#lives(row, now)) return null;
    const known = this.#objects.get(row);
    if (known !== undefined) return known;
    if (this.#objects.size >= OBJECTS_MAX) this.#objects.clear();
    const token = this.#rows.token(row);
    this.#objects.set(row, token);
    return token;
  }

  /** With the whole tree of children, however deep. */
  #end(row: number): void {
    const doomed = [row];
    // Parents first, so the list backwards has every child before its parent.
    for (let at = 0; at < doomed.length; at += 1)
      for (const child of this.#rows.children(doomed[at] ?? NO_ROW)) doomed.push(child);
    for (const each of doomed.reverse()) {
      this.#objects.delete(each);
      this.#rows.remove(each);
    }
  }

  /** Forgets what expired: it answers nothing any more. */
  #sweep(now: number): void {
    this.#madeSinceSweep = 0;
    for (let row = 0; row < this.#rows.end; row += 1) {
      const expiresAt = this.#rows.used(row) ? this.#rows.expiresAt(row) : 0;
      if (expiresAt !== 0 && expiresAt <= now) this.#end(row);
    }
  }
}
