/**
 * A million tokens in columns instead of objects: about 200 bytes each, and three indexes. A row is a token's place here and
 * nowhere else; the tree of children is in links between rows. Tokens come out as objects, made when somebody asks.
 */
import { type Uuid, uuidBytes, uuidText } from '../../crypto/bytes.js';
import type { Token } from '../tokens.js';
import { bytesOf, grown } from './columns.js';
import { FrozenRows, ROWS_A_PART } from './frozen-rows.js';
import { Interned } from './interned.js';
import { RowIndex } from './row-index.js';
import { NO_ROW, RowLinks } from './row-links.js';

export const ACCESSOR_CHARACTERS = 24;
const ROWS_MIN = 64;

/** Columns of numbers, by their place in a row. */
const TIME = { expiresAt: 0, createdAt: 1, renewedAt: 2 } as const;
/** Seconds up to 136 years, and counts: what is more is as good as this. */
const COUNT = { ttl: 0, period: 1, explicitMaxTtl: 2, maxTtl: 3, uses: 4, usesLeft: 5 } as const;
const COUNT_MAX = 0xffffffff;
const WORD = {
  entity: 0,
  policies: 1,
  displayName: 2,
  creationPath: 3,
  meta: 4,
  method: 5,
  role: 6,
  mount: 7,
  boundCidrs: 8,
} as const;

const namesOf = <R extends object>(record: R): readonly Extract<keyof R, string>[] => {
  const names: Extract<keyof R, string>[] = [];
  for (const name in record) names.push(name);
  return names;
};
const [TIME_NAMES, COUNT_NAMES, WORD_NAMES] = [namesOf(TIME), namesOf(COUNT), namesOf(WORD)] as const;
const [TIMES, COUNTS, WORDS] = [TIME_NAMES.length, COUNT_NAMES.length, WORD_NAMES.length] as const;

const FLAG = { used: 1, renewable: 2 } as const;

interface Words {
  readonly entity: Interned<Uuid>;
  readonly policies: Interned<readonly string[]>;
  readonly displayName: Interned<string>;
  readonly creationPath: Interned<string>;
  readonly meta: Interned<Readonly<Record<string, string>>>;
  readonly method: Interned<string>;
  readonly role: Interned<string>;
  readonly mount: Interned<Uuid>;
  readonly boundCidrs: Interned<readonly string[]>;
}

