/**
 * Writing and patching a key's settings and custom metadata: one event each, also when the values are the same as before.
 * What is merged is merged with what is there at the head of the ledger, or merged again.
 */
import type { Capability } from '../../authority/permission.js';
import type { Settings } from '../../domain/secret/commands.js';
import { customMetadataComplaint } from '../../domain/secret/custom-metadata.js';
import { VERSIONS_MAX } from '../../domain/secret/decide.js';
import { trustedHead } from '../../domain/secret/head.js';
import { exists } from '../../domain/secret/state.js';
import { KeyKind } from '../../keys/key-kinds.js';
import { readSecret, type SecretRead } from '../../nexus/secret-streams.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authoriseCommand, authoriseFolded } from '../authorise.js';
import { operation } from '../operation.js';
import type { Place, RequestContext } from '../request.js';
import { Turns } from '../turns.js';
import { type CommitResult, commitChange, type Prepared } from './commit.js';
import type { KvOperations, MetadataPatch, MetadataSettings } from './contract.js';
import { mountSettings } from './mount-settings.js';
import { eitherOf, type Located, locate, placed, stillMounted, subjectOf } from './place.js';
import { repeatedEvent } from './repeat.js';
import { type CustomMetadata, openAnnotation, openValue } from './values.js';

const CENTURY_MS = 100 * 366 * 86_400_000;

type Changed = { readonly position: number | null; readonly warnings: readonly string[] };

export const metadataOperations = (app: App): Pick<KvOperations, 'writeMetadata' | 'patchMetadata'> => {
  const turns = new Turns();
  return {
    writeMetadata: operation('writing metadata', (context, input) => {
      const { customMetadata } = input.change;
      return change(app, context, input, {
        ...{ op: 'kv.metadata-write', settings: input.change, annotates: customMetadata !== undefined },
        capability: there => (there ? 'update' : 'create'),
        custom: () => ({ custom: customMetadata ?? null }),
      });
    }),

    patchMetadata: operation('patching metadata', async (context, input) => {
      const session = sessionOf(app);
      const op = 'kv.metadata-patch';
      const asked = { op, capability: 'patch', subject: subjectOf(input) } as const;
      const { path } = await placed(
        app,
        session,
        context,
        () => asked,
        () => locate(session, input),
      );
      // Nobody waits behind those who may not.
      await authoriseCommand(app, session, context, asked);
      return turns.take(path.node, () =>
        change(app, context, input, { op, capability: () => 'patch', ...patched(input.change) }),
      );
    }),
  };
};

const patched = (change: MetadataPatch): Pick<Spec, 'settings' | 'annotates' | 'custom'> => ({
  settings: change,
  annotates: change.customPatch !== undefined,
  custom: (session, now) => {
    if (!exists(now.state)) refuse({ kind: 'absent' });
    const before = openAnnotation(session, now.annotated, now);
    return { custom: mergedWith(before, change.customPatch ?? null), base: now.state.head?.annotated ?? 0 };
  },
});

interface Spec {
  readonly op: string;
  readonly settings: MetadataSettings;
  readonly annotates: boolean;
  readonly capability: (exists: boolean) => Capability;
  /** The custom metadata as they are to be; `base`: the annotation that they were merged with. */
  readonly custom: (session: Session, now: SecretRead) => { readonly custom: CustomMetadata; readonly base?: number };
}

const change = async (app: App, context: RequestContext, place: Place, spec: Spec): Promise<Changed> => {
  const { op, capability, annotates } = spec;
  const settings = settingsOf(spec.settings);
  if (!annotates && Object.keys(settings).length === 0) return nothing(app, context, place, spec);
  const type = annotates ? 'secret.annotated' : 'secret.configured';
  const done = await commitChange(app, context, place, {
    ...{ op, capability, type },
    prepare: async (session, located) => {
      const now = await readSecret(session, located.path.node);
      const there = exists(now.state);
      // That read folded lane 1: what it found is only for who may still ask.
      authoriseFolded(app, session, context, { op, capability: capability(there), subject: subjectOf(place) });
      checkLimits(spec.settings);
      const { custom, base } = spec.custom(session, now);
      return {
        command: {
          ...{ kind: annotates ? ('annotate' as const) : ('configure' as const), settings },
          metadataCas: spec.settings.metadataCas ?? null,
          prepared: { exists: there, ...(base === undefined ? {} : { base }) },
        },
        ...(annotates ? annotation(located, custom) : { own: {} }),
      };
    },
  });
  if (done.committed.kind === 'repeat') await requireSame(done, done.committed.position, type, settings);
  const position = done.committed.kind === 'nothing' ? null : done.committed.position;
  return { position, warnings: warningsOf(done.session, done.located, spec.settings) };
};

