/** What a kv mount asks of all its keys: read and changed as `M/config`, recorded as the mount's options. */
import { type App, sessionOf } from '../app.js';
import { authorise } from '../authorise.js';
import { recordTuning } from '../mounts/record-tuning.js';
import { operation } from '../operation.js';
import type { KvOperations } from './contract.js';
import { checkLimits, versionsCut } from './metadata.js';
import { mountSettings, withSettings } from './mount-settings.js';
import { kvMount } from './place.js';

export const configOperations = (app: App): Pick<KvOperations, 'readConfig' | 'writeConfig'> => ({
  readConfig: operation('reading the settings of a mount', async (context, input) => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'kv.config-read', capability: 'read' });
    const { maxVersions, casRequired, metadataCasRequired, deleteVersionAfter } = mountSettings(
      kvMount(session, input.mount),
    );
    return { maxVersions, casRequired, metadataCasRequired, deleteVersionAfterMs: deleteVersionAfter };
  }),

  writeConfig: operation('writing the settings of a mount', async (context, { mount: path, change }) => {
    const session = sessionOf(app);
    const asked = { op: 'kv.config-write', capability: 'update' } as const;
    const caller = await authorise(app, session, context, asked);
    checkLimits(change);
    const mount = kvMount(session, path);
    const before = mountSettings(mount);
    const { maxVersions, casRequired, metadataCasRequired, deleteVersionAfterMs } = change;
    const options = withSettings(mount.options, {
      maxVersions: maxVersions ?? before.maxVersions,
      casRequired: casRequired ?? before.casRequired,
      metadataCasRequired: metadataCasRequired ?? before.metadataCasRequired,
      // Less than nothing switches it off for the whole mount.
      deleteVersionAfter:
        deleteVersionAfterMs === undefined ? before.deleteVersionAfter : Math.max(-1, deleteVersionAfterMs),
    });
    const { description, config } = mount;
    const { position } = await recordTuning(app, caller, context, asked, mount, { description, options, config });
    return { position, warnings: maxVersions === undefined ? [] : versionsCut(maxVersions) };
  }),
});
