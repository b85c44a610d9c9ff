/** What people ask of header epochs: how they stand, how long they are kept, and to retire some. */
import { stream } from '../../crypto/names.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise, authoriseCommand } from '../authorise.js';
import { changeAuthority } from '../authority-change.js';
import { keystoreActor } from '../custody/actors.js';
import { operation } from '../operation.js';
import type { EpochOperations } from './contract.js';
import { contentsOf, retireEpochs } from './retire.js';
import { HEADERS, headerSettings, storedHeaders } from './settings.js';
import { retirable, statusesOf } from './status.js';

const KEEP_MS_MAX = 36_500 * 86_400_000;

export const epochOperations = (app: App): EpochOperations => ({
  list: operation('listing header epochs', async context => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'epochs.list', capability: 'read' });
    await session.catchUp();
    const { authority } = session;
    return { settings: headerSettings(authority), epochs: statusesOf(session), base: authority.base };
  }),

  configure: operation('setting how long headers are kept', async (context, settings) => {
    const session = sessionOf(app);
    const [op, capability] = ['epochs.configure', 'sudo' as const];
    const caller = await authoriseCommand(app, session, context, { op, capability });
    if (settings.keepMs !== null && (settings.keepMs < 0 || settings.keepMs > KEEP_MS_MAX))
      refuse({ kind: 'invalid', message: 'keep must be between 0 and a hundred years' });
    const { keyring, ledger } = session.custody;
    const streamId = stream(keyring.indexKey, ledger, 'config', HEADERS);
    const own = { name: HEADERS, settings: storedHeaders(settings) };
    return changeAuthority(app, caller, context, { op, capability, type: 'config.changed', streamId, own });
  }),

  retire: operation('retiring header epochs', async (context, { epoch, dryRun }) => {
    const session = sessionOf(app);
    const op = 'epochs.retire';
    const caller = await authoriseCommand(app, session, context, { op, capability: 'sudo' });
    await session.catchUp();
    const wanted = epoch === null ? retirable(session) : [one(session, epoch)];
    const contents = await contentsOf(session, wanted);
    const position =
      dryRun || wanted.length === 0
        ? null
        : await retireEpochs(session, keystoreActor(app, caller, context, op), wanted);
    return { contents, position, base: session.authority.base };
  }),
});

const one = (session: ReturnType<typeof sessionOf>, epoch: number): number => {
  const status = statusesOf(session).find(each => each.epoch === epoch);
  if (status === undefined) return refuse({ kind: 'absent' });
  if (status.state === 'retired') refuse({ kind: 'invalid', message: 'that epoch is retired already' });
  if (status.standing !== null) refuse({ kind: 'invalid', message: `epoch ${epoch} stays: ${status.standing}` });
  return epoch;
};
