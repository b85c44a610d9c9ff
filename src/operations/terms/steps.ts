/**
 * The steps of a rotation, each one transaction that lane 1 records: prepared, activated, rewrapped, ended, destroyed. None
 * depends on anything but the ledger, the key rows and the places of erasure keys, so that a rotation goes on after any
 * crash where it was. Throws `Refused`: busy when the key store moved meanwhile.
 */
import { wipe } from '../../crypto/bytes.js';
import { stream } from '../../crypto/names.js';
import { randomBytes, randomUuid7 } from '../../crypto/random.js';
import { erasureCheck } from '../../crypto/term.js';
import type { Term } from '../../domain/erasure/terms.js';
import type { Facts } from '../../domain/facts.js';
import type { Header } from '../../domain/header.js';
import type { Failure } from '../../failure.js';
import { sealEvent } from '../../keys/event-sealer.js';
import { KeyringKind, KeyringState } from '../../keys/key-kinds.js';
import { rowsByTerm } from '../../keys/rewrap.js';
import { draftEpoch } from '../../nexus/epochs.js';
import { type NodeReport, nodeReports, nodesKeeping } from '../../nexus/node-report.js';
import type { Session } from '../../nexus/session.js';
import { refuse } from '../app.js';
import { changeKeystore, type Drafted, type KeystoreActor } from '../custody/keystore-change.js';
import { orRefuse } from '../operation.js';
import { type Copy, copiesOf } from './copies.js';

const DEADLINE_MS = 30_000;
const BUSY: Failure = { kind: 'busy', retryAfterSeconds: 1 };

/** A background job: no actor, and nobody's permission to lose. */
export const systemActor = (session: Session, op: string): KeystoreActor => ({
  entity: null,
  header: {
    ...{ v: 1, at: session.ports.nowMs() * 1000, op, node: session.ports.node },
    actor: { id: null, kind: 'system' },
  },
  allowed: () => true,
  deadlineMs: session.ports.nowMs() + DEADLINE_MS,
  gone: () => false,
});

const saying = (actor: KeystoreActor, own: object): KeystoreActor => ({
  ...actor,
  header: { ...actor.header, ...own },
});

const draft = (session: Session, type: string, actor: KeystoreActor, facts: Facts, own: object = {}): Drafted => {
  const { custody, ports } = session;
  const header: Header = { ...actor.header, ...own };
  const streamId = stream(custody.keyring.indexKey, custody.ledger, 'keystore', '');
  const eventId = randomUuid7(ports.nowMs());
  return { sealed: sealEvent(custody, { eventId, streamId, type, lane: 1, actor: actor.entity, header }), facts };
};

/** Makes the next term's erasure key in this node's place, and its share in the keyring. Nothing lies under it yet. */
export const prepareTerm = async (session: Session, actor: KeystoreActor): Promise<void> => {
  const { custody, authority, ports } = session;
  const term = Math.max(...authority.terms.all.map(each => each.term)) + 1;
  const erasureKey = await ports.erasureKeys.make(custody.ledger, term, ports.nowMs());
  const check = erasureCheck(erasureKey, custody.ledger, term).toString('hex');
  wipe(erasureKey);
  const share = { kind: KeyringKind.share, id: term, createdAt: ports.nowMs() * 1000, state: KeyringState.prepared };
  await changeKeystore(session, actor, {
    change: 'term-prepared',
    keyring: { add: [{ ...share, bytes: randomBytes(32) }] },
    checks: new Map([...(authority.keystore?.checks ?? []), [term, check]]),
    before: [draft(session, 'term.prepared', actor, { term })],
    unless: () => (authority.terms.prepared === null ? null : BUSY),
  });
  await session.followKeys();
};

/** Processes that do not hold the term yet, by what they say; a process that is silent is not waited for. */
export const lackingTerm = (session: Session, term: number, reports: readonly NodeReport[]): readonly NodeReport[] => {
  const check = session.authority.keystore?.checks.get(term);
  return reports.filter(({ live, holds }) => live && holds.get(term) !== check);
};

