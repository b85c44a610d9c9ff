/**
 * What becomes of each slot when the root key is rotated: made again with what opens it today, or dropped because somebody
 * said so. A slot of which neither is true is named, and nothing happens.
 */
import type { Slot } from '../../authority/authority.js';
import { wipe } from '../../crypto/bytes.js';
import { SlotKind } from '../../keys/key-kinds.js';
import { kmsParamsOf } from '../../keys/kms-slots.js';
import { openWithPassword } from '../../keys/password-slots.js';
import { newKeyFileSlot, openWithKey, type RootKey, slotsDigest, splitOfRow } from '../../keys/slots.js';
import type { SlotRow } from '../../keys/store.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse } from '../app.js';
import type { Split } from '../system/contract.js';
import type { RootRotationRequest } from './contract.js';
import { kmsSlot, type MadeSlot, passwordSlot } from './new-slots.js';
import type { RemadeSlot } from './root-change.js';
import { checkedSlotRows } from './slot-rows.js';
import { KIND_NAMES, opensByItself } from './slots.js';

export interface RootPlan {
  readonly remade: readonly Slot[];
  readonly dropped: readonly Slot[];
  /** The slot of the shares: today's split, and that of the new ones. Null: there is none, or it is dropped. */
  readonly shares: { readonly slot: Slot; readonly today: Split; readonly split: Split } | null;
  /** Of the slots that all this was planned for. */
  readonly slotsDigest: string;
}

interface Each {
  readonly row: SlotRow;
  readonly slot: Slot;
}

export const planRoot = async (
  app: App,
  session: Session,
  root: RootKey,
  request: RootRotationRequest,
): Promise<{ readonly plan: RootPlan; readonly remade: readonly RemadeSlot[] }> => {
  const rows = await checkedSlotRows(session);
  const all = rows.map(row => ({ row, slot: slotOf(session, row) }));
  const dropped = droppedOf(all, request.drop);
  const kept = all.filter(each => !dropped.includes(each));
  const { peppers } = app.nexus.ports;
  if (!kept.some(({ row }) => opensByItself(row, peppers)))
    invalid(
      'a slot has to stay that opens the ledger by itself: a password, shares or a key file. Keep one of those, or add one first',
    );
  const proved = await provedSlots(app, session, kept, request);
  const shares = kept.find(({ row }) => splitOfRow(row) !== null) ?? null;
  const lost = kept.filter(each => each !== shares && kmsParamsOf(each.row) === null && !proved.has(each));
  if (lost.length > 0)
    invalid(
      `nothing was changed: there is nothing at hand that opens ${lost.map(called).join(', ')}. Give the password or key file of each, or drop it by its name; who was dropped is added again with tally operator slot add`,
    );
  const remade: RemadeSlot[] = [];
  for (const each of kept)
    if (each !== shares) remade.push({ ...(await remadeOf(app, session, root, each, request)), replaces: each.slot });
  const today = shares === null ? null : splitOfRow(shares.row);
  return {
    remade,
    plan: {
      remade: kept.map(({ slot }) => slot),
      dropped: dropped.map(({ slot }) => slot),
      shares: shares === null || today === null ? null : { slot: shares.slot, today, split: request.split ?? today },
      // Of what was read, not of what is there by now: trying passwords takes its time.
      slotsDigest: slotsDigest(rows).toString('hex'),
    },
  };
};

const invalid = (message: string): never => refuse({ kind: 'invalid', message });

const slotOf = ({ authority }: Session, { slotId }: SlotRow): Slot =>
  authority.slots.get(slotId) ?? refuse({ kind: 'busy', retryAfterSeconds: 1 });

const called = ({ slot: { name, id, kind } }: Each): string => `${name ?? id} (${KIND_NAMES[kind] ?? 'unknown'})`;

const droppedOf = (all: readonly Each[], names: readonly string[]): readonly Each[] => {
  const found = names.map(name => all.find(({ slot }) => slot.name === name || slot.id === name));
  if (found.includes(undefined))
    invalid('there is no slot of a name that is to be dropped: see tally operator slot list');
  return all.filter(each => found.includes(each));
};

/** Slots of which the request proves that the caller has what opens them. */
const provedSlots = async (
  app: App,
  { custody }: Session,
  kept: readonly Each[],
  { password, keyFile }: RootRotationRequest,
): Promise<ReadonlySet<Each>> => {
  const rowsOf = (kind: number): readonly SlotRow[] =>
    kept.filter(({ slot }) => slot.kind === kind).map(each => each.row);
  const opened = [
    password === null
      ? undefined
      : ((await openWithPassword(custody.ledger, rowsOf(SlotKind.password), password, app.nexus.ports.peppers)) ??
        invalid('no slot that stays opens with that password')),
    keyFile === null
      ? undefined
      : (openWithKey(custody.ledger, rowsOf(SlotKind.keyFile), keyFile) ??
        invalid('no slot that stays opens with that key file')),
  ];
  for (const each of opened) if (each !== undefined) wipe(each.root.key);
  return new Set(kept.filter(({ row }) => opened.some(each => each?.slotId === row.slotId)));
};

const remadeOf = async (
  app: App,
  session: Session,
  root: RootKey,
  { row, slot }: Each,
  { password, keyFile }: RootRotationRequest,
): Promise<MadeSlot> => {
  const kms = kmsParamsOf(row);
  if (kms !== null) return kmsSlot(app, session, kms.uri, root);
  if (slot.kind === SlotKind.password && password !== null) return passwordSlot(app, session, password, root);
  if (slot.kind === SlotKind.keyFile && keyFile !== null)
    return { slot: newKeyFileSlot(session.custody.ledger, root, keyFile), keys: [], keyFile: null };
  return refuse({ kind: 'invalid', message: 'this program cannot make a slot of that kind again: drop it' });
};
