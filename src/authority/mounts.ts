/** Mounts of secrets engines and auth methods: which path belongs to whom, and under which settings. */
import type { Uuid } from '../crypto/bytes.js';
import { mountIndexKey } from '../crypto/names.js';
import type { Header } from '../domain/header.js';
import type { Custody } from '../keys/custody.js';
import type { StoredEvent } from '../ledger/event.js';
import * as shape from './shapes.js';

export interface Mount {
  readonly id: Uuid;
  readonly number: number;
  /** In full, with its trailing slash: `secret/`, `auth/approle/`. */
  readonly path: string;
  /** secret, auth, system */
  readonly kind: string;
  readonly type: string;
  readonly description: string;
  readonly options: Readonly<Record<string, string>>;
  /** TTLs and lists as they were tuned. */
  readonly config: Readonly<Record<string, unknown>>;
  readonly indexKey: Buffer;
  /** µs */
  readonly enabledAt: number;
}

/** `auth_mount` of roles and tokens that belong to the token store itself. */
export const NO_MOUNT: Uuid = '00000000-0000-0000-0000-000000000000';

/** What clients call it: type and eight hex digits. */
export const accessorOf = ({ type, id }: Pick<Mount, 'type' | 'id'>): string => `${type}_${id.slice(0, 8)}`;

/** A mount that went to another path; in full, with slashes at their ends. */
export interface Move {
  /** The event's. */
  readonly id: Uuid;
  readonly position: number;
  readonly from: string;
  readonly to: string;
}

const MOVES_MAX = 1000;

export class MountTable {
  #all: readonly Mount[] = [];
  #highest = 0;
  /** The newest ones, for those who ask how theirs ended. */
  readonly #moves: Move[] = [];
  readonly #formerPaths = new Set<string>();

  constructor(readonly custody: Custody) {}

  /** Longest path first, so that the first prefix that fits is the right one. */
  get all(): readonly Mount[] {
    return this.#all;
  }

  /** The highest number that any mount ever had: each has a name key of its own. */
  get highestNumber(): number {
    return this.#highest;
  }

  /** Where secrets were mounted that are there no more: what was recorded then is not of the mount that is there now. */
  get formerPaths(): ReadonlySet<string> {
    return this.#formerPaths;
  }

  /** `path` without its trailing slash. */
  at(path: string): Mount | null {
    return this.#all.find(mount => mount.path === `${path}/`) ?? null;
  }

  byId(id: Uuid): Mount | null {
    return this.#all.find(mount => mount.id === id) ?? null;
  }

  /** As it is now, if it is still there, and at that path: what was allowed on the path was allowed of it. */
  still({ id, path }: Pick<Mount, 'id' | 'path'>): Mount | null {
    const now = this.byId(id);
    return now?.path === path ? now : null;
  }

  /** The mount that serves an API path. */
  serving(path: string): Mount | null {
    return this.#all.find(mount => path.startsWith(mount.path) || `${path}/` === mount.path) ?? null;
  }

  enabled(event: StoredEvent, header: Header): void {
    const { number } = shape.read(shape.MountFacts, event.facts, event);
    const { mount } = shape.read(shape.MountHeader, header, event);
    const { custody } = this;
    this.#highest = Math.max(this.#highest, number);
    this.#set([
      ...this.#all,
      {
        id: event.streamId,
        number,
        path: mount.path,
        kind: mount.kind,
        type: mount.type,
        description: mount.description ?? '',
        options: mount.options ?? {},
        config: mount.config ?? {},
        indexKey: mountIndexKey(custody.keyring.indexKey, custody.ledger, event.streamId),
        enabledAt: event.recordedAt,
      },
    ]);
  }

  tuned(event: StoredEvent, header: Header): void {
    const { mount } = shape.read(shape.MountTunedHeader, header, event);
    this.#change(event.streamId, before => ({
      ...before,
      description: mount.description ?? before.description,
      options: mount.options ?? before.options,
      config: mount.config ?? before.config,
    }));
  }

  /** Newest first. */
  get moves(): readonly Move[] {
    return [...this.#moves].reverse();
  }

  moved(event: StoredEvent, header: Header): void {
    const { mount } = shape.read(shape.MountMovedHeader, header, event);
    const from = this.byId(event.streamId)?.path ?? '';
    this.#moves.push({ id: event.eventId, position: event.position, from, to: mount.path });
    if (this.#moves.length > MOVES_MAX) this.#moves.shift();
    this.#leave(event.streamId);
    this.#change(event.streamId, before => ({ ...before, path: mount.path }));
  }

  disabled(event: StoredEvent): void {
    this.#leave(event.streamId);
    this.#set(this.#all.filter(({ id }) => id !== event.streamId));
  }

  #leave(id: Uuid): void {
    const mount = this.byId(id);
    if (mount?.kind === 'secret') this.#formerPaths.add(mount.path);
  }

  #change(id: Uuid, change: (before: Mount) => Mount): void {
    this.#set(this.#all.map(mount => (mount.id === id ? change(mount) : mount)));
  }

  #set(mounts: readonly Mount[]): void {
    this.#all = [...mounts].sort((a, b) => b.path.length - a.path.length);
  }
}