/** Those that lack it, and then nothing has changed; none, and the term is the active one, with a header epoch of its own. */
export const activateTerm = async (
  session: Session,
  actor: KeystoreActor,
  { term }: Term,
): Promise<readonly NodeReport[]> => {
  const { custody, authority, ports, presence } = session;
  await presence.tell();
  const reports = await nodeReports(ports.runner, session.custody);
  const lacking = lackingTerm(session, term, reports);
  const own = reports.some(({ process, holds }) => process === presence.process && holds.has(term));
  if (lacking.length > 0 || !own) return lacking;
  const share = custody.keyring.entries.find(({ kind, id }) => kind === KeyringKind.share && id === term);
  if (share === undefined) return refuse(BUSY);
  const holders = reports
    .filter(({ live }) => live)
    .map(({ node, process, keeps }) => {
      return { node, process, keeps: keeps.includes(term) };
    });
  const epoch = draftEpoch(session, ports.nowMs());
  try {
    await changeKeystore(session, actor, {
      change: 'term-activated',
      term,
      keyring: { remove: [share], add: [{ ...share, state: KeyringState.active }] },
      keys: { insert: [epoch.key] },
      before: [draft(session, 'term.activated', actor, { term, count: holders.length }, { holders }), epoch],
      unless: () => (authority.terms.prepared?.term === term && authority.epoch < epoch.epoch ? null : BUSY),
    });
  } catch (error) {
    wipe(epoch.headerKey);
    throw error;
  }
  custody.addEpoch(epoch.epoch, epoch.headerKey);
  return [];
};

/** No row lies under the term any more, and none ever will: from its activation on the appender writes under the new one. */
export const recordRewrapped = async (session: Session, { term }: Term): Promise<void> => {
  const actor = saying(systemActor(session, 'keys.rewrap'), { rewrapped: term });
  await changeKeystore(session, actor, {
    change: 'rewrapped',
    unless: () => (session.authority.terms.get(term)?.rewrappedAt === null ? null : BUSY),
  });
};

/**
 * A term that no row lies under, and none ever will, or one that was prepared and never became active: its share leaves the
 * keyring; every node then destroys its copy of the erasure key (`HeldTerms`). Nothing brings either back, so that the rows
 * are counted once more, whatever was recorded of them: a row that was put back meanwhile may be the only one of its key.
 * Answers how many lie there, and then nothing has changed.
 */
export const endTerm = async (session: Session, { term }: Term): Promise<number> => {
  const { authority, ports } = session;
  const left = (await ports.runner.run(rowsByTerm)).find(each => each.term === term)?.rows ?? 0;
  if (left > 0) return left;
  const reports = await nodeReports(ports.runner, session.custody);
  const holders = nodesKeeping(reports, term);
  const checks = new Map(authority.keystore?.checks ?? []);
  const wrapped = await ports.erasureKeys.wrappedAs(session.custody.ledger, term, checks.get(term) ?? '');
  checks.delete(term);
  const own = { ended: term, holders, ...(wrapped === null ? {} : { wrapped }) };
  const actor = saying(systemActor(session, 'keys.end'), own);
  await changeKeystore(session, actor, {
    change: 'term-ended',
    keyring: { remove: [{ kind: KeyringKind.share, id: term }] },
    checks,
    unless: () => (mayEnd(authority.terms.get(term)) ? null : BUSY),
  });
  await session.followKeys();
  return 0;
};

const mayEnd = (term: Term | null): boolean =>
  term !== null && term.endedAt === null && (term.activatedAt === null || term.rewrappedAt !== null);

/**
 * Copies that are still there, and then nothing has changed; none, and `term.destroyed` says where they were. Terms are
 * destroyed in their order: a key that lay under this one may have lain under those before, and a backup may hold it so.
 * Until it is this one's turn nobody is asked.
 */
export const confirmDestroyed = async (session: Session, { term }: Term): Promise<readonly Copy[]> => {
  const { authority, ports } = session;
  const isBefore = (each: Term): boolean => each.term < term && each.activatedAt !== null && each.destroyedAt === null;
  if (authority.terms.all.some(isBefore)) return [];
  const copies = await copiesOf(session, term);
  const left = copies.filter(({ goneAt }) => goneAt === null);
  if (left.length > 0) return left;
  const actor = systemActor(session, 'keys.destroyed');
  const reports = copies.map(({ kind, holder, goneAt }) => ({ kind, holder, gone_at: goneAt }));
  const { sealed, facts } = draft(session, 'term.destroyed', actor, { term, count: reports.length }, { reports });
  const answer = await session.appender.submit({
    streams: [sealed.streamId],
    repeatOf: null,
    alone: true,
    weight: sealed.header.length,
    eventsMax: 1,
    deadlineMs: ports.nowMs() + DEADLINE_MS,
    gone: () => false,
    decide: () =>
      authority.terms.get(term)?.destroyedAt === null
        ? { kind: 'append', events: [{ sealed, facts }], result: () => null }
        : { kind: 'nothing', result: null },
  });
  orRefuse(answer);
  return [];
};
