/**
 * The text of a JSON object's members, exactly as sent: numbers keep their digits, nothing is parsed and printed again. One
 * strict pass (RFC 8259); of duplicate keys the last one wins.
 */
export class JsonError extends Error {
  override readonly name = 'JsonError';
}

const DEPTH_MAX = 128;
const KEYS_MAX = 100_000;

/** Members by name, as slices of `text`; null when it is valid JSON but no object. Throws `JsonError`. */
export const members = (text: string): ReadonlyMap<string, string> | null => {
  const scanner = new Scanner(text);
  const found = scanner.document();
  return found;
};

class Scanner {
  #at = 0;
  #keys = 0;

  constructor(readonly text: string) {}

  document(): ReadonlyMap<string, string> | null {
    this.#blanks();
    const found = this.text[this.#at] === '{' ? this.#object(0, new Map()) : this.#other();
    this.#blanks();
    if (this.#at < this.text.length) throw new JsonError('text after the JSON value');
    return found;
  }

  #other(): null {
    this.#value(0);
    return null;
  }

  #value(depth: number): void {
    if (depth > DEPTH_MAX) throw new JsonError('JSON nested too deeply');
    const next = this.text[this.#at];
    if (next === '{') this.#object(depth, null);
    else if (next === '[') this.#array(depth);
    else if (next === '"') this.#string();
    else this.#atom();
  }

  #object(depth: number, into: Map<string, string> | null): Map<string, string> | null {
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
      const start = this.#at;
      this.#value(depth + 1);
      into?.set(name, this.text.slice(start, this.#at));
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
      this.#value(depth + 1);
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

const unquoted = (text: string): string => {
  const parsed: unknown = JSON.parse(text);
  return typeof parsed === 'string' ? parsed : '';
};
