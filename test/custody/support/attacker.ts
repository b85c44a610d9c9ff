/**
 * Somebody who has everything but what was destroyed: backups of the database, the passwords and shares, this code. Every key
 * row is tried under every wrapping key that can be made, and every key that opens on every body.
 */
import type pg from 'pg';
import { type BoxKey, boxKey, open } from '../../../src/crypto/box.js';
import { type Uuid, uuidBytes } from '../../../src/crypto/bytes.js';
import { bodyContext, keyContext } from '../../../src/crypto/contexts.js';
import { unpad } from '../../../src/crypto/padding.js';
import { wrappingKey } from '../../../src/crypto/term.js';
import { KeyringKind } from '../../../src/keys/key-kinds.js';
import { openKeyring } from '../../../src/keys/keyring.js';
import { openWithPassword } from '../../../src/keys/password-slots.js';
import { combineShares } from '../../../src/keys/shares.js';
import { type OpenedSlot, openWithKey } from '../../../src/keys/slots.js';
import type { KeyringRow, SlotRow } from '../../../src/keys/store.js';
import type { KeyRow } from '../../../src/ledger/sealed-event.js';

interface Body {
  readonly eventId: Uuid;
  readonly streamId: Uuid;
  readonly type: string;
  readonly keyId: Uuid;
  readonly body: Buffer;
}

/** The tables of a dump, of a restored backup, or of the database as it is. */
export interface Loot {
  readonly ledger: Buffer;
  readonly slots: readonly SlotRow[];
  readonly keyring: KeyringRow;
  readonly keys: readonly KeyRow[];
  readonly bodies: readonly Body[];
}

export const lootOf = async (client: pg.Client): Promise<Loot> => {
  const rows = async (text: string) => (await client.query(text)).rows;
  const [ledger] = await rows('select ledger_id from ledger');
  const [keyring] = await rows('select generation, box from keyring');
  return {
    ledger: uuidBytes(ledger.ledger_id),
    slots: await rows('select slot_id as "slotId", record from slots order by slot_id'),
    keyring: { generation: Number(keyring.generation), box: keyring.box },
    keys: await rows('select key_id as "keyId", kind, owner, term, wrapped from keys'),
    bodies: await rows(`select event_id as "eventId", stream_id as "streamId", type, key_id as "keyId", body
                          from events where body is not null`),
  };
};

export interface Known {
  readonly shares: readonly Buffer[];
  readonly password: string;
  /** Every erasure key that is left anywhere, whatever its term is said to be. */
  readonly erasureKeys: readonly Buffer[];
}

/** What opened, by event id; each body that any key of any loot opens. */
export const openEverything = async (loots: readonly Loot[], known: Known): Promise<ReadonlyMap<Uuid, string>> => {
  const shares = await sharesOf(loots, known);
  const opened = new Map<Uuid, string>();
  for (const { ledger, keys } of loots)
    for (const row of keys) {
      const key = tryRow(ledger, row, shares, known.erasureKeys);
      if (key === null) continue;
      for (const body of loots.flatMap(({ bodies }) => bodies)) {
        const plaintext = tryBody(ledger, body, key);
        if (plaintext !== null) opened.set(body.eventId, plaintext);
      }
    }
  return opened;
};

/** W of every term, from every keyring that any slot of any loot leads to. */
const sharesOf = async (loots: readonly Loot[], { shares, password }: Known): Promise<ReadonlySet<Buffer>> => {
  const found = new Set<Buffer>();
  for (const { ledger, slots, keyring } of loots) {
    const openers: (OpenedSlot | null)[] = [
      openWithKey(ledger, slots, await combineShares(shares)),
      await openWithPassword(ledger, slots, password, []),
    ];
    for (const opener of openers) {
      if (opener === null)
        throw new Error('the attacker has the shares and the password, and they must open the slots');
      const { key, generation } = opener.root;
      const ring = openKeyring(key, ledger, keyring.generation, generation, keyring.box);
      if (ring === null) throw new Error('the attacker has the root key, and it must open the keyring');
      for (const entry of ring.entries) if (entry.kind === KeyringKind.share) found.add(entry.bytes);
    }
  }
  return found;
};

const tryRow = (
  ledger: Buffer,
  { keyId, kind, owner, term, wrapped }: KeyRow,
  shares: Iterable<Buffer>,
  erasureKeys: readonly Buffer[],
): Buffer | null => {
  for (const share of shares)
    for (const erasureKey of erasureKeys) {
      const wrapping: BoxKey<'key'> = wrappingKey(erasureKey, ledger, term, share);
      const key = open('key', wrapping, ledger, keyContext(keyId, kind, owner, term), wrapped);
      if (key !== null) return key;
    }
  return null;
};

const tryBody = (ledger: Buffer, { eventId, streamId, type, keyId, body }: Body, key: Buffer): string | null => {
  if (key.length !== 32) return null;
  const context = bodyContext(eventId, streamId, keyId, type);
  const padded = open('body', boxKey('body', Buffer.from(key)), ledger, context, body);
  return padded === null ? null : (unpad(padded)?.toString('utf8') ?? null);
};

/** Bytes of a wrapped data key: box and 32 bytes. */
const WRAPPED = 105;
const NEARBY = 64;

/** Key rows carved out of raw files (heap, dead rows, write-ahead log): whatever lies behind the id of a known row. */
export const carve = (files: readonly Buffer[], row: KeyRow): readonly KeyRow[] => {
  const id = uuidBytes(row.keyId);
  const found = new Map<string, KeyRow>();
  for (const file of files)
    for (let at = file.indexOf(id); at !== -1; at = file.indexOf(id, at + 1))
      for (let from = at + id.length; from < Math.min(at + id.length + NEARBY, file.length - WRAPPED); from += 1) {
        const wrapped = Buffer.from(file.subarray(from, from + WRAPPED));
        found.set(wrapped.toString('latin1'), { ...row, wrapped });
      }
  return [...found.values()];
};
