/** Reading a secret's value and metadata, now or as of then. Reads append nothing. */

import type { Uuid } from '../../crypto/bytes.js';
import { jsonTree } from '../../domain/json/members.js';
import { subkeys } from '../../domain/json/subkeys.js';
import type { LiveVersion, SecretState } from '../../domain/secret/state.js';
import type { StoredEvent } from '../../ledger/event.js';
import { IntegrityError } from '../../ledger/integrity.js';
import type { EventWithKey } from '../../ledger/stream-reads.js';
import { readBodies, wasDestroyed } from '../../ledger/stream-reads.js';
import { readSecret, rememberLive, type SecretRead, withLive } from '../../nexus/secret-streams.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authoriseFolded } from '../authorise.js';
import { operation } from '../operation.js';
import type { At, Moment, Place, RequestContext } from '../request.js';
import { resolveMoment, stateThen, type Then } from './as-of.js';
import type { KvOperations, SecretMetadata, SecretValue } from './contract.js';
import { locate, placed, stillMounted, subjectOf } from './place.js';
import {
  type CustomMetadata,
  currentVersion,
  isGone,
  openAnnotation,
  openValue,
  type ValueKeys,
  versionMetadata,
} from './values.js';

export const readOperations = (app: App): Pick<KvOperations, 'read' | 'subkeys' | 'readMetadata'> => ({
  read: operation('reading a secret', (context, input) => readValue(app, context, input, 'kv.read')),

  subkeys: operation('reading the names in a secret', async (context, input) => {
    const { position, value } = await readValue(app, context, input, 'kv.subkeys');
    return { position, value: { ...value, data: subkeys(jsonTree(value.data), input.depth) } };
  }),

  readMetadata: operation('reading metadata', async (context, input) => {
    const { session, path, now } = await readable(app, context, input, 'kv.metadata-read');
    const then = input.moment === null ? null : await resolveMoment(session, input.moment);
    const position = then?.position ?? now.position;
    return { position, value: await metadataAt(session, path.node, now, then) };
  }),
});

/** A secret as it is now, for whoever may read it. */
const readable = async (
  app: App,
  context: RequestContext,
  input: Place,
  op: 'kv.read' | 'kv.subkeys' | 'kv.metadata-read',
): Promise<{
  readonly session: Session;
  readonly path: ReturnType<typeof locate>['path'];
  readonly now: SecretRead;
}> => {
  const session = sessionOf(app);
  const asked = { op, capability: 'read', subject: subjectOf(input) } as const;
  const { mount, path } = await placed(
    app,
    session,
    context,
    () => asked,
    () => locate(session, input),
  );
  const now = await readSecret(session, path.node);
  authoriseFolded(app, session, context, asked);
  stillMounted(session, mount);
  return { session, path, now };
};

/** Also for subkeys, which is a permission of its own on a path of its own. */
const readValue = async (
  app: App,
  context: RequestContext,
  input: Place & { readonly version: number | null; readonly moment: Moment | null },
  op: 'kv.read' | 'kv.subkeys',
): Promise<At<SecretValue>> => {
  const { session, path, now } = await readable(app, context, input, op);
  if (now.newest !== null) session.names.markNamed(path);
  if (input.moment !== null)
    return readThen(session, path.node, now, await resolveMoment(session, input.moment), input.version);
  return readNow(app, session, path.node, now, input.version);
};

/** A key's metadata, now or as of then. */
export const metadataAt = async (
  session: Session,
  node: Uuid,
  now: SecretRead,
  then: Then | null,
): Promise<SecretMetadata> => {
  const known = then === null ? now.state : await stateThen(session, node, then);
  const state = await withLive(session, known, node);
  if (then !== null) return metadataOf(state, await annotationThen(session, node, now, state));
  rememberLive(session, node, state);
  return metadataOf(state, openAnnotation(session, now.annotated, now));
};

/** The number that a query asks for: absent, 0 and negative mean the current version. */
const wanted = (state: SecretState, version: number | null): number => {
  const head = state.head;
  if (head === null || head.removed) return refuse({ kind: 'absent' });
  const asked = version === null || version <= 0 ? head.version : version;
  return asked === 0 || asked > head.version ? refuse({ kind: 'absent' }) : asked;
};