export class TokenRows {
  readonly #ids = { bytes: new Uint8Array(ROWS_MIN * 16) };
  readonly #hashes = { bytes: new Uint8Array(ROWS_MIN * 32) };
  readonly #accessors = { bytes: new Uint8Array(ROWS_MIN * ACCESSOR_CHARACTERS) };
  #times = new Float64Array(ROWS_MIN * TIMES);
  #counts = new Uint32Array(ROWS_MIN * COUNTS);
  #words = new Uint32Array(ROWS_MIN * WORDS);
  #flags = new Uint8Array(ROWS_MIN);
  readonly #links = new RowLinks(ROWS_MIN);
  readonly #byId = new RowIndex(this.#ids, 16);
  readonly #byHash = new RowIndex(this.#hashes, 32);
  readonly #byAccessor = new RowIndex(this.#accessors, ACCESSOR_CHARACTERS);
  readonly #texts: Words = {
    entity: new Interned(),
    policies: new Interned(),
    displayName: new Interned(),
    creationPath: new Interned(),
    meta: new Interned(),
    method: new Interned(),
    role: new Interned(),
    mount: new Interned(),
    boundCidrs: new Interned(),
  };
  readonly #free: number[] = [];
  #end = 0;
  #frozen: FrozenRows | null = null;

  get size(): number {
    return this.#end - this.#free.length;
  }

  /** Rows are below it; some of them may be free. */
  get end(): number {
    return this.#end;
  }

  byId(id: Uuid): number {
    return this.#byId.find(uuidBytes(id));
  }

  /** 32 bytes. */
  byHash(hash: Uint8Array): number {
    return hash.length === 32 ? this.#byHash.find(hash) : NO_ROW;
  }

  byAccessor(accessor: string): number {
    const bytes = Buffer.from(accessor, 'latin1');
    return bytes.length === ACCESSOR_CHARACTERS ? this.#byAccessor.find(bytes) : NO_ROW;
  }

  used(row: number): boolean {
    return ((this.#flags[row] ?? 0) & FLAG.used) !== 0;
  }

  /** µs; 0 = never */
  expiresAt(row: number): number {
    return this.#times[row * TIMES + TIME.expiresAt] ?? 0;
  }

  parent(row: number): number {
    return this.#links.parent(row);
  }

  mount(row: number): Uuid | null {
    return this.#texts.mount.valueOf(this.#words[row * WORDS + WORD.mount] ?? 0);
  }

  /** Rows of one entity: a million are looked through in milliseconds. */
  *ofEntity(entity: Uuid): Iterable<number> {
    const number = this.#texts.entity.numberOf(entity);
    if (number === null) return;
    for (let row = 0; row < this.#end; row += 1)
      if (this.#words[row * WORDS + WORD.entity] === number && this.used(row)) yield row;
  }

  children(row: number): Iterable<number> {
    return this.#links.children(row);
  }

  /** A new row; its parent's row must be known. RangeError for an id, hash or accessor of another shape. */
  add(token: Token, parent: number): number {
    const hash = Buffer.from(token.hash, 'hex');
    const accessor = Buffer.from(token.accessor, 'latin1');
    if (hash.length !== 32 || accessor.length !== ACCESSOR_CHARACTERS)
      throw new RangeError('a stored token has a hash of 32 bytes and an accessor of 24 characters');
    const row = this.#free.pop() ?? this.#newRow();
    this.#frozen?.keep(row);
    this.#ids.bytes.set(uuidBytes(token.id), row * 16);
    this.#hashes.bytes.set(hash, row * 32);
    this.#accessors.bytes.set(accessor, row * ACCESSOR_CHARACTERS);
    this.#flags[row] = FLAG.used | (token.renewable ? FLAG.renewable : 0);
    for (const name of TIME_NAMES) this.#times[row * TIMES + TIME[name]] = token[name];
    for (const name of COUNT_NAMES) this.#counts[row * COUNTS + COUNT[name]] = Math.min(token[name], COUNT_MAX);
    this.#takeWords(row, token);
    for (const index of [this.#byId, this.#byHash, this.#byAccessor]) index.add(row);
    this.#links.clear(row);
    this.#links.move(row, parent);
    return row;
  }

  setExpiry(row: number, expiresAt: number, renewedAt: number): void {
    this.#frozen?.keep(row);
    this.#times[row * TIMES + TIME.expiresAt] = expiresAt;
    this.#times[row * TIMES + TIME.renewedAt] = renewedAt;
  }

  setUsesLeft(row: number, usesLeft: number): void {
    this.#frozen?.keep(row);
    this.#counts[row * COUNTS + COUNT.usesLeft] = Math.min(usesLeft, COUNT_MAX);
  }

  /** Puts the row under another parent, NO_ROW: under none. */
  link(row: number, parent: number): void {
    this.#frozen?.keep(row);
    this.#links.move(row, parent);
  }

  /** Its children must be gone, or linked elsewhere. */
  remove(row: number): void {
    this.link(row, NO_ROW);
    for (const index of [this.#byId, this.#byHash, this.#byAccessor]) index.remove(row);
    for (const name of WORD_NAMES) this.#texts[name].drop(this.#words[row * WORDS + WORD[name]] ?? 0);
    this.#hashes.bytes.fill(0, row * 32, row * 32 + 32);
    this.#flags[row] = 0;
    this.#free.push(row);
  }

  /**
   * All rows as they are now, to be taken part by part while they go on changing: what is about to change is taken first.
   * One at a time; `done` ends it.
   */
  freeze(): FrozenRows {
    const texts = WORD_NAMES.map(name => this.#texts[name].values());
    this.#frozen = new FrozenRows(
      this.#end,
      texts,
      (from, to) => this.#slices(from, to),
      () => {
        this.#frozen = null;
      },
    );
    return this.#frozen;
  }

  /** The rows of the next part of a table of `end` rows, as `freeze` gave them, into a table that holds those before. */
  thaw(end: number, part: Uint8Array): boolean {
    const from = this.#end;
    const to = Math.min(end, from + ROWS_A_PART);
    if (this.#flags.length < end) this.#grow(Math.ceil(end * 1.1));
    const columns = this.#slices(from, to);
    if (part.length === 0 || part.length !== columns.reduce((sum, column) => sum + column.length, 0)) return false;
    let at = 0;
    for (const column of columns) {
      column.set(part.subarray(at, at + column.length));
      at += column.length;
    }
    this.#end = to;
    return true;
  }

  /** After the last part. False: rows and texts do not fit together. */
  thawed(end: number, texts: readonly (readonly unknown[])[]): boolean {
    if (this.#end !== end || texts.length !== WORD_NAMES.length || !this.#restoreTexts(texts)) return false;
    this.#restoreIndexes();
    return this.#links.restore(this.#end, row => this.used(row));
  }

  #restoreTexts(texts: readonly (readonly unknown[])[]): boolean {
    const counts = WORD_NAMES.map((_, word) => new Uint32Array(texts[word]?.length ?? 0));
    for (let row = 0; row < this.#end; row += 1)
      if (this.used(row))
        for (let word = 0; word < WORDS; word += 1) {
          const number = this.#words[row * WORDS + word] ?? 0;
          const uses = counts[word];
          if (uses === undefined || number >= uses.length) return false;
          uses[number] = (uses[number] ?? 0) + 1;
        }
    return WORD_NAMES.every((name, word) =>
      this.#texts[name].restore(texts[word] ?? [], counts[word] ?? new Uint32Array(0)),
    );
  }

  #restoreIndexes(): void {
    for (const index of [this.#byId, this.#byHash, this.#byAccessor]) index.reserve(this.#end);
    for (let row = 0; row < this.#end; row += 1) {
      if (!this.used(row)) {
        this.#free.push(row);
        continue;
      }
      for (const index of [this.#byId, this.#byHash, this.#byAccessor]) index.add(row);
    }
  }

  /** The columns of the rows from … to−1 as bytes, in place. */
  #slices(from: number, to: number): readonly Uint8Array[] {
    return [
      this.#ids.bytes.subarray(from * 16, to * 16),
      this.#hashes.bytes.subarray(from * 32, to * 32),
      this.#accessors.bytes.subarray(from * ACCESSOR_CHARACTERS, to * ACCESSOR_CHARACTERS),
      bytesOf(this.#times.subarray(from * TIMES, to * TIMES)),
      bytesOf(this.#counts.subarray(from * COUNTS, to * COUNTS)),
      bytesOf(this.#words.subarray(from * WORDS, to * WORDS)),
      this.#links.bytes(from, to),
      this.#flags.subarray(from, to),
    ];
  }

  token(row: number): Token {
    const parent = this.parent(row);
    const time = (name: keyof typeof TIME): number => this.#times[row * TIMES + TIME[name]] ?? 0;
    const count = (name: keyof typeof COUNT): number => this.#counts[row * COUNTS + COUNT[name]] ?? 0;
    const word = <N extends keyof Words>(name: N): number => this.#words[row * WORDS + WORD[name]] ?? 0;
    const { entity, policies, displayName, creationPath, meta, method, role, mount, boundCidrs } = this.#texts;
    const id = this.#idOf(row);
    return {
      type: 'service',
      id,
      hash: Buffer.from(this.#hashes.bytes.subarray(row * 32, row * 32 + 32)).toString('hex'),
      accessor: this.#accessorOf(row),
      entity: entity.valueOf(word('entity')) ?? id,
      parent: parent === NO_ROW ? null : this.#idOf(parent),
      policies: policies.valueOf(word('policies')) ?? [],
      displayName: displayName.valueOf(word('displayName')) ?? '',
      creationPath: creationPath.valueOf(word('creationPath')) ?? '',
      meta: meta.valueOf(word('meta')),
      expiresAt: time('expiresAt'),
      createdAt: time('createdAt'),
      renewedAt: time('renewedAt'),
      method: method.valueOf(word('method')) ?? '',
      ttl: count('ttl'),
      period: count('period'),
      explicitMaxTtl: count('explicitMaxTtl'),
      maxTtl: count('maxTtl'),
      uses: count('uses'),
      usesLeft: count('usesLeft'),
      renewable: ((this.#flags[row] ?? 0) & FLAG.renewable) !== 0,
      boundCidrs: boundCidrs.valueOf(word('boundCidrs')) ?? [],
      role: role.valueOf(word('role')),
      mount: mount.valueOf(word('mount')),
    };
  }

  #idOf(row: number): Uuid {
    return uuidText(this.#ids.bytes.subarray(row * 16, row * 16 + 16));
  }

  #accessorOf(row: number): string {
    const from = row * ACCESSOR_CHARACTERS;
    return Buffer.from(this.#accessors.bytes.subarray(from, from + ACCESSOR_CHARACTERS)).toString('latin1');
  }

  #takeWords(row: number, token: Token): void {
    const { entity, policies, displayName, creationPath, meta, method, role, mount, boundCidrs } = this.#texts;
    const numbers = {
      entity: entity.take(token.entity),
      policies: policies.take(token.policies),
      displayName: displayName.take(token.displayName),
      creationPath: creationPath.take(token.creationPath),
      meta: meta.take(token.meta),
      method: method.take(token.method),
      role: role.take(token.role),
      mount: mount.take(token.mount),
      boundCidrs: boundCidrs.take(token.boundCidrs.length === 0 ? null : token.boundCidrs),
    };
    for (const name of WORD_NAMES) this.#words[row * WORDS + WORD[name]] = numbers[name];
  }

  #newRow(): number {
    if (this.#end === this.#flags.length) this.#grow(Math.ceil(this.#end * 1.5));
    this.#end += 1;
    return this.#end - 1;
  }

  #grow(rows: number): void {
    this.#ids.bytes = grown(this.#ids.bytes, new Uint8Array(rows * 16));
    this.#hashes.bytes = grown(this.#hashes.bytes, new Uint8Array(rows * 32));
    this.#accessors.bytes = grown(this.#accessors.bytes, new Uint8Array(rows * ACCESSOR_CHARACTERS));
    this.#times = grown(this.#times, new Float64Array(rows * TIMES));
    this.#counts = grown(this.#counts, new Uint32Array(rows * COUNTS));
    this.#words = grown(this.#words, new Uint32Array(rows * WORDS));
    this.#links.grow(rows);
    this.#flags = grown(this.#flags, new Uint8Array(rows));
  }
}
