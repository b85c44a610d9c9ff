/**
 * What is being answered at this moment, and how much of it fits: requests and bytes of their bodies are counted, and what
 * does not fit is refused at once, before it costs anything.
 */
import type { IncomingMessage } from 'node:http';

export interface Visit {
  readonly id: string;
  readonly method: string;
  readonly address: string;
  /** ms since 1970 */
  readonly startedAtMs: number;
  /** Without `/v1/`; empty until it was read. */
  path: string;
  /** Of its body, in memory. */
  bytes: number;
}

export type BodyFault = 'too-large' | 'overloaded' | 'gone';

export interface GateLimits {
  readonly requestsMax: number;
  readonly bodyBytesMax: number;
  /** Of all bodies together. */
  readonly bytesMax: number;
}

export class Gate {
  readonly #visits = new Map<string, Visit>();
  #bytes = 0;

  constructor(readonly limits: GateLimits) {}

  get visits(): readonly Visit[] {
    return [...this.#visits.values()];
  }

  /** False: there are too many. */
  enter(visit: Visit): boolean {
    if (this.#visits.size >= this.limits.requestsMax) return false;
    this.#visits.set(visit.id, visit);
    return true;
  }

  leave(visit: Visit): void {
    if (this.#visits.delete(visit.id)) this.#bytes -= visit.bytes;
  }

  /** The whole body; it counts until the visit leaves. */
  body(visit: Visit, request: IncomingMessage): Promise<Buffer | BodyFault> {
    const announced = Number(request.headers['content-length'] ?? 0);
    if (announced > this.limits.bodyBytesMax) return Promise.resolve('too-large');
    if (this.#bytes + announced > this.limits.bytesMax) return Promise.resolve('overloaded');
    return new Promise(resolve => {
      const chunks: Buffer[] = [];
      const end = (result: Buffer | BodyFault): void => {
        request.off('data', take);
        request.off('end', whole);
        request.off('close', gone);
        request.off('error', gone);
        resolve(result);
      };
      const take = (chunk: Buffer): void => {
        visit.bytes += chunk.length;
        this.#bytes += chunk.length;
        if (visit.bytes > this.limits.bodyBytesMax) end('too-large');
        else if (this.#bytes > this.limits.bytesMax) end('overloaded');
        else chunks.push(chunk);
      };
      const whole = (): void => end(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
      const gone = (): void => end('gone');
      request.on('data', take);
      request.once('end', whole);
      request.once('close', gone);
      request.once('error', gone);
    });
  }
}