const readNow = async (
  app: App,
  session: Session,
  node: Uuid,
  now: SecretRead,
  asked: number | null,
): Promise<At<SecretValue>> => {
  const version = wanted(now.state, asked);
  const nowUs = Math.max(app.nowMs() * 1000, now.newest?.recordedAt ?? 0);
  const { position } = now;
  const custom = (): CustomMetadata => openAnnotation(session, now.annotated, now);
  const current = currentVersion(now);
  if (current?.version === version && now.written !== null) {
    return { position, value: openedValue(session, current, nowUs, custom(), now.written, now) };
  }
  const state = await withLive(session, now.state, node);
  rememberLive(session, node, state);
  const older = liveVersion(state, version);
  const annotation = custom();
  if (isGone(older, nowUs)) refuse({ kind: 'version-gone', metadata: versionMetadata(older, annotation) });
  const [found] = await readBodies(session.ports.runner, session.custody, node, [older.streamVersion]);
  return { position, value: openedValue(session, older, nowUs, annotation, found?.event, keysOf(found)) };
};

const readThen = async (
  session: Session,
  node: Uuid,
  now: SecretRead,
  then: Then,
  asked: number | null,
): Promise<At<SecretValue>> => {
  const state = await stateThen(session, node, then);
  const version = wanted(state, asked);
  const head = state.head;
  const past =
    head !== null && version === head.version
      ? { version, streamVersion: head.written, created: 0, deletionTime: head.deletionTime, destroyed: head.destroyed }
      : liveVersion(await withLive(session, state, node), version);
  const custom = await annotationThen(session, node, now, state);
  const [found] = await readBodies(session.ports.runner, session.custody, node, [past.streamVersion]);
  const written = { ...past, created: found?.event.recordedAt ?? past.created };
  if (isGone(written, then.nowUs)) refuse({ kind: 'version-gone', metadata: versionMetadata(written, custom) });
  // It was live then; whether it may still be opened is for the ledger of today to say.
  if (await destroyedSince(session, node, now, past.streamVersion))
    refuse({ kind: 'version-gone', metadata: { ...versionMetadata(written, custom), destroyed: true } });
  const value = openedValue(session, written, then.nowUs, custom, found?.event, keysOf(found));
  return { position: then.position, value };
};

const destroyedSince = (session: Session, node: Uuid, now: SecretRead, streamVersion: number): Promise<boolean> =>
  wasDestroyed(session.ports.runner, session.custody, node, now.state.head?.lastDestroyed ?? 0, streamVersion);

const liveVersion = (state: SecretState, version: number): LiveVersion =>
  state.live?.find(live => live.version === version) ?? refuse({ kind: 'absent' });

const keysOf = (found: EventWithKey | undefined): ValueKeys => ({ keys: found?.key ? [found.key] : [] });

const openedValue = (
  session: Session,
  version: LiveVersion,
  nowUs: number,
  custom: CustomMetadata,
  event: StoredEvent | undefined,
  keys: ValueKeys,
): SecretValue => {
  const metadata = versionMetadata(version, custom);
  if (isGone(version, nowUs)) refuse({ kind: 'version-gone', metadata });
  if (event?.type !== 'secret.written') throw new IntegrityError('event that a head names', event?.position ?? null);
  return { data: openValue(session, event, keys).toString('utf8'), metadata };
};

/** Custom metadata as of then; null when it has been destroyed since. */
const annotationThen = async (
  session: Session,
  node: Uuid,
  now: SecretRead,
  state: SecretState,
): Promise<CustomMetadata> => {
  const annotated = state.head?.annotated ?? 0;
  if (annotated === 0 || (await destroyedSince(session, node, now, annotated))) return null;
  const [found] = await readBodies(session.ports.runner, session.custody, node, [annotated]);
  if (found === undefined) throw new IntegrityError('event that a head names');
  return openAnnotation(session, found.event, keysOf(found));
};

const metadataOf = (state: SecretState, custom: CustomMetadata): SecretMetadata => {
  const head = state.head;
  if (head === null || head.removed) return refuse({ kind: 'absent' });
  return {
    versions: (state.live ?? []).map(version => versionMetadata(version, custom)),
    currentVersion: head.version,
    oldestVersion: head.oldest,
    createdAt: head.created,
    updatedAt: head.updated,
    maxVersions: head.maxVersions,
    casRequired: head.casRequired,
    deleteVersionAfterMs: head.deleteVersionAfter,
    metadataCasRequired: head.metadataCasRequired,
    metadataVersion: head.metadataVersion,
    customMetadata: custom,
  };
};
