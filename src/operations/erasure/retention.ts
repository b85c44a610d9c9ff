/** Retention rules: what has to be so old before it can be destroyed. Configuration items of the ledger. */
import { retentionItem } from '../../authority/retention.js';
import { stream } from '../../crypto/names.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise, authoriseCommand } from '../authorise.js';
import { changeAuthority } from '../authority-change.js';
import { operation } from '../operation.js';
import type { ErasureOperations } from './contract.js';
import { coveredScope, refuseBadName } from './scope-node.js';

const RULES_MAX = 1000;
/** A hundred years: what is longer is a mistake. */
const SECONDS_MAX = 100 * 366 * 86_400;

const streamOf = ({ custody }: Session, name: string) =>
  stream(custody.keyring.indexKey, custody.ledger, 'config', retentionItem(name));

type RetentionOperations = Pick<ErasureOperations, 'retention' | 'setRetention' | 'removeRetention'>;

export const retentionOperations = (app: App): RetentionOperations => ({
  retention: operation('listing retention rules', async context => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'retention.list', capability: 'read' });
    return [...session.authority.retention.values()].map(({ name, path, minimumAge, position }) => ({
      ...{ name, path, minimum_age_seconds: minimumAge, position },
    }));
  }),

  setRetention: operation('setting a retention rule', async (context, { name, minimumAgeSeconds, ...place }) => {
    const session = sessionOf(app);
    const [op, capability] = ['retention.set', 'update' as const];
    const caller = await authoriseCommand(app, session, context, { op, capability });
    refuseBadName(name);
    if (!Number.isSafeInteger(minimumAgeSeconds) || minimumAgeSeconds < 1 || minimumAgeSeconds > SECONDS_MAX)
      refuse({ kind: 'invalid', message: 'minimum_age must be between one second and a hundred years' });
    const { mount, scope } = await coveredScope(session, place);
    const { retention } = session.authority;
    return changeAuthority(app, caller, context, {
      ...{ op, capability, type: 'config.changed', streamId: streamOf(session, name) },
      own: { name: retentionItem(name), settings: { ...scope, minimum_age: minimumAgeSeconds } },
      mount,
      unless: () => {
        const before = retention.get(name);
        if (before?.node === scope.node && before.minimumAge === minimumAgeSeconds) return 'nothing';
        if (before !== null || [...retention.values()].length < RULES_MAX) return null;
        return { kind: 'invalid', message: `there may be at most ${RULES_MAX} retention rules` };
      },
    });
  }),

  removeRetention: operation('removing a retention rule', async (context, { name }) => {
    const session = sessionOf(app);
    const [op, capability] = ['retention.remove', 'delete' as const];
    const caller = await authoriseCommand(app, session, context, { op, capability });
    await session.reader.refresh();
    const { retention } = session.authority;
    if (retention.get(name) === null) refuse({ kind: 'absent' });
    return changeAuthority(app, caller, context, {
      ...{ op, capability, type: 'config.changed', streamId: streamOf(session, name) },
      own: { name: retentionItem(name), settings: null },
      unless: () => (retention.get(name) === null ? 'nothing' : null),
    });
  }),
});
