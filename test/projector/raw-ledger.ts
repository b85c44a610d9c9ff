/** Events as projections see them, without keys: secrets that come, go and come again in a small tree of names. */
import type pg from 'pg';
import { uuidText } from '../../src/crypto/bytes.js';
import { encodeNames, type NameEntry } from '../../src/crypto/names.js';
import { byteaArray, int4Array, jsonbArray, uuidArray } from '../../src/postgres/arrays.js';
import type { TestDatabase } from '../support/database.js';

export const MOUNT = '99999999-9999-4999-8999-999999999999';

export const nodeOf = (path: string): string => {
  const bytes = Buffer.alloc(16, 1);
  bytes.write(path, 'utf8');
  return uuidText(bytes);
};

const namesOf = (path: string): readonly NameEntry[] => {
  const segments = path.split('/');
  return segments.map((segment, i) => ({
    node: nodeOf(segments.slice(0, i + 1).join('/')),
    parent: i === 0 ? MOUNT : nodeOf(segments.slice(0, i).join('/')),
    box: Buffer.from(segment, 'utf8'),
  }));
};

interface Stream {
  version: number;
  generation: number;
  removed: boolean;
}

export class RawLedger {
  size = 0;
  readonly #streams = new Map<string, Stream>();

  private constructor(readonly client: pg.Client) {}

  static async in(db: TestDatabase): Promise<RawLedger> {
    const ledger = new RawLedger(await db.client());
    await ledger.#batch(null);
    return ledger;
  }

  /** Living, by path. */
  get living(): readonly string[] {
    return [...this.#streams].filter(([, { removed }]) => !removed).map(([path]) => path);
  }

  /** One batch: each path is written, or with a minus before it removed; of one that is `nameless` nobody can say what it is. */
  async append(changes: readonly string[], nameless = ''): Promise<void> {
    // Nothing removes what never was; a destroy in a stream that is removed leaves it so.
    const events = changes.flatMap(change => {
      const removed = change.startsWith('-');
      const path = removed ? change.slice(1) : change;
      const before = this.#streams.get(path) ?? { version: 0, generation: 0, removed: true };
      if (removed && before.version === 0) return [];
      const generation = before.removed && !removed ? before.generation + 1 : before.generation;
      const now = { version: before.version + 1, generation, removed };
      this.#streams.set(path, now);
      const names = before.version === 0 && path !== nameless ? encodeNames(namesOf(path)) : null;
      const facts = { generation: now.generation, ...(removed ? { removed } : { version: now.version }) };
      return [{ stream: nodeOf(path), version: now.version, facts, names }];
    });
    if (events.length === 0) return;
    await this.client.query(
      `insert into events (position, event_id, stream_id, stream_version, type, lane, recorded_at, epoch, day, facts, header,
                           names, body_kind, body_len, row_mac)
       select $1::bigint + n, gen_random_uuid(), stream_id, stream_version, 'secret.written', 0, now(), 1, 1, facts, '', names, 0, 0,
              decode(repeat('00', 32), 'hex')
         from unnest($2::uuid[], $3::integer[], $4::jsonb[], $5::bytea[])
              with ordinality as u (stream_id, stream_version, facts, names, n)`,
      [
        this.size,
        uuidArray(events.map(({ stream }) => stream)),
        int4Array(events.map(({ version }) => version)),
        jsonbArray(events.map(({ facts }) => facts)),
        byteaArray(events.map(({ names }) => names)),
      ],
    );
    const before = this.size;
    this.size += events.length;
    await this.#batch(before);
  }

  async #batch(before: number | null): Promise<void> {
    await this.client.query(
      `insert into batches (size, prev_size, root, frontier, last_at, authority_count, authority_chain, keyring_generation, epoch,
                            head_mac)
       select $1, $2, zeros, '', now(), 0, zeros, 1, 1, zeros from decode(repeat('00', 32), 'hex') as zeros`,
      [this.size, before],
    );
  }
}
