/** Makes an export from one snapshot of the database: the key store and the head that it belongs to. */
import type { Uuid } from '../crypto/bytes.js';
import { ZERO_UUID } from '../crypto/bytes.js';
import { E } from '../fp.js';
import { keyRowsAfter, keyringRow, slotRows } from '../keys/store.js';
import { believeHead, newestHead } from '../ledger/head.js';
import { IntegrityError } from '../ledger/integrity.js';
import type { KeyRow } from '../ledger/sealed-event.js';
import { noteSigner } from '../nexus/note-signer.js';
import type { Session } from '../nexus/session.js';
import { snapshotRows } from '../nexus/snapshots.js';
import { noRow, type Query, query } from '../sql.js';
import { encodeExport, encodeKeys } from './format.js';

const oneSnapshot: Query<never> = query(null, noRow, 'set transaction isolation level repeatable read, read only');

/** The key went with it, and a start needs the snapshot that the event names: of that this process does not know yet. */
const retiredAfter: Query<number> = query(
  'export_retired_after',
  ({ position }) => (typeof position === 'number' ? E.right(position) : E.left('a position')),
  "select position from events where lane = 1 and type = 'epoch.retired' and position > $1 limit 1",
);

/** What this process knows of the key store and what the snapshot holds of it are not of the same moment. */
export class KeystoreMoved extends Error {
  override readonly name = 'KeystoreMoved';
}

export interface MadeExport {
  readonly content: Buffer;
  readonly size: number;
}

/** `erased`: lines of the erasure list that lies beside it. Throws `KeystoreMoved`: catch up, and make it again. */
export const makeExport = (session: Session, erased: number): Promise<MadeExport> =>
  session.ports.runner.transaction(async tx => {
    await tx.run(oneSnapshot);
    const { custody } = session;
    const [stored] = await tx.run(newestHead);
    const [keyring] = await tx.run(keyringRow);
    if (stored === undefined || keyring === undefined) throw new IntegrityError('keyring');
    const { size, root, keyringGeneration } = believeHead(custody, stored);
    // Before the rows are read, which takes long: what is folded meanwhile is not of this export.
    const { keystore, base } = session.authority;
    if (keystore?.generation !== keyringGeneration) throw new KeystoreMoved('the key store is changing');
    const unknown = await tx.run(retiredAfter, [session.authority.position]);
    if (unknown.length > 0) throw new KeystoreMoved('a header epoch was retired');
    const slots = await tx.run(slotRows);
    const pages: Buffer[] = [];
    for (let after: Uuid | null = ZERO_UUID; after !== null; ) {
      const page: readonly KeyRow[] = await tx.run(keyRowsAfter, [after]);
      if (page.length > 0) pages.push(encodeKeys(page));
      after = page.at(-1)?.keyId ?? null;
    }
    const snapshot = base === null ? [] : await tx.run(snapshotRows, [base]);
    if (base !== null && snapshot.length === 0) throw new KeystoreMoved('a header epoch is being retired');
    const { generation, slotsDigest, term, checks } = keystore;
    const manifest = { ledger: custody.ledgerId, size, root, generation, slotsDigest, term, checks, erased };
    return {
      content: encodeExport(manifest, { slots, keyring, snapshot }, pages, noteSigner(custody).signForAll),
      size,
    };
  });
