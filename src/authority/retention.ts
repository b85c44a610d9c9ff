/**
 * Retention rules as of now: what has to be so old before it can be destroyed. Each is a configuration item of the ledger
 * whose name begins with `retention/`.
 */
import type { Uuid } from '../crypto/bytes.js';
import type { Header } from '../domain/header.js';
import type { StoredEvent } from '../ledger/event.js';
import * as shape from './shapes.js';

const PREFIX = 'retention/';

export const retentionItem = (name: string): string => `${PREFIX}${name}`;

export interface RetentionRule {
  readonly name: string;
  readonly mount: Uuid;
  readonly node: Uuid;
  /** As it was set: mount and path in full, a folder's with its slash. */
  readonly path: string;
  /** Seconds. */
  readonly minimumAge: number;
  readonly position: number;
}

export const isRetention = (event: StoredEvent, header: Header): boolean =>
  shape.read(shape.SettingsHeader, header, event).name.startsWith(PREFIX);

export class RetentionTable {
  readonly #byName = new Map<string, RetentionRule>();
  /** Of those on one node the one that keeps longest. */
  #byNode = new Map<Uuid, RetentionRule>();
  #changedAt = 0;

  /** Position of the newest rule that was set or removed. */
  get changedAt(): number {
    return this.#changedAt;
  }

  get(name: string): RetentionRule | null {
    return this.#byName.get(name) ?? null;
  }

  values(): Iterable<RetentionRule> {
    return this.#byName.values();
  }

  /** Of the rules on any of these nodes the one that keeps longest. */
  over(nodes: ReadonlySet<Uuid>): RetentionRule | null {
    let longest: RetentionRule | null = null;
    for (const node of nodes) {
      const rule = this.#byNode.get(node);
      if (rule !== undefined && rule.minimumAge > (longest?.minimumAge ?? 0)) longest = rule;
    }
    return longest;
  }

  changed(event: StoredEvent, header: Header): void {
    const item = shape.read(shape.SettingsHeader, header, event);
    const name = item.name.slice(PREFIX.length);
    if (item.settings === null) this.#byName.delete(name);
    else {
      const { minimum_age, ...scope } = shape.read(shape.RetentionSettings, item.settings, event);
      this.#byName.set(name, { name, ...scope, minimumAge: minimum_age, position: event.position });
    }
    const shortestFirst = [...this.#byName.values()].sort((a, b) => a.minimumAge - b.minimumAge);
    this.#byNode = new Map(shortestFirst.map(rule => [rule.node, rule]));
    this.#changedAt = event.position;
  }
}
