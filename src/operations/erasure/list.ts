/** Erasures and single destroys, oldest first, each with what is known of its end by now. */
import type { Uuid } from '../../crypto/bytes.js';
import { openHeader } from '../../keys/event-sealer.js';
import type { StoredEvent } from '../../ledger/event.js';
import { IntegrityError } from '../../ledger/integrity.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise } from '../authorise.js';
import { eventsAt } from '../ledger/audit-reads.js';
import { rfc3339 } from '../ledger/head.js';
import { operation } from '../operation.js';
import type { ProjectionReads } from '../projection-reads.js';
import type { ErasureOperations, ErasureView } from './contract.js';
import { termOf } from './term-dates.js';

const LIMIT_MAX = 1000;
const PAGE = 500;
/** Of a folder's erasure each secret's destroy is looked at: after so many, the rest is another page. */
const LOOKED_AT_MAX = 20_000;

export const listErasuresOperation = (app: App, projections: ProjectionReads): ErasureOperations['list'] =>
  operation('listing erasures', async (context, { after, limit }) => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'erasure.list', capability: 'read' });
    if (limit < 1 || limit > LIMIT_MAX)
      refuse({ kind: 'invalid', message: `limit must be between 1 and ${LIMIT_MAX}` });
    await session.catchUp();
    await session.entityNames.load();
    const upTo = session.known.head.size;
    const erasures: ErasureView[] = [];
    let [at, looked] = [after, 0];
    while (at < upTo && erasures.length < limit && looked < LOOKED_AT_MAX) {
      const found = await eventsAt(session, await candidates(projections, at, upTo));
      for (const { event } of found) {
        if (erasures.length === limit) break;
        at = event.position;
        const view = viewOf(app, session, event);
        if (isTold(event, view)) erasures.push(view);
      }
      looked += found.length;
      if (found.length === 0) at = upTo;
    }
    return { erasures, next: at < upTo ? at : null };
  });

/** A destroy that an erasure brought about is told with it; cubbyholes destroy by themselves with every overwrite. */
const isTold = ({ type, facts }: StoredEvent, { scope }: ErasureView): boolean =>
  type === 'erasure.requested' || (facts.batch === undefined && !scope.startsWith('cubbyhole/'));

/** The next ones by the audit index; none at the end. */
const candidates = async (projections: ProjectionReads, after: number, upTo: number): Promise<readonly number[]> => {
  const search = { after, upTo, limit: PAGE, actor: null, underNode: null, streams: null };
  const found = [
    ...(await projections.auditPositions({ ...search, type: 'erasure.requested' })),
    ...(await projections.auditPositions({ ...search, type: 'secret.destroyed' })),
  ];
  return found.sort((a, b) => a - b).slice(0, PAGE);
};

const RETIRED = { path: '(header retired)', basis: null };

const viewOf = (app: App, session: Session, event: StoredEvent): ErasureView => {
  const header = openHeader(session.custody, event) ?? (session.custody.isRetired(event.epoch) ? RETIRED : null);
  if (header === null) throw new IntegrityError('header', event.position);
  const term = termOf(app, session, event);
  const nameOf = (id: Uuid | null): string | null => (id === null ? null : session.entityNames.nameOf(id));
  const { keys, writes } = event.facts;
  return {
    position: event.position,
    recorded_at: rfc3339(event.recordedAt),
    scope: header.path ?? '',
    basis: typeof header.basis === 'string' ? header.basis : null,
    actor: { id: event.actor, name: nameOf(event.actor) },
    keys: typeof keys === 'number' ? keys : Array.isArray(writes) ? writes.length : 0,
    state: term.erasure,
    fully_erased_on: term.fully_erased_on,
    confirmed_at: term.confirmed_at,
  };
};
