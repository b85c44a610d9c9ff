/** A mount goes to another path with everything in it: keys are made from its id, so nothing but the path changes. */
import type { Move } from '../../authority/mounts.js';
import type { Failure } from '../../failure.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise, authoriseCommand } from '../authorise.js';
import { changeAuthority } from '../authority-change.js';
import { operation } from '../operation.js';
import type { MountMove, MoveOperations } from './contract.js';
import * as rules from './rules.js';

const invalid = (message: string): Failure => ({ kind: 'invalid', message });

const pathOf = (text: string): string => text.replace(/^\/+|\/+$/g, '');

const FIXED = /^(?:sys|cubbyhole|identity|auth\/token)(?:\/|$)/;

export const moveOperations = (app: App): MoveOperations => ({
  move: operation('moving a mount', async (context, input) => {
    const session = sessionOf(app);
    const [op, capability] = ['mount.move', 'update' as const];
    const caller = await authoriseCommand(app, session, context, { op, capability });
    const [from, to] = [pathOf(input.from), pathOf(input.to)];
    await session.reader.refresh();
    if (from === '' || to === '') refuse(invalid("both 'from' and 'to' path must be specified as a string"));
    for (const path of [from, to]) if (FIXED.test(path)) refuse(invalid(`cannot remount "${path}/"`));
    if (rules.isAuth(from) !== rules.isAuth(to))
      refuse(invalid('a secrets engine stays one, and so does an auth method: "auth/" begins both paths or neither'));
    const { mounts } = session.authority;
    const before = mounts.at(from) ?? refuse(invalid(`no matching mount at "${from}/"`));
    const complaint = (): string | null => {
      const said = rules.pathComplaint(
        to,
        mounts.all.map(({ path }) => path.slice(0, -1)),
      );
      return said?.startsWith('path is already in use') ? `path already in use at "${to}/"` : said;
    };
    const first = complaint();
    if (first !== null) refuse(invalid(first));
    const { position } = await changeAuthority(app, caller, context, {
      ...{ op, capability, type: 'mount.moved', streamId: before.id, own: { mount: { path: `${to}/` } } },
      unless: () => {
        if (mounts.byId(before.id) !== before) return { kind: 'busy', retryAfterSeconds: 1 };
        const late = complaint();
        return late === null ? null : invalid(late);
      },
    });
    const move = mounts.moves.find(each => each.position === position);
    if (position === null || move === undefined) throw new Error('a move that was appended is not in authority');
    return { ...shown(move), position };
  }),

  moved: operation('asking for a move', async (context, { id }) => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'mount.moved', capability: 'read' });
    const move = session.authority.mounts.moves.find(each => each.id === id);
    return move === undefined ? refuse({ kind: 'absent' }) : shown(move);
  }),
});

const shown = ({ id, from, to }: Move): MountMove => ({ id, from: from.slice(0, -1), to: to.slice(0, -1) });
