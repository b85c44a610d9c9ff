/**
 * JSON taken apart into texts: numbers keep their digits, nothing is parsed and printed again. One strict pass (RFC 8259);
 * of duplicate keys the last one wins. Errors say where, never what.
 */
export class JsonError extends Error {
  override readonly name = 'JsonError';
}

const DEPTH_MAX = 128;
const KEYS_MAX = 100_000;

/** A value by its text, and if it is an object that was looked into, its members. */
export interface JsonTree {
  readonly text: string;
  /** Null: no object, or one that was not looked into. */
  readonly members: ReadonlyMap<string, JsonTree> | null;
}

/** Members by name, as slices of `text`; null when it is valid JSON but no object. Throws `JsonError`. */
export const members = (text: string): ReadonlyMap<string, string> | null => {
  const found = new Scanner(text).document(1).members;
  if (found === null) return null;
  const texts = new Map<string, string>();
  for (const [name, member] of found) texts.set(name, member.text);
  return texts;
};

/** The same for the objects in objects; those in arrays stay text. Throws `JsonError`. */
export const jsonTree = (text: string): JsonTree => new Scanner(text).document(Number.POSITIVE_INFINITY);

/** The text of the object that has these members. */
export const objectText = (found: Iterable<readonly [name: string, text: string]>): string => {
  let printed = '';
  for (const [name, text] of found) printed += `${printed === '' ? '' : ','}${JSON.stringify(name)}:${text}`;
  return `{${printed}}`;
};

/** A string by its JSON text; what is none, as a number, is its text. */
export const unquoted = (text: string): string => {
  const parsed: unknown = text.startsWith('"') ? JSON.parse(text) : null;
  return typeof parsed === 'string' ? parsed : text;
};

class Scanner {
  #at = 0;
  #keys = 0;

  constructor(readonly text: string) {}

  /** Looks into objects that many levels deep. */
  document(levels: number): JsonTree {
    this.#blanks();
    const found = this.#value(0, levels);
    this.#blanks();
    if (this.#at < this.text.length) throw new JsonError('text after the JSON value');
    return found;
  }

  #value(depth: number, levels: number): JsonTree {
    const from = this.#at;
    const found = this.#skip(depth, levels);
    return { text: this.text.slice(from, this.#at), members: found };
  }

  #skip(depth: number, levels: number): Map<string, JsonTree> | null {
    if (depth > DEPTH_MAX) throw new JsonError('JSON nested too deeply');
    const next = this.text[this.#at];
    if (next === '{') return this.#object(depth, levels);
    if (next === '[') this.#array(depth);
    else if (next === '"') this.#string();
    else this.#atom();
    return null;
  }

  #object(depth: number, levels: number): Map<string, JsonTree> | null {
    const into = levels > 0 ? new Map<string, JsonTree>() : null;
    this.#at += 1;
    this.#blanks();
    if (this.#takes('}')) return into;
    for (;;) {
      if (this.text[this.#at] !== '"') throw this.#unexpected();
      this.#keys += 1;
      if (this.#keys > KEYS_MAX) throw new JsonError('JSON with too many keys');
      const from = this.#at;
      this.#string();
      const name = into === null ? '' : unquoted(this.text.slice(from, this.#at));
      this.#blanks();
      if (!this.#takes(':')) throw this.#unexpected();
      this.#blanks();
      if (into === null) this.#skip(depth + 1, 0);
      else into.set(name, this.#value(depth + 1, levels - 1));
      this.#blanks();
      if (this.#takes('}')) return into;
      if (!this.#takes(',')) throw this.#unexpected();
      this.#blanks();
    }
  }

  #array(depth: number): void {
    this.#at += 1;
    this.#blanks();
    if (this.#takes(']')) return;
    for (;;) {
      this.#skip(depth + 1, 0);
      this.#blanks();
      if (this.#takes(']')) return;
      if (!this.#takes(',')) throw this.#unexpected();
      this.#blanks();
    }
  }

  /** By hand: a pattern over megabytes of one string would exhaust the stack of the regular expression engine. */
  #string(): void {
    const { text } = this;
    if (text[this.#at] !== '"') throw this.#unexpected();
    for (this.#at += 1; this.#at < text.length; this.#at += 1) {
      const unit = text.charCodeAt(this.#at);
      if (unit === 0x22) {
        this.#at += 1;
        return;
      }
      if (unit < 0x20) throw this.#unexpected();
      if (unit === 0x5c) this.#escape();
    }
    throw this.#unexpected();
  }

  #escape(): void {
    this.#at += 1;
    const escaped = this.text[this.#at] ?? '';
    if (escaped === 'u') {
      if (!/^[0-9a-fA-F]{4}$/.test(this.text.slice(this.#at + 1, this.#at + 5))) throw this.#unexpected();
      this.#at += 4;
    } else if (escaped === '' || !'"\\/bfnrt'.includes(escaped)) throw this.#unexpected();
  }

  #atom(): void {
    ATOM.lastIndex = this.#at;
    if (!ATOM.test(this.text)) throw this.#unexpected();
    this.#at = ATOM.lastIndex;
  }

  #blanks(): void {
    BLANKS.lastIndex = this.#at;
    BLANKS.test(this.text);
    this.#at = BLANKS.lastIndex;
  }

  #takes(character: string): boolean {
    if (this.text[this.#at] !== character) return false;
    this.#at += 1;
    return true;
  }

  /** Says where, never what: the text may be a secret. */
  #unexpected(): JsonError {
    return new JsonError(this.#at >= this.text.length ? 'unexpected EOF' : `invalid character at offset ${this.#at}`);
  }
}

const ATOM = /(?:-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?|true|false|null)/y;
const BLANKS = /[ \t\n\r]*/y;
