/** Encrypted shares that a rekey put aside, until somebody says that their holders have them. */
import * as t from 'io-ts';
import { unpad } from '../../crypto/padding.js';
import { KeyKind } from '../../keys/key-kinds.js';
import { keyRowsById } from '../../keys/store.js';
import { IntegrityError } from '../../ledger/integrity.js';
import { uuidArray } from '../../postgres/arrays.js';
import { type App, refuse } from '../app.js';
import { operation } from '../operation.js';
import { admitted } from './attempt.js';
import type { CustodyOperations } from './contract.js';
import { changeKeystore } from './keystore-change.js';

const Stored = t.type({ nonce: t.string, keys: t.record(t.string, t.array(t.string)) });

const OP = 'operator.rekey-backup';

export const backupOperations = (app: App): Pick<CustodyOperations, 'readBackup' | 'removeBackup'> => ({
  readBackup: operation('reading the backup of shares', async context => {
    const { session } = await admitted(app, false, context, OP);
    await session.reader.refresh();
    const backup = session.authority.sharesBackup ?? refuse({ kind: 'invalid', message: 'no backed-up keys found' });
    const [row] = await session.ports.runner.run(keyRowsById, [uuidArray([backup.key])]);
    const padded = row?.kind === KeyKind.credential ? session.custody.unwrap(row) : null;
    const plaintext = padded === null ? null : unpad(padded);
    if (plaintext === null) throw new IntegrityError('key row of a backup of shares');
    const stored = Stored.decode(JSON.parse(plaintext.toString('utf8')));
    if (stored._tag === 'Left') throw new IntegrityError('key row of a backup of shares');
    return stored.right;
  }),

  removeBackup: operation('removing the backup of shares', async context => {
    const { session, actor } = await admitted(app, false, context, OP);
    await session.reader.refresh();
    const { sharesBackup } = session.authority;
    if (sharesBackup === null) return null;
    await changeKeystore(session, actor, {
      change: 'backup-removed',
      keys: { remove: [sharesBackup.key] },
      own: { backup: null },
    });
    return null;
  }),
});
