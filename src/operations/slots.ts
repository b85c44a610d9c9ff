/**
 * Changing who opens the ledger: a slot's password, a slot more, a slot less. Each is one transaction of slot rows, key
 * rows, keyring generation and the event `keystore.changed` that says what the key store must look like from now on.
 */
import type { Slot } from '../authority/authority.js';
import type { Rule } from '../authority/permission.js';
import type { Uuid } from '../crypto/bytes.js';
import { stream } from '../crypto/names.js';
import { pad } from '../crypto/padding.js';
import { randomUuid4, randomUuid7 } from '../crypto/random.js';
import type { SecretState } from '../domain/secret/state.js';
import { sealEvent } from '../keys/event-sealer.js';
import { KeyKind } from '../keys/key-kinds.js';
import { Keyring, sealKeyring } from '../keys/keyring.js';
import { type NewSlot, newPasswordSlot, passwordComplaint, slotsDigest } from '../keys/slots.js';
import type { SlotRow } from '../keys/store.js';
import type { Command, StoreChange } from '../ledger/command.js';
import type { KeyRow, SealedEvent } from '../ledger/sealed-event.js';
import type { Session } from '../nexus/session.js';
import { type App, refuse, sessionOf } from './app.js';
import { authoriseCommand, type Caller, circumstances, headerOf, stillAllowed } from './authorise.js';
import type { RequestContext, SysOperations } from './contract.js';
import { checkedSlotRows, checkPassword } from './login.js';
import { operation, orRefuse } from './operation.js';
import { lane1Command } from './tokens/index.js';

interface KeystoreChange {
  readonly change: string;
  readonly add: { readonly slot: NewSlot; readonly name: string; readonly entity: Uuid } | null;
  readonly remove: Slot | null;
  /** An entity that comes with the slot. */
  readonly with: readonly SealedEvent[];
}

export const slotOperations = (app: App): Pick<SysOperations, 'changePassword' | 'addSlot' | 'removeSlot'> => ({
  changePassword: operation('changing a password', async (context, { name, oldPassword, newPassword }) => {
    const session = sessionOf(app);
    acceptable(newPassword);
    const old = await checkPassword(app, session, context, name, oldPassword, 'password');
    const entity = old.entity ?? refuse({ kind: 'bad-credentials', message: 'invalid username or password' });
    const slot = await newSlot(app, session, newPassword);
    const caller = ownCaller(session, entity);
    const change = { change: 'password', add: { slot, name, entity }, remove: old, with: [] };
    return submit(app, session, context, caller, 'operator.password', change, () => true);
  }),

  addSlot: operation('adding a slot', async (context, { name, password }) => {
    const session = sessionOf(app);
    const caller = await authoriseCommand(app, session, context, { op: 'operator.slot-add', capability: 'sudo' });
    acceptable(password);
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
      header: headerOf(app, caller, context, { op: 'operator.slot-add' }, { kind: 'person', policies: ['root'] }),
      body: { kind: KeyKind.identity, owner: entity, plaintext: Buffer.from(JSON.stringify({ display_name: name })) },
    });
    const slot = await newSlot(app, session, password);
    const change = { change: 'slot-added', add: { slot, name, entity }, remove: null, with: [sealed] };
    return submit(app, session, context, caller, 'operator.slot-add', change, at =>
      stillAllowed(caller, context, 'sudo', at),
    );
  }),

  removeSlot: operation('removing a slot', async (context, { name }) => {
    const session = sessionOf(app);
    const caller = await authoriseCommand(app, session, context, { op: 'operator.slot-remove', capability: 'sudo' });
    await session.reader.refresh();
    const slot = session.authority.slotNamed(name) ?? refuse({ kind: 'absent' });
    if (session.authority.slots.size === 1)
      refuse({ kind: 'invalid', message: 'the last slot cannot be removed: nobody could open the ledger again' });
    const change = { change: 'slot-removed', add: null, remove: slot, with: [] };
    return submit(app, session, context, caller, 'operator.slot-remove', change, at =>
      stillAllowed(caller, context, 'sudo', at),
    );
  }),
});

const acceptable = (password: string): void => {
  const complaint = passwordComplaint(password);
  if (complaint !== null) refuse({ kind: 'invalid', message: complaint });
};

const newSlot = (app: App, session: Session, password: string): Promise<NewSlot> => {
  const { custody } = session;
  const root = { key: custody.rootKey, generation: custody.keyring.rootGeneration };
  return newPasswordSlot(custody.ledger, root, password, app.nexus.ports.slotCost, app.nexus.ports.pepper);
};

