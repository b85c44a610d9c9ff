/**
 * What happens while the server is sealed cannot be sealed into the ledger: it waits here, in a bounded file of the data
 * folder, and is appended after the next unseal. Lines hold times, addresses and outcomes — no names, paths or keys.
 */
import { appendFile, rm, stat } from 'node:fs/promises';
import * as t from 'io-ts';
import { readIfThere } from './durable-file.js';
import type { RecordedRequest } from './recorder.js';

const BYTES_MAX = 4 * 1024 * 1024;

const Line = t.intersection([
  t.type({
    v: t.literal(1),
    at: t.number,
    outcome: t.keyof({ ok: null, denied: null, failed: null, error: null }),
  }),
  t.UnknownRecord,
]);

export class Spool {
  #turn: Promise<void> = Promise.resolve();

  constructor(
    readonly path: string,
    readonly failed: (cause: unknown) => void,
  ) {}

  /** Beyond 4 MiB further lines are dropped: a flood of failed unseals must not fill the disk. */
  record(request: RecordedRequest): void {
    this.#turn = this.#turn
      .then(async () => {
        const size = await stat(this.path).then(
          found => found.size,
          () => 0,
        );
        if (size < BYTES_MAX) await appendFile(this.path, `${JSON.stringify(request)}\n`, { mode: 0o600 });
      })
      .catch(this.failed);
  }

  /** Hands over all lines to `take`, then forgets them. Lines that are not records (a torn last line) are skipped. */
  async drain(take: (requests: readonly RecordedRequest[]) => Promise<void>): Promise<void> {
    await this.#turn;
    const text = await readIfThere(this.path);
    if (text === null) return;
    await take(text.split('\n').flatMap(decodeRecorded));
    await rm(this.path, { force: true });
  }
}

/** A recorded request from its JSON line; none for anything else. */
export const decodeRecorded = (line: string): RecordedRequest[] => {
  if (line === '') return [];
  try {
    const parsed: unknown = JSON.parse(line);
    return Line.is(parsed) ? [parsed] : [];
  } catch {
    return [];
  }
};
