/**
 * Legal holds as of now. A hold covers a node — a mount, a folder or a secret — and everything under it, whatever its path
 * becomes; while it stands, nothing there can be destroyed.
 */
import type { Uuid } from '../crypto/bytes.js';
import type { Header } from '../domain/header.js';
import type { StoredEvent } from '../ledger/event.js';
import * as shape from './shapes.js';

export interface Hold {
  readonly name: string;
  readonly mount: Uuid;
  readonly node: Uuid;
  /** As it was placed: mount and path in full, a folder's with its slash. */
  readonly path: string;
  readonly reason: string | null;
  readonly position: number;
  /** µs */
  readonly placedAt: number;
  readonly actor: Uuid | null;
}

export class HoldTable {
  readonly #byName = new Map<string, Hold>();
  #byNode = new Map<Uuid, Hold>();
  #changedAt = 0;

  /** Position of the newest hold that was placed or lifted. */
  get changedAt(): number {
    return this.#changedAt;
  }

  get(name: string): Hold | null {
    return this.#byName.get(name) ?? null;
  }

  values(): Iterable<Hold> {
    return this.#byName.values();
  }

  /** A hold on any of these nodes: the mount, the folders and the secret of one path. */
  over(nodes: ReadonlySet<Uuid>): Hold | null {
    for (const node of nodes) {
      const hold = this.#byNode.get(node);
      if (hold !== undefined) return hold;
    }
    return null;
  }

  placed(event: StoredEvent, header: Header): void {
    const { hold, reason } = shape.read(shape.HoldHeader, header, event);
    const { position, recordedAt: placedAt, actor } = event;
    this.#byName.set(hold.name, { ...hold, reason: reason ?? null, position, placedAt, actor });
    this.#changed(position);
  }

  lifted(event: StoredEvent, header: Header): void {
    this.#byName.delete(shape.read(shape.HoldLiftedHeader, header, event).hold.name);
    this.#changed(event.position);
  }

  #changed(position: number): void {
    this.#byNode = new Map([...this.#byName.values()].map(hold => [hold.node, hold]));
    this.#changedAt = position;
  }
}