/** Who proved themselves by the password alone acts as their own entity, under no policy's rule. */
const ownCaller = (session: Session, entity: Uuid): Pick<Caller, 'session'> & { entity: Uuid; rule: Rule } => ({
  session,
  entity,
  rule: { policy: 'own-password', path: 'auth/userpass/users/+/password', capability: 'update' },
});

const submit = async (
  app: App,
  session: Session,
  context: RequestContext,
  caller: Caller | ReturnType<typeof ownCaller>,
  op: string,
  change: KeystoreChange,
  allowed: (atUs: number) => boolean,
): Promise<{ position: number }> => {
  const { custody } = session;
  const before = session.authority.keystore ?? refuse({ kind: 'integrity', what: 'key store record', position: null });
  const rows = await checkedSlotRows(session);
  // Made of an older one, it would lose what another process added.
  if (custody.keyring.generation !== before.generation) refuse({ kind: 'busy', retryAfterSeconds: 1 });
  const keyring = new Keyring(before.generation + 1, custody.keyring.rootGeneration, custody.keyring.entries);
  const credential = change.add && credentialRow(session, change.add.slot);
  const actor = 'token' in caller ? caller.token.entity : caller.entity;
  const common =
    'token' in caller
      ? headerOf(app, caller, context, { op }, {})
      : {
          ...{ v: 1 as const, at: app.nowMs() * 1000, op, path: context.path, rule: caller.rule },
          ...{ actor: { id: actor, kind: 'person' }, via: { method: 'userpass' }, ...circumstances(app, context) },
        };
  const added = change.add && {
    ...{ id: change.add.slot.slotId, kind: change.add.slot.kind, name: change.add.name, entity: change.add.entity },
    ...(credential === null ? {} : { login_key: credential.keyId }),
  };
  const streamId = stream(custody.keyring.indexKey, custody.ledger, 'keystore', '');
  const sealed = sealEvent(custody, {
    eventId: randomUuid7(app.nowMs()),
    streamId,
    type: 'keystore.changed',
    lane: 1,
    actor,
    header: {
      ...common,
      change: change.change,
      ...(added === null ? {} : { added: [added] }),
      ...(change.remove === null ? {} : { removed: [change.remove.id] }),
    },
  });
  const facts = {
    generation: keyring.generation,
    slots_digest: slotsDigest(slotsAfter(rows, change)).toString('hex'),
    term: before.term,
    checks: [...before.checks],
  };
  const withStreams = change.with.map(event => event.streamId);
  const command: Command<SecretState, { position: number }> = {
    ...lane1Command(context, streamId, sealed.header.length),
    streams: [streamId, ...withStreams],
    eventsMax: 1 + change.with.length,
    decide: view => {
      if (!allowed(view.recordedAt)) return { kind: 'reject', failure: { kind: 'unauthenticated' } };
      // Somebody else changed the key store meanwhile: the digest that was computed is not the right one any more.
      if (session.authority.keystore?.generation !== before.generation)
        return { kind: 'reject', failure: { kind: 'busy', retryAfterSeconds: 1 } };
      return {
        kind: 'append',
        events: [...change.with.map(event => ({ sealed: event, facts: {} })), { sealed, facts }],
        insertKeys: credential === null ? [] : [credential],
        deleteKeys: change.remove?.loginKey ? [change.remove.loginKey] : [],
        store: [...storeChanges(change), keyringChange(session, keyring)],
        result: placed => ({ position: placed.at(-1)?.position ?? 0 }),
      };
    },
  };
  const done = orRefuse(await session.appender.submit(command));
  custody.replaceKeyring(keyring);
  return done;
};

const credentialRow = (session: Session, slot: NewSlot): KeyRow | null =>
  slot.verifier === null
    ? null
    : session.custody.wrap(randomUuid4(), KeyKind.credential, slot.slotId, pad(slot.verifier));

const slotsAfter = (rows: readonly SlotRow[], change: KeystoreChange): readonly SlotRow[] => [
  ...rows.filter(row => row.slotId !== change.remove?.id),
  ...(change.add === null ? [] : [change.add.slot]),
];

const storeChanges = (change: KeystoreChange): StoreChange[] => [
  ...(change.remove === null ? [] : [{ kind: 'delete-slot' as const, slotId: change.remove.id }]),
  ...(change.add === null
    ? []
    : [{ kind: 'put-slot' as const, slotId: change.add.slot.slotId, record: change.add.slot.record }]),
];

const keyringChange = (session: Session, keyring: Keyring): StoreChange => ({
  kind: 'put-keyring',
  generation: keyring.generation,
  box: sealKeyring(session.custody.rootKey, session.custody.ledger, keyring),
});
