/**
 * The certificate of an erasure: issued when it is asked for, from authenticated events, so that it says what is known by
 * then — not yet, on a date; or confirmed, once the end of the term is recorded. Asking changes nothing.
 */
import * as t from 'io-ts';
import { type Certificate, type CertificateDocument, type Destroyed, FORMAT } from '../../certificates/document.js';
import { certificateText } from '../../certificates/text.js';
import type { Header } from '../../domain/header.js';
import { openHeader } from '../../keys/event-sealer.js';
import { keyRowsById } from '../../keys/store.js';
import type { StoredEvent } from '../../ledger/event.js';
import { IntegrityError } from '../../ledger/integrity.js';
import { noteSigner } from '../../nexus/note-signer.js';
import type { Session } from '../../nexus/session.js';
import { type StreamKey, streamKeys } from '../../nexus/stream-keys.js';
import { uuidArray } from '../../postgres/arrays.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise } from '../authorise.js';
import { rfc3339 } from '../ledger/head.js';
import { operation } from '../operation.js';
import type { ErasureOperations } from './contract.js';
import { livingCopies } from './living-copies.js';
import { batchOf, type ProvenBatch } from './proofs.js';
import { escrowOf, termOf } from './term-dates.js';

const RequestHeader = t.partial({ scope: t.string, basis: t.string, kept: t.number });

export const certificateOperation = (app: App): ErasureOperations['certificate'] =>
  operation('issuing a certificate', async (context, { position }): Promise<Certificate> => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'erasure.certificate', capability: 'read' });
    await session.catchUp();
    const batch = await batchOf(session, position);
    const at = batch?.events.find(({ event }) => event.position === position)?.event;
    if (batch === null || at === undefined || (at.type !== 'erasure.requested' && at.type !== 'secret.destroyed'))
      return refuse({ kind: 'absent' });
    const event = requestOf(batch, at);
    await session.entityNames.load();
    const signer = noteSigner(session.custody);
    const document = await documentOf(app, session, batch, event, signer.publicKey);
    return {
      document,
      note: signer.sign(certificateText(document)),
      checkpoint: signer.checkpoint(batch.head),
    };
  });

/** A destroy that an erasure brought about is certified with the whole of it. */
const requestOf = ({ events }: ProvenBatch, event: StoredEvent): StoredEvent =>
  events.find(other => other.event.type === 'erasure.requested' && other.event.streamId === event.facts.batch)?.event ??
  event;

const documentOf = async (
  app: App,
  session: Session,
  batch: ProvenBatch,
  event: StoredEvent,
  checkpointKey: string,
): Promise<CertificateDocument> => {
  const isRequest = event.type === 'erasure.requested';
  const destroys = isRequest
    ? batch.events
        .map(each => each.event)
        .filter(({ type, facts }) => type === 'secret.destroyed' && facts.batch === event.streamId)
    : [event];
  const keysOf = new Map<StoredEvent, readonly StreamKey[]>();
  for (const each of destroys) {
    const keys = await streamKeys(session, each.streamId, each.streamVersion);
    keysOf.set(
      each,
      keys.filter(({ destroyedBy }) => destroyedBy === each.streamVersion),
    );
  }
  const all = [...keysOf.values()].flat();
  const header = headerOf(session, event);
  const own: t.TypeOf<typeof RequestHeader> = RequestHeader.is(header) ? header : {};
  const term = termOf(app, session, event);
  const oldest = all.reduce((first, { position }) => Math.min(first, position), event.position);
  return {
    format: FORMAT,
    ledger: session.custody.ledgerId,
    checkpoint_key: checkpointKey,
    issued_at: rfc3339(app.nowMs() * 1000),
    request: {
      event: isRequest ? batch.prove(event) : null,
      position: event.position,
      recorded_at: rfc3339(event.recordedAt),
      scope: own.scope ?? header.path ?? '',
      basis: own.basis ?? null,
      reason: header.reason ?? null,
      ticket: header.ticket ?? null,
      actor: { id: event.actor, name: event.actor === null ? null : session.entityNames.nameOf(event.actor) },
      kept: own.kept ?? 0,
    },
    destroyed: destroys.map(each => destroyedOf(session, batch, each, keysOf.get(each) ?? [])),
    key_rows_found: (await session.ports.runner.run(keyRowsById, [uuidArray(all.map(({ keyId }) => keyId))])).length,
    term,
    escrow: escrowOf(session, term.last),
    living_copies: await livingCopies(
      session,
      all.filter(({ type }) => type === 'secret.written').map(({ eventId }) => eventId),
      oldest,
    ),
    readers: { recorded: false, note: 'not known: this ledger does not record reads that succeed' },
  };
};

const headerOf = (session: Session, event: StoredEvent): Header =>
  openHeader(session.custody, event) ??
  refuse(
    session.custody.isRetired(event.epoch)
      ? { kind: 'erased', message: 'the header of this erasure is retired: what it was of can no longer be certified' }
      : { kind: 'integrity', what: 'header', position: event.position },
  );

const destroyedOf = (
  session: Session,
  batch: ProvenBatch,
  event: StoredEvent,
  keys: readonly StreamKey[],
): Destroyed => {
  const { path } = headerOf(session, event);
  if (path === undefined) throw new IntegrityError('header', event.position);
  return {
    path,
    event: batch.prove(event),
    keys: keys.map(({ keyId, type, position, streamVersion, recordedAt }) => ({
      key_id: keyId,
      of: type === 'secret.annotated' ? 'custom metadata' : 'value',
      ...{ position, stream_version: streamVersion, written_at: rfc3339(recordedAt) },
    })),
  };
};
