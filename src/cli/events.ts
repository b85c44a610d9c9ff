/**
 * The audit trail as the server tells it: records in the ledger's order, page after page. A place in it is written
 * `POSITION.INDEX`; what comes after a place is always the same, so a reader can stop and go on there.
 */
import * as t from 'io-ts';
import type { Client } from './client.js';
import { ask, enveloped } from './requests.js';

const Actor = t.intersection([
  t.type({ id: t.string }),
  t.partial({ kind: t.string, name: t.union([t.string, t.null]) }),
]);

const AuditRecord = t.intersection([
  t.type({ position: t.number, type: t.string, recorded_at: t.string }),
  t.partial({
    index: t.number,
    outcome: t.string,
    path: t.union([t.string, t.null]),
    actor: t.union([Actor, t.null]),
    stream_version: t.number,
    version: t.number,
    versions: t.array(t.number),
    reason: t.union([t.string, t.null]),
    ticket: t.union([t.string, t.null]),
  }),
]);
/** One record; fields that are not named here are kept for `--json`. */
export type AuditRecord = t.TypeOf<typeof AuditRecord>;

const Page = enveloped(t.type({ events: t.array(AuditRecord), next: t.union([t.string, t.null]) }));

export interface EventFilter {
  readonly path?: string | undefined;
  readonly actor?: string | undefined;
  readonly type?: string | undefined;
  readonly outcome?: string | undefined;
  readonly from?: string | undefined;
  readonly to?: string | undefined;
}

export interface EventPage {
  readonly events: readonly AuditRecord[];
  /** Where the next page begins; the same place again when nothing came. */
  readonly after: string | undefined;
  /** There is no more for now. */
  readonly end: boolean;
}

const PAGE_SIZE = 500;

export const placeOf = (record: AuditRecord): string => `${record.position}.${record.index ?? 0}`;

export const readPage = async (
  client: Client,
  filter: EventFilter,
  after: string | undefined,
  limit = PAGE_SIZE,
): Promise<EventPage> => {
  const query = { ...filter, after, limit: String(Math.min(limit, PAGE_SIZE)) };
  const { value } = await ask(client, { method: 'GET', path: ['sys', 'ledger', 'events'], query }, Page);
  const { events, next } = value.data;
  const last = events.at(-1);
  return { events, after: next ?? (last === undefined ? after : placeOf(last)), end: next === null };
};

/** Every record that matches, oldest first, up to the end of the ledger as it is when the reader gets there. */
export async function* readEvents(client: Client, filter: EventFilter): AsyncGenerator<AuditRecord> {
  let after: string | undefined;
  for (;;) {
    const page = await readPage(client, filter, after);
    yield* page.events;
    if (page.end) return;
    after = page.after;
  }
}

/** Who did it, in a word: the name where there is one. */
export const actorName = (record: AuditRecord): string => record.actor?.name ?? record.actor?.id ?? 'system';
