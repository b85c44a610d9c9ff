/** Legal holds: placed, lifted, listed. Each is an event of lane 1, so every node knows it before it destroys anything. */
import type { Hold } from '../../authority/holds.js';
import { stream } from '../../crypto/names.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise, authoriseCommand } from '../authorise.js';
import { changeAuthority } from '../authority-change.js';
import { rfc3339 } from '../ledger/head.js';
import { operation } from '../operation.js';
import type { ErasureOperations, HoldView } from './contract.js';
import { coveredScope, refuseBadName } from './scope-node.js';

const HOLDS_MAX = 1000;

const streamOf = ({ custody }: Session, name: string) => stream(custody.keyring.indexKey, custody.ledger, 'hold', name);

export const holdOperations = (app: App): Pick<ErasureOperations, 'holds' | 'placeHold' | 'liftHold'> => ({
  holds: operation('listing holds', async context => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'hold.list', capability: 'read' });
    await session.entityNames.load();
    return [...session.authority.holds.values()].map(hold => viewOf(session, hold));
  }),

  placeHold: operation('placing a hold', async (context, { name, ...place }) => {
    const session = sessionOf(app);
    const [op, capability] = ['hold.place', 'update' as const];
    const caller = await authoriseCommand(app, session, context, { op, capability });
    refuseBadName(name);
    if (context.reason === null)
      refuse({ kind: 'invalid', message: 'say why in the header X-Tallystick-Reason: a hold keeps its reason' });
    const { mount, scope } = await coveredScope(session, place);
    const { holds } = session.authority;
    return changeAuthority(app, caller, context, {
      ...{ op, capability, type: 'hold.placed', streamId: streamOf(session, name), own: { hold: { name, ...scope } } },
      mount,
      unless: () => {
        const before = holds.get(name);
        if (before?.node === scope.node) return 'nothing';
        if (before !== null)
          return { kind: 'invalid', message: 'a hold of that name covers something else: take another name' };
        if ([...holds.values()].length < HOLDS_MAX) return null;
        return { kind: 'invalid', message: `at most ${HOLDS_MAX} holds may stand: hold a folder above instead` };
      },
    });
  }),

  liftHold: operation('lifting a hold', async (context, { name }) => {
    const session = sessionOf(app);
    const [op, capability] = ['hold.lift', 'delete' as const];
    const caller = await authoriseCommand(app, session, context, { op, capability });
    await session.reader.refresh();
    const { holds } = session.authority;
    const hold = holds.get(name) ?? refuse({ kind: 'absent' });
    return changeAuthority(app, caller, context, {
      ...{ op, capability, type: 'hold.lifted', streamId: streamOf(session, name) },
      own: { hold: { name, path: hold.path } },
      unless: () => {
        const now = holds.get(name);
        if (now === null) return 'nothing';
        // Lifted by somebody else, and placed again: on something else, it may be.
        return now.position === hold.position ? null : { kind: 'busy', retryAfterSeconds: 1 };
      },
    });
  }),
});

const viewOf = (session: Session, { name, path, reason, position, placedAt, actor }: Hold): HoldView => ({
  ...{ name, path, reason, position, placed_at: rfc3339(placedAt) },
  placed_by: { id: actor, name: actor === null ? null : session.entityNames.nameOf(actor) },
});
