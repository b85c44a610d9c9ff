/**
 * Init: makes a ledger where there is none — keys, slots, the first batch — in one transaction. It happens once: the first
 * batch row cannot be inserted twice, and before the transaction commits there is no ledger; a crash leaves none
 * (events.md §6). E[1] is on disk before the commit; an orphaned line of it, with an id that no ledger has, is harmless.
 */
import { type Uuid, uuidText, wipe } from '../crypto/bytes.js';
import { checkpointKeyOf } from '../crypto/checkpoint-key.js';
import { newAccessor, newToken, tokenHash } from '../crypto/ids.js';
import { EMPTY_ROOT } from '../crypto/merkle.js';
import { stream } from '../crypto/names.js';
import { pad } from '../crypto/padding.js';
import { randomBytes, randomUuid4, randomUuid7 } from '../crypto/random.js';
import { erasureCheck } from '../crypto/term.js';
import type { Facts } from '../domain/facts.js';
import type { Header } from '../domain/header.js';
import { Custody, ownerOfEpoch } from '../keys/custody.js';
import { type EventDraft, sealEvent } from '../keys/event-sealer.js';
import { KeyKind, KeyringKind, SlotKind } from '../keys/key-kinds.js';
import { newKeyring, sealKeyring } from '../keys/keyring.js';
import { newPasswordSlot } from '../keys/password-slots.js';
import type { Split } from '../keys/shares.js';
import { type NewSlot, newKeyFileSlot, newShareSlot, type RootKey, slotsDigest } from '../keys/slots.js';
import type { KeyRow, SealedEvent } from '../ledger/sealed-event.js';
import { FIRST_MOUNTS, FIRST_POLICIES } from './first-settings.js';
import { type Genesis, writeGenesis } from './genesis.js';
import type { NexusPorts } from './ports.js';

export interface InitRequest {
  readonly admin: { readonly name: string; readonly password: string } | null;
  /** Shares of a key, shown once. */
  readonly shares: Split | null;
  /** The 32 bytes of a dev key file. */
  readonly keyFile: Buffer | null;
  /** Done before there is a ledger: a share that cannot be encrypted to its holder must not exist. */
  readonly handOver?: (shares: readonly Buffer[], rootToken: string) => Promise<void>;
}

export interface InitResult {
  readonly ledgerId: Uuid;
  readonly shares: readonly Buffer[];
  readonly rootToken: string;
}

interface Drafted {
  readonly sealed: SealedEvent;
  readonly facts: Facts;
}

/** Null: there is a ledger already (perhaps another process was first). */
export const initLedger = async (ports: NexusPorts, request: InitRequest): Promise<InitResult | null> => {
  const ledger = randomBytes(16);
  const root: RootKey = { key: randomBytes(32), generation: 1 };
  const nowUs = ports.nowMs() * 1000;
  const keyring = newKeyring(nowUs, FIRST_MOUNTS.length);
  const erasureKey = await ports.erasureKeys.make(ledger, 1, ports.nowMs());
  const custody = new Custody(ledger, root.key, keyring, new Map([[1, erasureKey]]));
  const headerKey = randomBytes(32);
  custody.addEpoch(1, headerKey);
  try {
    const slots = await newSlots(ports, ledger, root, request);
    const made = firstBatch(custody, ports, nowUs, slots, erasureKey, headerKey);
    const genesis: Genesis = {
      custody,
      recordedAt: nowUs,
      emptyRoot: EMPTY_ROOT,
      events: made.events,
      keys: made.keys,
      slots: slots.all,
      keyring: { generation: 1, box: sealKeyring(root.key, ledger, keyring) },
    };
    await request.handOver?.(slots.shares, made.rootToken);
    const created = await writeGenesis(ports.database.writer, genesis);
    if (!created) return null;
    return { ledgerId: uuidText(ledger), shares: slots.shares, rootToken: made.rootToken };
  } finally {
    wipe(erasureKey);
    custody.wipe();
  }
};

interface Slots {
  readonly all: readonly NewSlot[];
  readonly shares: readonly Buffer[];
  readonly admin: { readonly name: string; readonly slot: NewSlot } | null;
}

