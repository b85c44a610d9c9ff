/**
 * Who entities are: display names, and the names of their aliases, opened from their identity bodies when somebody asks,
 * and kept while they are the newest. An identity that was erased has no names.
 */
import * as t from 'io-ts';
import type { Entity } from '../authority/entities.js';
import { accessorOf, type MountTable } from '../authority/mounts.js';
import type { Uuid } from '../crypto/bytes.js';
import { openBody } from '../keys/event-sealer.js';
import { readBodyAt } from '../ledger/stream-reads.js';
import type { Identity } from '../policies/templates.js';
import type { Session } from './session.js';

const Body = t.intersection([
  t.type({ display_name: t.string }),
  t.partial({ aliases: t.array(t.type({ mount: t.string, name: t.string })) }),
]);
type Body = t.TypeOf<typeof Body>;

interface Opened {
  /** Position of the identity that was opened. */
  readonly at: number;
  readonly body: Body | null;
}

const AT_ONCE = 16;

export class EntityNames {
  readonly #opened = new Map<Uuid, Opened>();

  constructor(readonly session: Session) {}

  /** Opens all that are not known yet. */
  async load(): Promise<void> {
    const unknown = [...this.session.authority.entities.values()].filter(entity => !this.#has(entity));
    for (let at = 0; at < unknown.length; at += AT_ONCE)
      await Promise.all(unknown.slice(at, at + AT_ONCE).map(entity => this.#open(entity)));
  }

  /** False: `know` has to open it before anything is decided by who this is. */
  knows(id: Uuid): boolean {
    const entity = this.session.authority.entities.get(id);
    return entity === undefined || this.#has(entity);
  }

  async know(id: Uuid): Promise<void> {
    const entity = this.session.authority.entities.get(id);
    if (entity !== undefined && !this.#has(entity)) await this.#open(entity);
  }

  nameOf(id: Uuid): string | null {
    return this.#opened.get(id)?.body?.display_name ?? null;
  }

  /** The entities of that name or id. */
  find(nameOrId: string): readonly Uuid[] {
    if (this.session.authority.entities.has(nameOrId)) return [nameOrId];
    return [...this.#opened.keys()].filter(id => this.nameOf(id) === nameOrId);
  }

  /** What templates of policies may ask; an alias under the path of its mount among these, without `auth/`, and under its accessor. */
  identityOf({ id, aliases }: Entity, mounts: MountTable): Identity {
    const names = this.#opened.get(id)?.body?.aliases ?? [];
    const known = aliases.flatMap(alias => {
      const mount = mounts.byId(alias.mount);
      const name = names.find(each => each.mount === alias.mount)?.name;
      if (mount === null || name === undefined) return [];
      const value = { id: alias.id, name, metadata: {} };
      return [
        [mount.path.replace(/^auth\//, '').replace(/\/$/, ''), value],
        [accessorOf(mount), value],
      ] as const;
    });
    // What somebody is called at one mount, somebody else may be called at another: it is no name to give rights to.
    const name = aliases.length === 0 ? (this.nameOf(id) ?? '') : `entity_${id.replaceAll('-', '')}`;
    return { id, name, metadata: {}, aliases: Object.fromEntries(known) };
  }

  #has({ id, identityAt }: Entity): boolean {
    return identityAt === null || this.#opened.get(id)?.at === identityAt;
  }

  async #open({ id, identityAt }: Entity): Promise<void> {
    if (identityAt === null) return;
    const found = await readBodyAt(this.session.ports.runner, this.session.custody, identityAt);
    const plaintext =
      found === null || found.key === null ? null : openBody(this.session.custody, found.event, found.key);
    const parsed: unknown = plaintext === null ? null : JSON.parse(plaintext.toString('utf8'));
    this.#opened.set(id, { at: identityAt, body: Body.is(parsed) ? parsed : null });
  }
}
