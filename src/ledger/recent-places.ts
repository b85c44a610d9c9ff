/**
 * The places of the last events: which stream, and which new nodes under which parents. It answers "has anything in this
 * scope moved since position P" without the database, and says yes when it no longer remembers.
 */
import type { Uuid } from '../crypto/bytes.js';

const REMEMBERED = 65_536;

interface PlaceOf {
  readonly position: number;
  readonly streamId: Uuid;
  readonly parents: readonly Uuid[];
}

export class RecentPlaces {
  #places: PlaceOf[] = [];

  /** Everything after `floor` is remembered. */
  constructor(private floor: number) {}

  add(position: number, streamId: Uuid, nodes: readonly { readonly parent: Uuid }[]): void {
    this.#places.push({ position, streamId, parents: nodes.map(node => node.parent) });
    if (this.#places.length < 2 * REMEMBERED) return;
    this.#places = this.#places.slice(-REMEMBERED);
    this.floor = (this.#places[0]?.position ?? position) - 1;
  }

  movedSince(position: number, scope: ReadonlySet<Uuid>, folders: ReadonlySet<Uuid>): boolean {
    if (position < this.floor) return true;
    for (let i = this.#places.length - 1; i >= 0; i -= 1) {
      const place = this.#places[i];
      if (place === undefined || place.position <= position) return false;
      if (scope.has(place.streamId) || place.parents.some(parent => folders.has(parent))) return true;
    }
    return false;
  }
}
