/** Writing a key's settings and custom metadata: one event, also when the values are the same as before. */
import { KeyKind } from '../../keys/key-kinds.js';
import { type App, refuse } from '../app.js';
import type { KvOperations, MetadataChange } from '../contract.js';
import { operation } from '../operation.js';
import { commitChange } from './commit.js';
import { mountSettings } from './mount-settings.js';
import { kvMount } from './place.js';

const CENTURY_MS = 100 * 366 * 86_400_000;

export const metadataOperation = (app: App): KvOperations['writeMetadata'] =>
  operation('writing metadata', async (context, input) => {
    const { change } = input;
    checkLimits(change);
    const { customMetadata } = change;
    const annotates = customMetadata !== undefined;
    const settings = settingsOf(change);
    if (!annotates && Object.keys(settings).length === 0) return { position: null, warnings: [] };
    const done = await commitChange(app, context, input, {
      op: 'kv.metadata-write',
      type: annotates ? 'secret.annotated' : 'secret.configured',
      capability: exists => (exists ? 'update' : 'create'),
      prepare: (_session, located) => ({
        command: { kind: annotates ? 'annotate' : 'configure', settings, metadataCas: change.metadataCas ?? null },
        own: annotates ? { entries: Object.keys(customMetadata ?? {}) } : {},
        ...(annotates
          ? {
              body: {
                kind: KeyKind.customMetadata,
                owner: located.path.node,
                plaintext: Buffer.from(JSON.stringify(customMetadata ?? {}), 'utf8'),
              },
            }
          : {}),
      }),
    });
    const mandated = mountSettings(kvMount(done.session, input.mount));
    const warnings = [
      ...(change.casRequired === false && mandated.casRequired ? [ignored('cas_required')] : []),
      ...(change.metadataCasRequired === false && mandated.metadataCasRequired
        ? [ignored('metadata_cas_required')]
        : []),
    ];
    return { position: done.committed.kind === 'nothing' ? null : done.committed.position, warnings };
  });

const ignored = (field: string): string =>
  `"${field}" set to false, but is mandated by backend config. This value will be ignored.`;

const settingsOf = ({ maxVersions, casRequired, deleteVersionAfterMs, metadataCasRequired }: MetadataChange) => ({
  ...(maxVersions === undefined ? {} : { maxVersions }),
  ...(casRequired === undefined ? {} : { casRequired }),
  ...(deleteVersionAfterMs === undefined ? {} : { deleteVersionAfter: deleteVersionAfterMs }),
  ...(metadataCasRequired === undefined ? {} : { metadataCasRequired }),
});

const checkLimits = ({ maxVersions, deleteVersionAfterMs }: MetadataChange): void => {
  if (maxVersions !== undefined && (!Number.isSafeInteger(maxVersions) || maxVersions < 0))
    refuse({ kind: 'invalid', message: 'max_versions cannot be negative' });
  if (deleteVersionAfterMs !== undefined && deleteVersionAfterMs > CENTURY_MS)
    refuse({ kind: 'invalid', message: 'delete_version_after may be at most 100 years' });
};
