/** A text read once from left to right, with line and column for whoever has to mend it. Shared by HCL and JSON. */
import { type Position, SyntaxFault, wellFormed } from './tree.js';

const ESCAPES: Readonly<Record<string, string>> = {
  ...{ n: '\n', r: '\r', t: '\t', b: '\b', f: '\f', a: '\x07', v: '\v' },
  ...{ '"': '"', '\\': '\\', '/': '/' },
};
const HEX_DIGITS: Readonly<Record<string, number>> = { x: 2, u: 4, U: 8 };

export class Scanner {
  #offset = 0;
  #line = 1;
  #lineStart = 0;

  constructor(readonly text: string) {}

  get offset(): number {
    return this.#offset;
  }

  get at(): Position {
    return { line: this.#line, column: this.#offset - this.#lineStart + 1 };
  }

  get done(): boolean {
    return this.#offset >= this.text.length;
  }

  /** The next character, '' at the end. */
  peek(ahead = 0): string {
    return this.text[this.#offset + ahead] ?? '';
  }

  startsWith(word: string): boolean {
    return this.text.startsWith(word, this.#offset);
  }

  /** Moves on, counting lines. */
  skip(count = 1): void {
    for (let i = 0; i < count; i += 1) {
      if (this.text.charCodeAt(this.#offset) === 0x0a) {
        this.#line += 1;
        this.#lineStart = this.#offset + 1;
      }
      this.#offset += 1;
    }
  }

  takes(character: string): boolean {
    if (this.peek() !== character) return false;
    this.skip();
    return true;
  }

  /** Up to the end of the line, which stays. */
  skipLine(): void {
    while (!this.done && this.peek() !== '\n') this.skip();
  }

  /** What a sticky pattern finds here, '' if it finds nothing. */
  match(sticky: RegExp): string {
    sticky.lastIndex = this.#offset;
    const found = sticky.exec(this.text)?.[0] ?? '';
    this.skip(found.length);
    return found;
  }

  fault(message: string, at = this.at): SyntaxFault {
    return new SyntaxFault(message, at);
  }

  /** What stands here, for a message: one character, never more of the text. */
  get found(): string {
    return this.done ? 'the text ends' : `found ${JSON.stringify(this.peek())}`;
  }

  /** A string in double quotes, on one line; the opening quote is here. */
  quoted(): string {
    const start = this.at;
    this.skip();
    const parts: string[] = [];
    for (;;) {
      const run = this.match(/[^"\\\u0000-\u001f]+/y);
      if (run !== '') parts.push(run);
      else if (this.takes('"')) return wellFormed(parts.join(''));
      else if (this.takes('\\')) parts.push(this.#escape());
      else if (this.takes('\t')) parts.push('\t');
      else if (this.done || this.peek() === '\n') throw this.fault('this string has no closing quote', start);
      else throw this.fault('a control character inside a string: write it as \\u00XX');
    }
  }

  #escape(): string {
    const letter = this.peek();
    const simple = Object.hasOwn(ESCAPES, letter) ? ESCAPES[letter] : undefined;
    if (simple !== undefined) {
      this.skip();
      return simple;
    }
    const digits = Object.hasOwn(HEX_DIGITS, letter) ? (HEX_DIGITS[letter] ?? 0) : 0;
    const hex = this.text.slice(this.#offset + 1, this.#offset + 1 + digits);
    const point = Number.parseInt(hex, 16);
    if (digits === 0 || hex.length < digits || /[^0-9a-fA-F]/.test(hex) || point > 0x10ffff)
      throw this.fault('unknown escape: use \\" \\\\ \\n \\r \\t or \\uXXXX');
    this.skip(1 + digits);
    return digits === 4 ? String.fromCharCode(point) : String.fromCodePoint(point);
  }
}
