/** Who opens the ledger: slots are listed, added, removed and rotated, each change an event. */
import type { Slot } from '../../authority/authority.js';
import { type Uuid, ZERO_UUID } from '../../crypto/bytes.js';
import { randomUuid4, randomUuid7 } from '../../crypto/random.js';
import { decodeSlotRecord } from '../../crypto/slot-record.js';
import type { Failure } from '../../failure.js';
import { sealEvent } from '../../keys/event-sealer.js';
import { KeyKind, SlotKind } from '../../keys/key-kinds.js';
import { kmsParamsOf } from '../../keys/kms-slots.js';
import { type Pepper, passwordParamsOf } from '../../keys/password-slots.js';
import { splitOfRow } from '../../keys/slots.js';
import type { SlotRow } from '../../keys/store.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise, authoriseCommand, type Caller, headerOf } from '../authorise.js';
import { operation } from '../operation.js';
import type { RequestContext } from '../request.js';
import { keystoreActor } from './actors.js';
import type { CustodyOperations, SlotAdded, SlotInfo, SlotKindName, SlotRequest } from './contract.js';
import { recipientsOf } from './delivery.js';
import { endedLogins } from './ended-logins.js';
import { grantable, requireRootCaller, requireRootOverRoot } from './grantable.js';
import { changeKeystore, type Drafted } from './keystore-change.js';
import { keyFileSlot, kmsSlot, type MadeSlot, passwordSlot, shareSlot } from './new-slots.js';
import { checkedSlotRows } from './slot-rows.js';

type SlotOperations = Pick<CustodyOperations, 'listSlots' | 'addSlot' | 'removeSlot' | 'rotateSlot'>;

export const slotOperations = (app: App): SlotOperations => ({
  listSlots: operation('listing slots', async context => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'operator.slot-list', capability: 'read' });
    const rows = await checkedSlotRows(session);
    return rows.map(row => infoOf(row, session.authority.slots.get(row.slotId) ?? null, app.nexus.ports.peppers));
  }),
  addSlot: operation('adding a slot', (context, request) => addSlot(app, context, request)),
  removeSlot: operation('removing a slot', (context, { slot }) => removeSlot(app, context, slot)),
  rotateSlot: operation('rotating a slot', (context, { slot, password }) => rotate(app, context, slot, password)),
});

/** Refuses in the name of the caller; so does `removeSlot`. */
export const addSlot = async (app: App, context: RequestContext, request: SlotRequest): Promise<SlotAdded> => {
  const session = sessionOf(app);
  const op = 'operator.slot-add';
  const caller = await authoriseCommand(app, session, context, { op, capability: 'sudo' });
  await session.reader.refresh();
  const { name } = request;
  if (!/^[\w.@-]{1,64}$/.test(name))
    refuse({ kind: 'invalid', message: 'a name has 1 to 64 letters, digits, dots, dashes, underscores or @' });
  // Asked again at the head: making a slot takes its time, and somebody else may be quicker.
  const taken = (): Failure | null => complaintAbout(session, request);
  const complaint = taken();
  if (complaint !== null) refuse(complaint);
  const policies = request.kind === 'password' ? grantable(caller, request.policies) : [];
  const made = await newSlot(app, caller, request);
  // A password logs in as well: for that its owner is somebody.
  const entity = request.kind === 'password' ? randomUuid4() : null;
  const { position } = await changeKeystore(session, keystoreActor(app, caller, context, op), {
    change: 'slot-added',
    slots: { add: [{ slot: made.slot, owner: { name, entity } }] },
    before: entity === null ? [] : [newPerson(app, caller, context, { id: entity, name, policies })],
    unless: taken,
  });
  return { position, id: made.slot.slotId, keys: made.keys, keyFile: made.keyFile };
};

const complaintAbout = ({ authority }: Session, { kind, name }: SlotRequest): Failure | null => {
  if (authority.slotNamed(name) !== null)
    return { kind: 'invalid', message: 'there is a slot of that name: rotate it instead' };
  return kind === 'shares' && [...authority.slots.values()].some(slot => slot.kind === SlotKind.shares)
    ? { kind: 'invalid', message: 'there are shares already: exchange them with tally operator rekey' }
    : null;
};

const newSlot = async (app: App, caller: Caller, request: SlotRequest): Promise<MadeSlot> => {
  const { session } = caller;
  switch (request.kind) {
    case 'password':
      return passwordSlot(app, session, request.password);
    case 'shares': {
      // They make a root token, too.
      requireRootCaller(caller, 'makes shares');
      const { shares, ...made } = await shareSlot(session, request.split, await recipientsOf(request.recipients));
      for (const share of shares) share.fill(0);
      return made;
    }
    case 'key-file':
      return keyFileSlot(session);
    case 'kms':
      return kmsSlot(app, session, request.uri);
  }
};

interface Person {
  readonly id: Uuid;
  readonly name: string;
  readonly policies: readonly string[];
}

const newPerson = (app: App, caller: Caller, context: RequestContext, { id, name, policies }: Person): Drafted => ({
  facts: {},
  sealed: sealEvent(caller.session.custody, {
    ...{ eventId: randomUuid7(app.nowMs()), streamId: id, type: 'entity.created', lane: 1 },
    actor: caller.token.entity,
    header: headerOf(app, caller, context, { op: 'operator.slot-add' }, { kind: 'person', policies }),
    body: { kind: KeyKind.identity, owner: id, plaintext: Buffer.from(JSON.stringify({ display_name: name })) },
  }),
});

