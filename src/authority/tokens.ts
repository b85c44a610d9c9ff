/**
 * Live tokens, by keyed hash, id and accessor. A token is alive while it has not expired, has uses left, and its parent is
 * alive: revocation and expiry take the whole tree (vault-wire.md §10.1), without an event for each child.
 */
import type { Uuid } from '../crypto/bytes.js';
import type { Header } from '../domain/header.js';
import type { StoredEvent } from '../ledger/event.js';
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

export class TokenTable {
  readonly #byHash = new Map<string, Token>();
  readonly #byId = new Map<Uuid, Token>();
  readonly #byAccessor = new Map<string, Token>();
  readonly #children = new Map<Uuid, Set<Uuid>>();
  #madeSinceSweep = 0;

  get size(): number {
    return this.#byId.size;
  }

  /** The live token of that keyed hash; null: unknown, revoked, spent or expired by `now` (µs). */
  byHash(hash: Buffer, now: number): Token | null {
    return this.#live(this.#byHash.get(hash.toString('hex')), now);
  }

  byId(id: Uuid, now: number): Token | null {
    return this.#live(this.#byId.get(id), now);
  }

  byAccessor(accessor: string, now: number): Token | null {
    return this.#live(this.#byAccessor.get(accessor), now);
  }

  /** Of those that live at `now`. */
  *all(now: number): Iterable<Token> {
    for (const token of this.#byId.values()) if (this.#live(token, now) !== null) yield token;
  }

  created(event: StoredEvent, header: Header): void {
    const facts = shape.read(shape.TokenFacts, event.facts, event);
    const fields = shape.read(shape.TokenHeader, header, event);
    const token: Token = {
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
    };
    this.#put(token);
    if (token.parent !== null) {
      const siblings = this.#children.get(token.parent);
      if (siblings) siblings.add(token.id);
      else this.#children.set(token.parent, new Set([token.id]));
    }
    this.#madeSinceSweep += 1;
    if (this.#madeSinceSweep >= Math.max(SWEEP_EVERY, this.size / 4)) this.#sweep(event.recordedAt);
  }

  renewed(event: StoredEvent): void {
    const { expires_at } = shape.read(shape.TokenRenewedFacts, event.facts, event);
    const token = this.#byId.get(event.streamId);
    if (token) this.#put({ ...token, expiresAt: expires_at ?? 0, renewedAt: event.recordedAt });
  }

  spent(event: StoredEvent): void {
    const { uses } = shape.read(shape.SpentFacts, event.facts, event);
    const token = this.#byId.get(event.streamId);
    if (!token) return;
    if (uses === undefined || uses === 0) this.#end(token.id);
    else this.#put({ ...token, usesLeft: uses });
  }

  revoked(event: StoredEvent): void {
    const { tree } = shape.read(shape.TokenRevokedFacts, event.facts, event);
    if (tree !== true) this.#orphan(event.streamId);
    this.#end(event.streamId);
  }

  /** Ends every token that an auth mount issued. */
  endOf(mount: Uuid): void {
    for (const token of [...this.#byId.values()]) if (token.mount === mount) this.#end(token.id);
  }

  #live(token: Token | undefined, now: number): Token | null {
    if (token === undefined) return null;
    for (let next: Token | undefined = token; ; ) {
      if (next === undefined || (next.expiresAt !== 0 && next.expiresAt <= now)) return null;
      if (next.parent === null) return token;
      next = this.#byId.get(next.parent);
    }
  }

  #put(token: Token): void {
    this.#byHash.set(token.hash, token);
    this.#byId.set(token.id, token);
    this.#byAccessor.set(token.accessor, token);
  }

  #orphan(id: Uuid): void {
    for (const child of this.#children.get(id) ?? []) {
      const token = this.#byId.get(child);
      if (token) this.#put({ ...token, parent: null });
    }
    this.#children.delete(id);
  }

  /** With the whole tree of children, however deep. */
  #end(id: Uuid): void {
    const doomed = [id];
    for (let next = doomed.pop(); next !== undefined; next = doomed.pop()) {
      doomed.push(...(this.#children.get(next) ?? []));
      this.#children.delete(next);
      const token = this.#byId.get(next);
      if (!token) continue;
      this.#byId.delete(next);
      this.#byHash.delete(token.hash);
      this.#byAccessor.delete(token.accessor);
      if (token.parent !== null) this.#children.get(token.parent)?.delete(next);
    }
  }

  /** Forgets what expired: it answers nothing any more. */
  #sweep(now: number): void {
    this.#madeSinceSweep = 0;
    for (const token of [...this.#byId.values()])
      if (token.expiresAt !== 0 && token.expiresAt <= now) this.#end(token.id);
  }
}