/** A repeat must have asked for the same: for the settings that are in the event's head, and for its custom metadata. */
const requireSame = async (
  { session, prepared }: CommitResult,
  position: number,
  type: string,
  settings: Settings,
): Promise<void> => {
  const { event, key } = await repeatedEvent(session, position, type);
  const head: Settings = trustedHead(event.facts);
  const asked = Object.keys(settings) as (keyof Settings)[];
  if (asked.some(name => head[name] !== settings[name])) refuse({ kind: 'idempotency-mismatch' });
  if (prepared.body === undefined) return;
  if (key === null || !openValue(session, event, { keys: [key] }).equals(prepared.body.plaintext))
    refuse({ kind: 'idempotency-mismatch' });
};

/** It changes nothing, and still is nobody's to ask without permission. */
const nothing = async (app: App, context: RequestContext, place: Place, spec: Spec): Promise<Changed> => {
  const session = sessionOf(app);
  const either = () => eitherOf(session, context, spec, place);
  const { mount, path } = await placed(app, session, context, either, () => locate(session, place));
  const { state } = await readSecret(session, path.node);
  authoriseFolded(app, session, context, {
    ...{ op: spec.op, capability: spec.capability(exists(state)), subject: subjectOf(place) },
  });
  stillMounted(session, mount);
  return { position: null, warnings: [] };
};

const annotation = (located: Located, custom: CustomMetadata): Pick<Prepared, 'own' | 'body'> => ({
  own: { entries: Object.keys(custom ?? {}) },
  body: {
    kind: KeyKind.customMetadata,
    owner: located.path.node,
    plaintext: Buffer.from(JSON.stringify(custom ?? {}), 'utf8'),
  },
});

const mergedWith = (before: CustomMetadata, patch: Readonly<Record<string, string | null>> | null): CustomMetadata => {
  if (patch === null) return null;
  const merged = new Map(Object.entries(before ?? {}));
  for (const [key, value] of Object.entries(patch))
    if (value === null) merged.delete(key);
    else merged.set(key, value);
  const complaint = customMetadataComplaint([...merged]);
  if (complaint !== null) refuse({ kind: 'invalid', message: complaint });
  return Object.fromEntries(merged);
};

const warningsOf = (
  session: Session,
  { mount }: Located,
  { casRequired, metadataCasRequired, maxVersions }: MetadataSettings,
): readonly string[] => {
  const mandated = mountSettings(stillMounted(session, mount));
  return [
    ...(casRequired === false && mandated.casRequired ? [ignored('cas_required')] : []),
    ...(metadataCasRequired === false && mandated.metadataCasRequired ? [ignored('metadata_cas_required')] : []),
    ...(maxVersions === undefined ? [] : versionsCut(maxVersions)),
  ];
};

const ignored = (field: string): string =>
  `"${field}" set to false, but is mandated by backend config. This value will be ignored.`;

/** `max_versions` is kept as it was sent, and acts up to a bound. */
export const versionsCut = (maxVersions: number): readonly string[] =>
  maxVersions > VERSIONS_MAX ? [`"max_versions" is over ${VERSIONS_MAX}: ${VERSIONS_MAX} versions are kept.`] : [];

const settingsOf = ({
  maxVersions,
  casRequired,
  deleteVersionAfterMs,
  metadataCasRequired,
}: MetadataSettings): Settings => ({
  ...(maxVersions === undefined ? {} : { maxVersions }),
  ...(casRequired === undefined ? {} : { casRequired }),
  ...(deleteVersionAfterMs === undefined ? {} : { deleteVersionAfter: deleteVersionAfterMs }),
  ...(metadataCasRequired === undefined ? {} : { metadataCasRequired }),
});

/** Of a key's settings and of a mount's. */
export const checkLimits = ({ maxVersions, deleteVersionAfterMs }: MetadataSettings): void => {
  if (maxVersions !== undefined && (!Number.isSafeInteger(maxVersions) || maxVersions < 0))
    refuse({ kind: 'invalid', message: 'max_versions cannot be negative' });
  if (deleteVersionAfterMs !== undefined && deleteVersionAfterMs > CENTURY_MS)
    refuse({ kind: 'invalid', message: 'delete_version_after may be at most 100 years' });
};