const newSlots = async (ports: NexusPorts, ledger: Buffer, root: RootKey, request: InitRequest): Promise<Slots> => {
  const password =
    request.admin &&
    (await newPasswordSlot(ledger, root, request.admin.password, ports.slotCost, ports.peppers[0] ?? null));
  const split = request.shares && (await newShareSlot(ledger, root, request.shares));
  const keyFile = request.keyFile && newKeyFileSlot(ledger, root, request.keyFile);
  return {
    all: [password, split, keyFile].filter(slot => slot !== null),
    shares: split?.shares ?? [],
    admin: request.admin && password && { name: request.admin.name, slot: password },
  };
};

const firstBatch = (
  custody: Custody,
  ports: NexusPorts,
  at: number,
  slots: Slots,
  erasureKey: Buffer,
  headerKey: Buffer,
): { events: Drafted[]; keys: KeyRow[]; rootToken: string } => {
  const { ledger, keyring } = custody;
  const keys: KeyRow[] = [];
  const events: Drafted[] = [];
  const systemHeader: Header = { v: 1, at, op: 'init', actor: { id: null, kind: 'system' } };
  const add = (type: string, streamId: Uuid, facts: Facts, own: object, more: Partial<EventDraft> = {}): void => {
    const header: Header = { ...systemHeader, ...own };
    const eventId = randomUuid7(at / 1000);
    events.push({
      sealed: sealEvent(custody, { eventId, streamId, type, lane: 1, actor: null, header, ...more }),
      facts,
    });
  };
  const identity = (owner: Uuid, name: string): Pick<EventDraft, 'body'> => ({
    body: { kind: KeyKind.identity, owner, plaintext: Buffer.from(JSON.stringify({ display_name: name })) },
  });
  const wellKnown = (kind: string, name: string): Uuid => stream(keyring.indexKey, ledger, kind, name);

  const seed = keyring.entries.find(entry => entry.kind === KeyringKind.checkpointSeed)?.bytes;
  if (seed === undefined) throw new Error('a new keyring has a checkpoint seed');
  add(
    'ledger.created',
    wellKnown('ledger', ''),
    { format: 1, suite: 1, checkpoint_key: checkpointKeyOf(seed) },
    {
      program: ports.programVersion,
    },
  );

  const adminEntity = slots.admin && randomUuid4();
  const added = slots.all.map(slot => {
    if (slots.admin?.slot !== slot || slot.verifier === null || adminEntity === null)
      return { id: slot.slotId, kind: slot.kind };
    const loginKey = randomUuid4();
    keys.push(custody.wrap(loginKey, KeyKind.credential, slot.slotId, pad(slot.verifier)));
    return {
      id: slot.slotId,
      kind: SlotKind.password,
      name: slots.admin.name,
      entity: adminEntity,
      login_key: loginKey,
    };
  });
  const keystoreFacts: Facts = {
    generation: 1,
    slots_digest: slotsDigest(slots.all).toString('hex'),
    term: 1,
    checks: [[1, erasureCheck(erasureKey, ledger, 1).toString('hex')]],
  };
  add('keystore.changed', wellKnown('keystore', ''), keystoreFacts, { change: 'created', added });

  keys.push(custody.wrap(randomUuid4(), KeyKind.headerEpoch, ownerOfEpoch(1), headerKey));
  add('epoch.opened', wellKnown('keystore', ''), { epoch: 1 }, {});

  const rootEntity = randomUuid4();
  add('entity.created', rootEntity, {}, { kind: 'root', policies: ['root'] }, identity(rootEntity, 'root'));
  FIRST_MOUNTS.forEach((mount, i) => {
    add('mount.enabled', randomUuid4(), { number: i + 1 }, { mount });
  });
  for (const [name, text] of Object.entries(FIRST_POLICIES))
    add('policy.written', wellKnown('policy', name), {}, { name, text });
  if (adminEntity !== null && slots.admin !== null)
    add(
      'entity.created',
      adminEntity,
      {},
      { kind: 'person', policies: ['root'] },
      identity(adminEntity, slots.admin.name),
    );

  const rootToken = newToken();
  const hash = tokenHash(keyring.tokenKey, ledger, rootToken).toString('hex');
  const token = {
    accessor: newAccessor(),
    policies: ['root'],
    display_name: 'root',
    creation_path: 'auth/token/root',
    method: 'root',
  };
  add('token.created', randomUuid4(), { token_hash: hash }, token, { actor: rootEntity });
  for (const { sealed } of events) if (sealed.keyRow !== null) keys.push(sealed.keyRow);
  return { events, keys, rootToken };
};
