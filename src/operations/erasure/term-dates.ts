/** By when a key that was destroyed by an event is gone from every copy: its last term, and the dates of its end. */
import type { CertificateDocument } from '../../certificates/document.js';
import { fullyErased } from '../../domain/erasure/fully-erased.js';
import { stateOf, type Term } from '../../domain/erasure/terms.js';
import type { StoredEvent } from '../../ledger/event.js';
import { IntegrityError } from '../../ledger/integrity.js';
import type { Session } from '../../nexus/session.js';
import type { App } from '../app.js';
import { rfc3339 } from '../ledger/head.js';
import { erasurePlan } from '../terms/settings.js';

/** The term that was active when the event was recorded: no key that it destroyed was ever wrapped under a later one. */
const lastTerm = ({ authority }: Session, { recordedAt, position }: StoredEvent): Term => {
  const active = authority.terms.all.findLast(({ activatedAt }) => activatedAt !== null && activatedAt <= recordedAt);
  if (active === undefined) throw new IntegrityError('term', position);
  return active;
};

export const termOf = (app: App, session: Session, event: StoredEvent): CertificateDocument['term'] => {
  const last = lastTerm(session, event);
  const plan = erasurePlan(session.authority, app.nexus.ports.erasureKeys.erases);
  // Every backup up to the destroy may hold the row.
  const { on, by, termEnds, backupsExpire, confirmedAt } = fullyErased(last, event.recordedAt, plan);
  return {
    last: last.term,
    state: stateOf(last),
    erasure: confirmedAt === null ? 'pending' : 'confirmed',
    fully_erased_on: rfc3339(on),
    by,
    term_ends: termEnds === null ? null : rfc3339(termEnds),
    backups_expire: rfc3339(backupsExpire),
    confirmed_at: confirmedAt === null ? null : rfc3339(confirmedAt),
  };
};

/** Copies of the last term's erasure key that were given to somebody, and whether they reported their end. */
export const escrowOf = ({ authority }: Session, term: number): CertificateDocument['escrow'] => {
  const gone = new Map(authority.terms.goneOf(term).map(({ holder, at }) => [holder, rfc3339(at)]));
  return authority.terms.escrowsOf(term).map(({ id, madeAt, recipients }) => ({
    ...{ id, term, made_at: rfc3339(madeAt), recipients: [...recipients] },
    destroyed: gone.get(id) ?? null,
  }));
};
