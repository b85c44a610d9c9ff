/** Administrators, as the userpass paths of the dialect ask for them: a slot of the root key with a name that logs in. */
import { type App, refuse, sessionOf } from '../app.js';
import { authorise } from '../authorise.js';
import { changeAuthority } from '../authority-change.js';
import { checkPassword } from '../login.js';
import { operation } from '../operation.js';
import type { SysOperations } from '../system/contract.js';
import { ownActor } from './actors.js';
import { grantable, requireRootOverRoot } from './grantable.js';
import { changeKeystore } from './keystore-change.js';
import { passwordSlot } from './new-slots.js';
import { addSlot, removeSlot } from './slots.js';

type Administrators = Pick<SysOperations, 'changePassword' | 'addSlot' | 'setAdministratorPolicies' | 'removeSlot'>;

export const administratorOperations = (app: App): Administrators => ({
  changePassword: operation('changing a password', async (context, { name, oldPassword, newPassword }) => {
    const session = sessionOf(app);
    const old = await checkPassword(app, session, context, name, oldPassword, 'password');
    const entity = old.entity ?? refuse({ kind: 'bad-credentials', message: 'invalid username or password' });
    const { slot } = await passwordSlot(app, session, newPassword);
    return changeKeystore(session, ownActor(app, context, entity, 'operator.password'), {
      change: 'password',
      slots: { add: [{ slot, owner: { name, entity } }], remove: [old.id] },
    });
  }),

  addSlot: operation('adding a slot', (context, { name, password, policies }) =>
    addSlot(app, context, { kind: 'password', name, password, policies }),
  ),

  setAdministratorPolicies: operation(
    'setting the policies of an administrator',
    async (context, { name, policies }) => {
      const session = sessionOf(app);
      const [op, capability] = ['operator.policies', 'sudo'] as const;
      const caller = await authorise(app, session, context, { op, capability });
      const granted = grantable(caller, policies);
      const { entities } = session.authority;
      const slot = session.authority.slotNamed(name) ?? refuse({ kind: 'absent' });
      const entity = entities.get(slot.entity ?? '') ?? refuse({ kind: 'absent' });
      requireRootOverRoot(caller, entity.id, 'changes what a root administrator may do');
      if (entity.policies.join() === granted.join()) return { position: null };
      return changeAuthority(app, caller, context, {
        ...{ op, capability, type: 'entity.changed', streamId: entity.id },
        own: { kind: entity.kind, policies: granted },
        unless: () => (entities.get(entity.id) === entity ? null : { kind: 'busy', retryAfterSeconds: 1 }),
      });
    },
  ),

  removeSlot: operation('removing a slot', (context, { name }) => removeSlot(app, context, name)),
});
