/**
 * The one way in which the key store changes: slots, keyring entries, key rows and terms, with the event `keystore.changed`
 * that says what it must look like from now on, and whatever events belong to it, in one transaction. Decided at the head
 * of the ledger: when the key store moved meanwhile, the answer is `busy`, since what was computed no longer fits.
 * Other processes follow by folding lane 1 (`followKeyring`); this one has the new keyring when the call answers.
 */
import type { KeystoreSeal } from '../../authority/authority.js';
import { type Uuid, wipe } from '../../crypto/bytes.js';
import type { KeyringEntry } from '../../crypto/keyring-tlv.js';
import { stream } from '../../crypto/names.js';
import { pad } from '../../crypto/padding.js';
import { randomUuid4, randomUuid7 } from '../../crypto/random.js';
import { decodeSlotRecord } from '../../crypto/slot-record.js';
import type { Facts } from '../../domain/facts.js';
import type { Header } from '../../domain/header.js';
import type { SecretState } from '../../domain/secret/state.js';
import type { Failure } from '../../failure.js';
import { sealEvent } from '../../keys/event-sealer.js';
import { KeyKind } from '../../keys/key-kinds.js';
import { Keyring, sealKeyring } from '../../keys/keyring.js';
import { type NewSlot, type RootKey, slotsDigest } from '../../keys/slots.js';
import type { SlotRow } from '../../keys/store.js';
import type { Command, StoreChange } from '../../ledger/command.js';
import type { KeyRow, SealedEvent } from '../../ledger/sealed-event.js';
import { followKeyring } from '../../nexus/keyring-follow.js';
import type { Session } from '../../nexus/session.js';
import { refuse } from '../app.js';
import { orRefuse } from '../operation.js';
import { checkedSlotRows } from './slot-rows.js';

/** An event that belongs to the change: it comes before `keystore.changed`, in the same transaction. */
export interface Drafted {
  readonly sealed: SealedEvent;
  readonly facts: Facts;
}

export interface AddedSlot {
  readonly slot: NewSlot;
  /** Whose it is; null for slots that nobody logs in with. */
  readonly owner: { readonly name: string; readonly entity: Uuid | null } | null;
}

/** Everything absent stays as it is. */
export interface KeystoreChange {
  /** In a word, for the header: `slot-added`, `name-key`, `term-activated`, … */
  readonly change: string;
  readonly slots?: { readonly add?: readonly AddedSlot[]; readonly remove?: readonly Uuid[] };
  readonly keyring?: {
    readonly add?: readonly KeyringEntry[];
    /** Their bytes are overwritten here once it is done. */
    readonly remove?: readonly Pick<KeyringEntry, 'kind' | 'id'>[];
  };
  /** Besides the credentials of slots, and the key rows that come with events. */
  readonly keys?: { readonly insert?: readonly KeyRow[]; readonly remove?: readonly Uuid[] };
  /** A new root key: every slot must be among those added or removed. The process takes it over as it is recorded. */
  readonly root?: {
    readonly root: RootKey;
    readonly epoch: number;
    readonly headerKey: Buffer;
    /** The position of the snapshot that was made for it. */
    readonly snapshot: number;
  };
  readonly term?: number;
  /** Of every living term: `PRF(E[t], …)`, hex. */
  readonly checks?: ReadonlyMap<number, string>;
  /** More header fields: never a credential. */
  readonly own?: object;
  readonly before?: readonly Drafted[];
  /** Asked at the head, with everything before folded. */
  readonly unless?: () => Failure | null;
}

/** Who changes it, and until when somebody waits for that. */
export interface KeystoreActor {
  /** Null: a background job. */
  readonly entity: Uuid | null;
  /** What every event's header says (events.md §5). */
  readonly header: Header;
  /** Asked at the head: may they still? */
  readonly allowed: (atUs: number) => boolean;
  readonly deadlineMs: number;
  readonly gone: () => boolean;
}

