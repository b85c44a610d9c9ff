/**
 * What each connection still owes its client. Whoever does not read what it asked for is cut off, so that no answer is kept
 * for ever; and what cannot be read as a request is told so after the answers that were asked for before it.
 */
import type { ServerResponse } from 'node:http';
import type { Socket } from 'node:net';

/** Answers that wait behind another: a packet of 64 KiB may hold a thousand requests. */
const WAITING_MAX = 100;
/** How late it may be found that a client does not read. */
const LOOK_EVERY_MS = 500;

interface Owed {
  /** The answer to the newest request; null once the client has taken it. */
  newest: ServerResponse | null;
  waiting: number;
  /** Whether something came that is no request: nothing is read any more. */
  spoiled: boolean;
  /** Of what the client has not yet taken: how much had been written, and when that was found. Null: it has taken all. */
  unread: { readonly written: number; readonly sinceMs: number } | null;
}

export class Connections {
  readonly #owed = new Map<Socket, Owed>();
  #looking: NodeJS.Timeout | null = null;
  #draining = false;

  /** `readMs`: how long an answer may take to be read. `cut` is told of each connection that was ended, and why. */
  constructor(
    readonly readMs: number,
    readonly cut: (by: 'slow' | 'requests') => void,
  ) {}

  add(socket: Socket): void {
    if (this.#draining) {
      socket.destroy();
      return;
    }
    this.#owed.set(socket, { newest: null, waiting: 0, spoiled: false, unread: null });
    socket.once('close', () => this.#owed.delete(socket));
    this.#looking ??= setInterval(() => this.#look(performance.now()), LOOK_EVERY_MS).unref();
  }

  /** Closes what nothing is owed to, and the rest as soon as nothing is. */
  drain(): void {
    this.#draining = true;
    if (this.#looking !== null) clearInterval(this.#looking);
    for (const [socket, { newest }] of this.#owed) {
      if (newest === null || newest.writableFinished) socket.destroySoon();
      else {
        newest.shouldKeepAlive = false;
        newest.once('close', () => socket.destroySoon());
      }
    }
  }

  /** False: not to be answered, as the client is gone or asks far ahead of what it reads, which ends its connection. */
  asks(response: ServerResponse): boolean {
    const { socket } = response.req;
    const owed = this.#owed.get(socket);
    if (owed === undefined || socket.destroyed) return false;
    owed.newest = response;
    if (response.socket !== null) return true;
    owed.waiting += 1;
    response.once('socket', () => {
      owed.waiting -= 1;
    });
    if (owed.waiting <= WAITING_MAX) return true;
    this.#end(socket, 'requests');
    return false;
  }

  /** `say` what is wrong, once, when it is its turn. */
  spoil(socket: Socket, say: () => void): void {
    const owed = this.#owed.get(socket);
    if (owed?.spoiled === true) return;
    if (owed !== undefined) owed.spoiled = true;
    const newest = owed?.newest ?? null;
    if (newest === null || newest.writableFinished) say();
    else if (newest.req.complete || newest.headersSent) newest.once('close', say);
    // It is the newest request itself that cannot be read to its end. This is its answer, unless others are due before it.
    else if (newest.socket !== null) say();
    else socket.destroy();
  }

  /**
   * An answer is written at once, and the next one when all of it is taken: as long as nothing is written, it is the same.
   * A connection that the server has ended is one that the client has to end.
   */
  #look(nowMs: number): void {
    for (const [socket, owed] of this.#owed) {
      const { newest, unread } = owed;
      // Its request has a token in its head.
      if (newest?.writableFinished === true) owed.newest = null;
      if (socket.writableLength === 0 && !socket.writableEnded) owed.unread = null;
      else if (unread?.written !== socket.bytesWritten) owed.unread = { written: socket.bytesWritten, sinceMs: nowMs };
      else if (nowMs - unread.sinceMs >= this.readMs) this.#end(socket, 'slow');
    }
  }

  #end(socket: Socket, by: 'slow' | 'requests'): void {
    this.cut(by);
    socket.destroy();
  }
}
