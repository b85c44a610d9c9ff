/** Changing who opens the ledger: a slot's password, a slot more, a slot less, and what its holder may do. */
import type { Rule } from '../../authority/permission.js';
import type { Uuid } from '../../crypto/bytes.js';
import { randomUuid4, randomUuid7 } from '../../crypto/random.js';
import { sealEvent } from '../../keys/event-sealer.js';
import { KeyKind } from '../../keys/key-kinds.js';
import { type NewSlot, newPasswordSlot, passwordComplaint } from '../../keys/slots.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise, authoriseCommand, type Caller, circumstances, headerOf, stillAllowed } from '../authorise.js';
import { changeAuthority } from '../authority-change.js';
import type { RequestContext, SysOperations } from '../contract.js';
import { checkPassword } from '../login.js';
import { operation } from '../operation.js';
import { normalPolicies } from '../tokens/new-token.js';
import { changeKeystore, type KeystoreActor } from './keystore-change.js';

type Slots = Pick<SysOperations, 'changePassword' | 'addSlot' | 'setAdministratorPolicies' | 'removeSlot'>;

export const slotOperations = (app: App): Slots => ({
  changePassword: operation('changing a password', async (context, { name, oldPassword, newPassword }) => {
    const session = sessionOf(app);
    acceptable(newPassword);
    const old = await checkPassword(app, session, context, name, oldPassword, 'password');
    const entity = old.entity ?? refuse({ kind: 'bad-credentials', message: 'invalid username or password' });
    const slot = await newSlot(app, session, newPassword);
    return changeKeystore(session, ownActor(app, context, entity, 'operator.password'), {
      change: 'password',
      slots: { add: [{ slot, owner: { name, entity } }], remove: [old.id] },
    });
  }),

  addSlot: operation('adding a slot', async (context, { name, password, policies }) => {
    const session = sessionOf(app);
    const op = 'operator.slot-add';
    const caller = await authoriseCommand(app, session, context, { op, capability: 'sudo' });
    acceptable(password);
    const granted = grantable(caller, policies);
    if (!/^[\w.@-]{1,64}$/.test(name))
      refuse({ kind: 'invalid', message: 'a name has 1 to 64 letters, digits, dots, dashes, underscores or @' });
    if (session.authority.slotNamed(name) !== null)
      refuse({ kind: 'invalid', message: 'there is a slot of that name: change its password instead' });
    const entity = randomUuid4();
    const sealed = sealEvent(session.custody, {
      eventId: randomUuid7(app.nowMs()),
      streamId: entity,
      type: 'entity.created',
      lane: 1,
      actor: caller.token.entity,
      header: headerOf(app, caller, context, { op }, { kind: 'person', policies: granted }),
      body: { kind: KeyKind.identity, owner: entity, plaintext: Buffer.from(JSON.stringify({ display_name: name })) },
    });
    const slot = await newSlot(app, session, password);
    return changeKeystore(session, keystoreActor(app, caller, context, op), {
      change: 'slot-added',
      slots: { add: [{ slot, owner: { name, entity } }] },
      before: [{ sealed, facts: {} }],
    });
  }),

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
      if (entity.policies.join() === granted.join()) return { position: null };
      return changeAuthority(app, caller, context, {
        ...{ op, capability, type: 'entity.changed', streamId: entity.id },
        own: { kind: entity.kind, policies: granted },
        unless: () => (entities.get(entity.id) === entity ? null : { kind: 'busy', retryAfterSeconds: 1 }),
      });
    },
  ),

  removeSlot: operation('removing a slot', async (context, { name }) => {
    const session = sessionOf(app);
    const op = 'operator.slot-remove';
    const caller = await authoriseCommand(app, session, context, { op, capability: 'sudo' });
    await session.reader.refresh();
    const slot = session.authority.slotNamed(name) ?? refuse({ kind: 'absent' });
    if (session.authority.slots.size === 1)
      refuse({ kind: 'invalid', message: 'the last slot cannot be removed: nobody could open the ledger again' });
    return changeKeystore(session, keystoreActor(app, caller, context, op), {
      change: 'slot-removed',
      slots: { remove: [slot.id] },
    });
  }),
});

/** A caller whose token has `sudo` on the request's path, asked again at the head. */
export const keystoreActor = (app: App, caller: Caller, context: RequestContext, op: string): KeystoreActor => ({
  entity: caller.token.entity,
  header: headerOf(app, caller, context, { op }, {}),
  allowed: atUs => stillAllowed(caller, context, 'sudo', atUs),
  deadlineMs: context.deadlineMs,
  gone: context.gone,
});

/** Who proved themselves by the password alone acts as their own entity, under no policy's rule. */
const ownActor = (app: App, context: RequestContext, entity: Uuid, op: string): KeystoreActor => {
  const rule: Rule = { policy: 'own-password', path: 'auth/userpass/users/+/password', capability: 'update' };
  return {
    entity,
    header: {
      ...{ v: 1, at: app.nowMs() * 1000, op, path: context.path, rule },
      ...{ actor: { id: entity, kind: 'person' }, via: { method: 'userpass' }, ...circumstances(app, context) },
    },
    allowed: () => true,
    deadlineMs: context.deadlineMs,
    gone: context.gone,
  };
};

const POLICIES_MAX = 256;

/** Said, never assumed: an administrator may do what the policies say. Only root makes somebody root. */
const grantable = (caller: Caller, policies: readonly string[]): readonly string[] => {
  const granted = normalPolicies(policies, true);
  if (policies.length === 0)
    refuse({ kind: 'invalid', message: 'name the policies of the administrator: root for everything' });
  if (granted.length > POLICIES_MAX || granted.some(policy => policy.length > POLICIES_MAX))
    refuse({ kind: 'invalid', message: 'an administrator has 256 policies at most, each of 256 characters at most' });
  if (granted.includes('root') && !caller.token.policies.includes('root'))
    refuse({ kind: 'invalid', message: 'root administrators may not be made without the caller being root' });
  return granted;
};

const acceptable = (password: string): void => {
  const complaint = passwordComplaint(password);
  if (complaint !== null) refuse({ kind: 'invalid', message: complaint });
};

const newSlot = (app: App, session: Session, password: string): Promise<NewSlot> => {
  const { custody } = session;
  const root = { key: custody.rootKey, generation: custody.keyring.rootGeneration };
  return newPasswordSlot(custody.ledger, root, password, app.nexus.ports.slotCost, app.nexus.ports.peppers[0] ?? null);
};
