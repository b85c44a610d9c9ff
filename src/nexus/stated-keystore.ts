/**
 * After `operator recover` with a ledger that is older than the key export, the key store is newer than the ledger says: the
 * export's manifest, which this ledger signed, says what it must look like. Only a person who accepts the rollback goes by it.
 */
import { openNote, originOf } from '../crypto/signed-note.js';
import { decodeManifest } from '../key-export/format.js';
import type { Custody } from '../keys/custody.js';
import { readIfThere } from './durable-file.js';
import { noteSigner } from './note-signer.js';
import type { StatedKeystore } from './recovered.js';

/**
 * Null: there is none, it is not of this ledger, not newer than `recorded`, or not of the keyring that is in the database:
 * the file stays where it is, and another database may be put in after the one that it was written for.
 */
export const readStated = async (path: string, custody: Custody, recorded: number): Promise<StatedKeystore | null> => {
  const note = await readIfThere(path);
  if (note === null) return null;
  const publicKey = Buffer.from(noteSigner(custody).publicKey, 'hex');
  const text = openNote(note, { name: originOf(custody.ledgerId), publicKey });
  const manifest = text === null ? null : decodeManifest(text);
  if (manifest === null || manifest.generation <= recorded) return null;
  if (manifest.generation !== custody.keyring.generation) return null;
  const { generation, slotsDigest, term, checks } = manifest;
  return { generation, slotsDigest, term, checks };
};
