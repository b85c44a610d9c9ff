/**
 * The audit trail: the whole ledger in order, headers opened, values never; refused requests from their blocks among it.
 * Pages are keyset pages, and one answer looks at a bounded number of events: an empty page with `next` means "go on".
 */
import type { Uuid } from '../../crypto/bytes.js';
import { openHeader } from '../../keys/event-sealer.js';
import { IntegrityError } from '../../ledger/integrity.js';
import type { Session } from '../../nexus/session.js';
import { type App, sessionOf } from '../app.js';
import { authorise, authoriseFolded } from '../authorise.js';
import { resolveMoment } from '../kv/as-of.js';
import { operation } from '../operation.js';
import type { ProjectionReads } from '../projection-reads.js';
import { eventsAfter, eventsAt, type Genuine, linesOf } from './audit-reads.js';
import { eventRecord, requestLine, withoutHeader } from './audit-record.js';
import type { AuditRecord, EventsPage, EventsQuery, LedgerOperations } from './contract.js';
import { kvPrefix, matches, normalPrefix } from './events-filter.js';

const LIMIT_MAX = 1000;
/** Events looked at for one answer. */
const LOOKED_AT_MAX = 5000;
const PAGE = 500;
/** Beyond the last line of any block: everything of that position was looked at. */
const LAST_LINE = 999_999;

export const eventsOperation = (app: App, projections: ProjectionReads): LedgerOperations['events'] =>
  operation('reading the audit trail', async (context, asked) => {
    const session = sessionOf(app);
    const about = { op: 'ledger.events', capability: 'read' } as const;
    await authorise(app, session, context, about);
    await session.catchUp();
    await session.entityNames.load();
    // As of the head that bounds the answer: what happened after the permission was taken away is not for this caller.
    authoriseFolded(app, session, context, about);
    const query = {
      ...asked,
      pathPrefix: normalPrefix(session, asked.pathPrefix),
      limit: Math.min(asked.limit, LIMIT_MAX),
    };
    const bounds = await boundsOf(session, query);
    return bounds === null ? { events: [], next: null } : page(session, projections, query, bounds);
  });

interface Bounds {
  readonly after: number;
  readonly upTo: number;
}

/** Null: nothing can lie between. */
const boundsOf = async (session: Session, query: EventsQuery): Promise<Bounds | null> => {
  const head = session.known.head.size;
  // `from` is inclusive: everything recorded strictly before it is left out.
  const before =
    query.from === null
      ? 0
      : 'position' in query.from
        ? query.from.position - 1
        : await endBefore(session, query.from.at);
  const upTo = query.to === null ? head : Math.min(head, await endOf(session, query.to));
  // A position may have more lines than were shown: it is looked at again, and lines up to the index are skipped.
  const again = query.after.position > 0 ? query.after.position - 1 : 0;
  const after = Math.max(before, again);
  return after >= upTo ? null : { after, upTo };
};

const endOf = async (session: Session, moment: NonNullable<EventsQuery['to']>): Promise<number> =>
  'position' in moment ? moment.position : (await resolveMoment(session, moment)).position;

const endBefore = async (session: Session, atUs: number): Promise<number> =>
  atUs <= 1 ? 0 : (await resolveMoment(session, { at: atUs - 1 })).position;

const page = async (
  session: Session,
  projections: ProjectionReads,
  query: EventsQuery,
  { after, upTo }: Bounds,
): Promise<EventsPage> => {
  const records: AuditRecord[] = [];
  let [at, looked] = [after, 0];
  while (at < upTo && looked < LOOKED_AT_MAX) {
    const found = await candidates(session, projections, query, at, upTo);
    for (const genuine of found) {
      for (const record of await recordsOf(session, genuine)) {
        if (isBefore(record, query.after) || !matches(session, record, query)) continue;
        if (records.length === query.limit) return { events: records, next: placeOf(records.at(-1)) };
        records.push(record);
      }
    }
    looked += found.length;
    at = found.length < PAGE ? upTo : (found.at(-1)?.event.position ?? upTo);
  }
  // The next answer begins after everything that was looked at; null = the end of the range for now.
  return { events: records, next: at >= upTo ? null : { position: at, index: LAST_LINE } };
};

const placeOf = (record: AuditRecord | undefined) =>
  record === undefined ? null : { position: record.position, index: record.index };

const isBefore = (record: AuditRecord, after: EventsQuery['after']): boolean =>
  record.position < after.position || (record.position === after.position && record.index <= after.index);

/** Events that may match: by the audit index where a filter is selective, one after another otherwise. */
const candidates = async (
  session: Session,
  projections: ProjectionReads,
  query: EventsQuery,
  after: number,
  upTo: number,
): Promise<readonly Genuine[]> => {
  const underNode = kvPrefix(session, query.pathPrefix);
  const actors = query.actor === null ? null : session.entityNames.find(query.actor);
  const selective = underNode !== null || (actors !== null && actors.length === 1) || query.type !== null;
  if (!selective) return eventsAfter(session, after, upTo, PAGE);
  const search = { after, upTo, limit: PAGE, streams: null, underNode: null, actor: null, type: null };
  const wantsEvents = query.outcome === null || query.outcome === 'ok';
  const positions = wantsEvents
    ? await projections.auditPositions({ ...search, underNode, actor: actors?.[0] ?? null, type: query.type })
    : [];
  const blocks = await projections.auditPositions({ ...search, type: 'requests.recorded' });
  const both = [...new Set([...positions, ...blocks])].sort((a, b) => a - b);
  return eventsAt(session, both.slice(0, PAGE));
};

const recordsOf = async (session: Session, genuine: Genuine): Promise<readonly AuditRecord[]> => {
  const { event, leaf } = genuine;
  const names = (id: Uuid): string | null => session.entityNames.nameOf(id);
  const lines = event.lane === 2 ? await linesOf(session, genuine) : null;
  if (lines !== null) return lines.map((request, index) => requestLine(event, request, index, names));
  const header = openHeader(session.custody, event);
  if (header === null && !session.custody.isRetired(event.epoch)) throw new IntegrityError('header', event.position);
  return [eventRecord(event, header ?? withoutHeader(event), leaf, names)];
};
