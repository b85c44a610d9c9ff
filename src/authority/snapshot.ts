/**
 * Authority as parts of bytes, and back: what a snapshot holds under its boxes. Another number, another byte order, a part
 * that does not fit, and it is as if there were none: lane 1 is folded instead. Once a header epoch is retired that cannot
 * be, so a program that writes another number has to read this one as well.
 *
 *   part = the snapshot's random id(16) ‖ kind u8 ‖ content       so that parts of two snapshots are never taken for one
 *   kinds: 1 outline (JSON, first)   2 kept events (a JSON text a line)   3 texts of tokens (JSON)   4 rows of tokens
 */
import * as t from 'io-ts';
import { randomBytes } from '../crypto/random.js';
import type { Custody } from '../keys/custody.js';
import { Authority } from './authority.js';
import { keptEvent } from './history.js';

const FORMAT = 1;
const ID_BYTES = 16;
const KIND = { outline: 1, events: 2, texts: 3, rows: 4 } as const;
const EVENTS_BYTES = 1024 * 1024;

const LITTLE_ENDIAN = new Uint8Array(new Uint16Array([1]).buffer)[0] === 1;

const Outline = t.type({ format: t.number, littleEndian: t.boolean, position: t.number, rows: t.number });
const Texts = t.array(t.array(t.unknown));

export interface SnapshotParts {
  readonly count: number;
  /** The next part, as of the moment of the call to `snapshotOf`; null after the last. */
  next(): Buffer | null;
  /** Compulsory, also after a failure. */
  done(): void;
}

/** As of now: what changes later is not in it. */
export const snapshotOf = (authority: Authority): SnapshotParts => {
  const id = randomBytes(ID_BYTES);
  const rows = authority.tokens.freeze();
  const part = (kind: number, content: Buffer): Buffer => Buffer.concat([id, Buffer.from([kind]), content]);
  const outline = { format: FORMAT, littleEndian: LITTLE_ENDIAN, position: authority.position, rows: rows.end };
  const first = [
    part(KIND.outline, Buffer.from(JSON.stringify(outline))),
    ...[...chunks(authority.history.texts())].map(chunk => part(KIND.events, chunk)),
    part(KIND.texts, Buffer.from(JSON.stringify(rows.texts))),
  ];
  return {
    count: first.length + rows.parts,
    next: () => {
      const ready = first.shift();
      if (ready !== undefined) return ready;
      const taken = rows.next();
      return taken === null ? null : part(KIND.rows, taken);
    },
    done: rows.done,
  };
};

const chunks = function* (texts: Iterable<string>): Iterable<Buffer> {
  let [lines, bytes]: [string[], number] = [[], 0];
  for (const text of texts) {
    lines.push(text);
    bytes += text.length;
    if (bytes < EVENTS_BYTES) continue;
    yield Buffer.from(lines.join('\n'));
    [lines, bytes] = [[], 0];
  }
  if (lines.length > 0) yield Buffer.from(lines.join('\n'));
};

/** Takes parts in order; `authority()` after the last. Null: this is no snapshot that this program can use. */
export class Restoring {
  readonly #authority: Authority;
  #id: Buffer | null = null;
  #outline: t.TypeOf<typeof Outline> | null = null;
  #texts: readonly (readonly unknown[])[] = [];
  #usable = true;

  constructor(custody: Custody) {
    this.#authority = new Authority(custody);
  }

  take(part: Buffer): void {
    this.#usable &&= this.#take(part);
  }

  authority(): Authority | null {
    const { rows } = this.#outline ?? { rows: -1 };
    return this.#usable && this.#authority.tokens.thawed(rows, this.#texts) ? this.#authority : null;
  }

  #take(part: Buffer): boolean {
    const id = part.subarray(0, ID_BYTES);
    const content = part.subarray(ID_BYTES + 1);
    this.#id ??= Buffer.from(id);
    if (!this.#id.equals(id)) return false;
    switch (part[ID_BYTES]) {
      case KIND.outline:
        return this.#takeOutline(JSON.parse(content.toString('utf8')));
      case KIND.events:
        return this.#takeEvents(content.toString('utf8').split('\n'));
      case KIND.texts: {
        const texts: unknown = JSON.parse(content.toString('utf8'));
        if (!Texts.is(texts)) return false;
        this.#texts = texts;
        return true;
      }
      case KIND.rows:
        return this.#outline !== null && this.#authority.tokens.thaw(this.#outline.rows, content);
      default:
        return false;
    }
  }

  #takeOutline(outline: unknown): boolean {
    if (!Outline.is(outline) || outline.format !== FORMAT || outline.littleEndian !== LITTLE_ENDIAN) return false;
    this.#outline = outline;
    return true;
  }

  #takeEvents(lines: readonly string[]): boolean {
    if (this.#outline === null) return false;
    const events = lines.map(keptEvent);
    if (events.some(event => event === null)) return false;
    this.#authority.restore(
      events.flatMap(event => event ?? []),
      this.#outline.position,
    );
    return true;
  }
}