/** Throws `Refused`: busy when the key store moved meanwhile, unauthenticated when the caller may not any more. */
export const changeKeystore = async (
  session: Session,
  actor: KeystoreActor,
  change: KeystoreChange,
): Promise<{ readonly position: number }> => {
  const { custody, authority } = session;
  const rows = await checkedSlotRows(session);
  const before = authority.keystore ?? refuse({ kind: 'integrity', what: 'key store record', position: null });
  // Folded between the look and here: what is computed from these rows would not be what is there.
  if (slotsDigest(rows).toString('hex') !== before.slotsDigest) refuse({ kind: 'busy', retryAfterSeconds: 1 });
  // Another process's change may be folded and its keyring not followed yet: made of an older one, this would lose it.
  await followKeyring(session.ports.runner, custody, authority);
  if (custody.keyring.generation !== before.generation) refuse({ kind: 'busy', retryAfterSeconds: 1 });
  const keyring = keyringAfter(custody.keyring, change);
  requireRootOf(keyring, change);
  const added = (change.slots?.add ?? []).map(each => addedSlot(session, each));
  const removed = (change.slots?.remove ?? []).map(
    id => authority.slots.get(id) ?? refuse({ kind: 'busy', retryAfterSeconds: 1 }),
  );
  const streamId = stream(custody.keyring.indexKey, custody.ledger, 'keystore', '');
  const sealed = sealEvent(custody, {
    ...{ eventId: randomUuid7(session.ports.nowMs()), streamId, type: 'keystore.changed', lane: 1 },
    actor: actor.entity,
    header: {
      ...actor.header,
      change: change.change,
      ...change.own,
      ...(added.length === 0 ? {} : { added: added.map(({ entry }) => entry) }),
      ...(removed.length === 0 ? {} : { removed: removed.map(({ id }) => id) }),
      ...(change.root === undefined
        ? {}
        : {
            root: {
              ...{ generation: keyring.rootGeneration, first_epoch: change.root.epoch },
              snapshot: change.root.snapshot,
            },
          }),
      ...keyringWords(change),
    },
  });
  const credentials = added.flatMap(({ credential }) => (credential === null ? [] : [credential]));
  const logins = removed.flatMap(({ loginKey }) => (loginKey === null ? [] : [loginKey]));
  const events = [...(change.before ?? []), { sealed, facts: factsAfter(before, keyring, rows, change) }];
  const store: readonly StoreChange[] = [
    ...removed.map(({ id }) => ({ kind: 'delete-slot' as const, slotId: id })),
    ...(change.slots?.add ?? []).map(({ slot: { slotId, record } }) => ({ kind: 'put-slot' as const, slotId, record })),
    {
      kind: 'put-keyring',
      generation: keyring.generation,
      box: sealKeyring(change.root?.root.key ?? custody.rootKey, custody.ledger, keyring),
    },
  ];
  const command: Command<SecretState, { readonly position: number }> = {
    streams: [...new Set(events.map(event => event.sealed.streamId))],
    repeatOf: null,
    alone: true,
    weight: events.reduce((sum, event) => sum + event.sealed.header.length + (event.sealed.body?.length ?? 0), 0),
    eventsMax: events.length,
    deadlineMs: actor.deadlineMs,
    gone: actor.gone,
    decide: view => {
      if (!actor.allowed(view.recordedAt)) return { kind: 'reject', failure: { kind: 'unauthenticated' } };
      if (authority.keystore?.generation !== before.generation)
        return { kind: 'reject', failure: { kind: 'busy', retryAfterSeconds: 1 } };
      const refusal = change.unless?.() ?? null;
      if (refusal !== null) return { kind: 'reject', failure: refusal };
      return {
        kind: 'append',
        events,
        insertKeys: [...credentials, ...(change.keys?.insert ?? [])],
        deleteKeys: [...logins, ...(change.keys?.remove ?? [])],
        store,
        result: placed => ({ position: placed.at(-1)?.position ?? 0 }),
      };
    },
  };
  if (change.root !== undefined) {
    const { root, epoch, headerKey, snapshot } = change.root;
    session.roots.expect({ key: root.key, keyring, epoch, headerKey, snapshot });
  }
  const answer = await session.appender.submit(command);
  if (change.root !== undefined) {
    session.roots.takeOver();
    session.roots.forget();
  }
  const done = orRefuse(answer);
  // A read of this process may have followed to it, or further, since.
  if (custody.keyring.generation < keyring.generation) custody.replaceKeyring(keyring);
  return done;
};

const isOf =
  (entry: KeyringEntry) =>
  ({ kind, id }: Pick<KeyringEntry, 'kind' | 'id'>): boolean =>
    kind === entry.kind && id === entry.id;

const keyringAfter = (keyring: Keyring, { keyring: change, root }: KeystoreChange): Keyring =>
  new Keyring(keyring.generation + 1, root?.root.generation ?? keyring.rootGeneration, [
    ...keyring.entries.filter(entry => !(change?.remove ?? []).some(isOf(entry))),
    ...(change?.add ?? []),
  ]);

/** A slot that was made while the root key was rotated holds the one of before: it would open nothing. */
const requireRootOf = ({ rootGeneration }: Keyring, { slots }: KeystoreChange): void => {
  for (const { slot } of slots?.add ?? [])
    if (decodeSlotRecord(slot.record)?.rootGeneration !== rootGeneration)
      refuse({ kind: 'busy', retryAfterSeconds: 1 });
};

const addedSlot = (session: Session, { slot, owner }: AddedSlot) => {
  const credential =
    slot.verifier === null
      ? null
      : session.custody.wrap(randomUuid4(), KeyKind.credential, slot.slotId, pad(slot.verifier));
  if (slot.verifier !== null) wipe(slot.verifier);
  const entry = {
    ...{ id: slot.slotId, kind: slot.kind },
    ...(owner === null ? {} : { name: owner.name }),
    ...(owner === null || owner.entity === null ? {} : { entity: owner.entity }),
    ...(credential === null ? {} : { login_key: credential.keyId }),
  };
  return { entry, credential };
};

/** Which keys came and went: kinds and ids, never bytes. */
const keyringWords = ({ keyring: change }: KeystoreChange) => {
  const names = (entries: readonly Pick<KeyringEntry, 'kind' | 'id'>[]) =>
    entries.map(({ kind, id }) => ({ kind, id }));
  const [came, went] = [names(change?.add ?? []), names(change?.remove ?? [])];
  return {
    ...(came.length === 0 ? {} : { keyring_added: came }),
    ...(went.length === 0 ? {} : { keyring_removed: went }),
  };
};

const factsAfter = (
  before: KeystoreSeal,
  keyring: Keyring,
  rows: readonly SlotRow[],
  { slots, term, checks }: KeystoreChange,
): Facts => {
  const kept = rows.filter(({ slotId }) => !(slots?.remove ?? []).includes(slotId));
  const came = (slots?.add ?? []).map(({ slot }) => slot);
  return {
    generation: keyring.generation,
    slots_digest: slotsDigest([...kept, ...came]).toString('hex'),
    term: term ?? before.term,
    checks: [...(checks ?? before.checks)],
  };
};