const slotCalled = (session: Session, nameOrId: string): Slot =>
  session.authority.slots.get(nameOrId) ?? session.authority.slotNamed(nameOrId) ?? refuse({ kind: 'absent' });

export const removeSlot = async (
  app: App,
  context: RequestContext,
  nameOrId: string,
): Promise<{ position: number }> => {
  const session = sessionOf(app);
  const op = 'operator.slot-remove';
  const caller = await authoriseCommand(app, session, context, { op, capability: 'sudo' });
  await session.reader.refresh();
  const slot = slotCalled(session, nameOrId);
  requireRootOverRoot(caller, slot.entity, 'removes a root administrator');
  const looked = session.authority.keystore?.generation;
  const left = (await checkedSlotRows(session)).filter(({ slotId }) => slotId !== slot.id);
  if (left.length === 0)
    refuse({ kind: 'invalid', message: 'the last slot cannot be removed: nobody could open the ledger again' });
  if (!left.some(row => opensByItself(row, app.nexus.ports.peppers)))
    refuse({
      kind: 'invalid',
      message:
        'this is the last slot that opens the ledger by itself: the others need a key that somebody else keeps, or a pepper that this node does not have. Add a password, shares or a key file first',
    });
  const ended = endedLogins(app, caller, context, op, slot);
  return changeKeystore(session, keystoreActor(app, caller, context, op), {
    change: 'slot-removed',
    slots: { remove: [slot.id] },
    before: ended.before,
    // What is left was counted as of then: of two who remove the last two slots at once, the second looks again.
    unless: () =>
      session.authority.keystore?.generation === looked ? ended.unless() : { kind: 'busy', retryAfterSeconds: 1 },
  });
};

/** What people hold is enough, wherever the ledger is brought to. */
export const opensByItself = (row: SlotRow, peppers: readonly Pepper[]): boolean => {
  const password = passwordParamsOf(row);
  if (password !== null) return hasPepper(password.pepperId, peppers) !== 'missing';
  const kind = decodeSlotRecord(row.record)?.kind;
  return kind === SlotKind.shares || kind === SlotKind.keyFile;
};

const hasPepper = (id: Uuid, peppers: readonly Pepper[]): 'none' | 'here' | 'missing' =>
  id === ZERO_UUID ? 'none' : peppers.some(pepper => pepper.id === id) ? 'here' : 'missing';

const rotate = async (
  app: App,
  context: RequestContext,
  nameOrId: string,
  password: string | null,
): Promise<SlotAdded> => {
  const session = sessionOf(app);
  const op = 'operator.slot-rotate';
  const caller = await authoriseCommand(app, session, context, { op, capability: 'sudo' });
  await session.reader.refresh();
  const old = slotCalled(session, nameOrId);
  requireRootOverRoot(caller, old.entity, 'changes the password of another root administrator');
  const made = await rotated(app, session, old, password);
  const { position } = await changeKeystore(session, keystoreActor(app, caller, context, op), {
    change: 'slot-rotated',
    slots: { add: [{ slot: made.slot, owner: ownerOf(old) }], remove: [old.id] },
  });
  return { position, id: made.slot.slotId, keys: made.keys, keyFile: made.keyFile };
};

export const ownerOf = ({ name, entity }: Slot) => (name === null ? null : { name, entity });

const rotated = async (app: App, session: Session, old: Slot, password: string | null): Promise<MadeSlot> => {
  if (password !== null && old.kind !== SlotKind.password)
    refuse({ kind: 'invalid', message: 'this slot has no password' });
  switch (old.kind) {
    case SlotKind.password:
      return passwordSlot(app, session, password ?? refuse({ kind: 'invalid', message: 'give the new password' }));
    case SlotKind.keyFile:
      return keyFileSlot(session);
    case SlotKind.kms: {
      const row = (await checkedSlotRows(session)).find(({ slotId }) => slotId === old.id);
      const params = row === undefined ? null : kmsParamsOf(row);
      return kmsSlot(app, session, params?.uri ?? refuse({ kind: 'absent' }));
    }
    default:
      return refuse({ kind: 'invalid', message: 'shares are exchanged by rekeying: tally operator rekey' });
  }
};

export const KIND_NAMES: Readonly<Record<number, SlotKindName | undefined>> = {
  [SlotKind.password]: 'password',
  [SlotKind.shares]: 'shares',
  [SlotKind.keyFile]: 'key-file',
  [SlotKind.kms]: 'kms',
};

const infoOf = (row: SlotRow, slot: Slot | null, peppers: readonly Pepper[]): SlotInfo => {
  const record = decodeSlotRecord(row.record);
  const password = passwordParamsOf(row);
  return {
    id: row.slotId,
    kind: KIND_NAMES[record?.kind ?? 0] ?? 'unknown',
    name: slot?.name ?? null,
    entity: slot?.entity ?? null,
    rootGeneration: record?.rootGeneration ?? 0,
    shares: splitOfRow(row),
    kms: kmsParamsOf(row)?.uri ?? null,
    password: password && {
      ...{ memoryKib: password.memoryKib, iterations: password.iterations, parallelism: password.parallelism },
      pepper: hasPepper(password.pepperId, peppers),
    },
  };
};
