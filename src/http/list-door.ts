/**
 * Lets the verb LIST through Node's HTTP/1.1 parser, which does not know it: follows the framing of one connection and turns
 * LIST into LINK, byte by byte in place. Where the framing is not beyond doubt nothing is rewritten any more on that
 * connection; Node's parser refuses those messages itself, so no body is ever touched. Inside the server LINK means list.
 */
import type { Duplex } from 'node:stream';

const MAX_HEAD = 65_536;
const HEAD_END = Buffer.from('\r\n\r\n');
const LENGTH = 'content-length';
const CODING = 'transfer-encoding';
/** A line that ends in anything but CR LF. */
const BARE_ENDS = /(?:^|[^\r])\n|\r(?!\n)/;
const HAS_BODY = /\r\n(content-length|transfer-encoding)[ \t]*:/i;

type State = 'start' | 'head' | 'body' | 'size' | 'chunk' | 'trailer' | 'blind';

const code = (text: string, at: number): number => text.charCodeAt(at);

/** Attach on `connection` (plain) or `secureConnection` (TLS), before a byte is read. */
export const listDoor = (socket: Duplex): void => {
  const door = new Door();
  socket.prependListener('data', (bytes: Buffer | string) => {
    if (typeof bytes !== 'string') door.pass(bytes);
  });
};

class Door {
  #state: State = 'start';
  #verb = 0;
  #left = 0;
  #head = '';
  #line = '';

  pass(bytes: Buffer): void {
    let at = 0;
    while (at < bytes.length && this.#state !== 'blind') {
      if (this.#state === 'start') at = this.#start(bytes, at);
      else if (this.#state === 'head') at = this.#inHead(bytes, at);
      else if (this.#state === 'body' || this.#state === 'chunk') at = this.#skip(bytes, at);
      else at = this.#inLine(bytes, at);
    }
  }

  #next(): void {
    this.#state = 'start';
    this.#verb = 0;
  }

  #giveUp(): void {
    this.#state = 'blind';
    this.#head = '';
    this.#line = '';
  }

  #start(bytes: Buffer, at: number): number {
    const byte = bytes[at] ?? 0;
    if (this.#verb === 0 && (byte === 13 || byte === 10)) return at + 1;
    if (this.#verb === 0 && byte !== code('L', 0)) {
      const end = this.#wholeBodyless(bytes, at);
      if (end !== null) return end;
    }
    if (this.#verb < 4 && byte === code('LIST', this.#verb)) {
      bytes[at] = code('LINK', this.#verb);
      this.#verb += 1;
      return at + 1;
    }
    // A genuine LINK is spoiled on the way, so that the parser answers 400: only LIST may become LINK.
    if (this.#verb === 2 && byte === code('N', 0)) bytes[at] = code('X', 0);
    this.#head = 'LINK'.slice(0, this.#verb);
    this.#state = 'head';
    return at;
  }

  /** The common case without a copy: one whole head that ends with the chunk and announces no body. */
  #wholeBodyless(bytes: Buffer, at: number): number | null {
    const end = bytes.indexOf(HEAD_END, at);
    if (end < 0 || end + 4 !== bytes.length || end - at > MAX_HEAD) return null;
    const head = bytes.toString('latin1', at, end + 4);
    return HAS_BODY.test(head) || /[^\r]\n|\r[^\n]|\r\n[ \t]|^CONNECT /.test(head) ? null : bytes.length;
  }

  #inHead(bytes: Buffer, at: number): number {
    const before = this.#head.length;
    const all = this.#head + bytes.toString('latin1', at, at + MAX_HEAD);
    const end = all.indexOf('\r\n\r\n', Math.max(0, before - 3));
    if (end >= 0) {
      this.#framing(all.slice(0, end));
      return at + end + 4 - before;
    }
    if (all.length >= MAX_HEAD) this.#giveUp();
    else this.#head = all;
    return bytes.length;
  }

  #framing(text: string): void {
    this.#head = '';
    const [first = '', ...fields] = text.split('\r\n');
    let [length, coding]: [string | undefined, string | undefined] = [undefined, undefined];
    let doubtful = BARE_ENDS.test(text) || first.startsWith('CONNECT ');
    for (const field of fields) {
      const colon = field.indexOf(':');
      doubtful ||= colon < 0 || field[0] === ' ' || field[0] === '\t';
      if (colon !== LENGTH.length && colon !== CODING.length) continue;
      const name = field.slice(0, colon).toLowerCase();
      if (name !== LENGTH && name !== CODING) continue;
      doubtful ||= length !== undefined || coding !== undefined;
      if (name === LENGTH) length = field.slice(colon + 1).trim();
      else coding = field.slice(colon + 1).trim();
    }
    if (doubtful) this.#giveUp();
    else if (coding !== undefined) coding.toLowerCase() === 'chunked' ? this.#enter('size') : this.#giveUp();
    else if (length === undefined) this.#next();
    else if (!/^\d{1,15}$/.test(length)) this.#giveUp();
    else {
      this.#left = Number(length);
      if (this.#left > 0) this.#enter('body');
      else this.#next();
    }
  }

  #enter(state: State): void {
    this.#state = state;
  }

  #skip(bytes: Buffer, at: number): number {
    const taken = Math.min(this.#left, bytes.length - at);
    this.#left -= taken;
    if (this.#left === 0) {
      if (this.#state === 'body') this.#next();
      else this.#enter('size');
    }
    return at + taken;
  }

  /** Chunk sizes and trailers, a line at a time. */
  #inLine(bytes: Buffer, at: number): number {
    const byte = bytes[at] ?? 0;
    if (byte !== 10) {
      this.#line += String.fromCharCode(byte);
      if (this.#line.length > 4096) this.#giveUp();
      return at + 1;
    }
    const text = this.#line;
    this.#line = '';
    if (!text.endsWith('\r')) this.#giveUp();
    else if (this.#state === 'trailer') {
      if (text === '\r') this.#next();
    } else this.#chunkSize(text);
    return at + 1;
  }

  #chunkSize(text: string): void {
    const size = /^([0-9a-f]{1,8})\s*(;.*)?\r$/i.exec(text)?.[1];
    if (size === undefined) this.#giveUp();
    else if (Number.parseInt(size, 16) === 0) this.#enter('trailer');
    else {
      this.#left = Number.parseInt(size, 16) + 2;
      this.#enter('chunk');
    }
  }
}
