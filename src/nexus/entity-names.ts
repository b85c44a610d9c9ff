/** Display names of entities, opened from their identity bodies when somebody asks, and kept while they are the newest. */
import * as t from 'io-ts';
import type { Uuid } from '../crypto/bytes.js';
import { openBody } from '../keys/event-sealer.js';
import { readBodyAt } from '../ledger/stream-reads.js';
import type { Session } from './session.js';

const Identity = t.type({ display_name: t.string });

export class EntityNames {
  readonly #names = new Map<Uuid, { readonly at: number; readonly name: string | null }>();

  constructor(readonly session: Session) {}

  /** Opens the names that are not known yet; an identity that was erased has none. */
  async load(): Promise<void> {
    for (const { id, identityAt } of this.session.authority.entities.values()) {
      if (identityAt === null || this.#names.get(id)?.at === identityAt) continue;
      this.#names.set(id, { at: identityAt, name: await this.#open(identityAt) });
    }
  }

  nameOf(id: Uuid): string | null {
    return this.#names.get(id)?.name ?? null;
  }

  /** The entities of that name or id. */
  find(nameOrId: string): readonly Uuid[] {
    if (this.session.authority.entities.has(nameOrId)) return [nameOrId];
    return [...this.#names].filter(([, { name }]) => name === nameOrId).map(([id]) => id);
  }

  async #open(position: number): Promise<string | null> {
    const found = await readBodyAt(this.session.ports.runner, this.session.custody, position);
    if (found === null || found.key === null) return null;
    const body = openBody(this.session.custody, found.event, found.key);
    const parsed: unknown = body === null ? null : JSON.parse(body.toString('utf8'));
    return Identity.is(parsed) ? parsed.display_name : null;
  }
}
