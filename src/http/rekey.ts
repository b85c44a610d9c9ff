/**
 * Rekey and generate-root (vault-wire.md §7.5, §7.6): `sys/rekey/` and `sys/generate-root/` answer with bare objects, the
 * newer `sys/rotate/root/` and `sys/generate-root-token/` inside the envelope, and always ask for a token.
 */
import type { Backup, RekeyStatus, RootStatus, VerifyStatus } from '../operations/custody/contract.js';
import { OTP_LENGTH } from '../operations/custody/contract.js';
import { table } from '../table.js';
import { type Answer, errors, noContent, ok, oneError, raw } from './answer.js';
import { answered, type Call, type Verb } from './call.js';
import { keyField, keyFields, recipientFields, splitFields } from './custody-fields.js';
import { boolField, stringField } from './fields.js';

type Route = (call: Call, newer: boolean) => Promise<Answer> | Answer;
type Routes = Readonly<Partial<Record<Verb, Route>>>;

const shown = (call: Call, newer: boolean, data: object): Answer =>
  newer ? ok(call.context.requestId, data) : raw(200, data);

const statusObject = (status: RekeyStatus, newer: boolean): object => {
  const { nonce, split, progress, required, fingerprints, backup, verificationRequired, verificationNonce } = status;
  if (newer && split === null) return { started: false, t: 0, n: 0, required };
  return {
    ...{ nonce, started: split !== null, t: split?.threshold ?? 0, n: split?.shares ?? 0, progress, required },
    ...{ pgp_fingerprints: fingerprints, backup, verification_required: verificationRequired },
    ...(verificationNonce === null ? {} : { verification_nonce: verificationNonce }),
  };
};

const verifyObject = ({ nonce, split, progress }: VerifyStatus): object => ({
  ...{ nonce, started: true, t: split.threshold, n: split.shares, progress },
});

const rekeyInit: Routes = {
  read: (call, newer) =>
    answered(call, call.operations.custody.rekeyStatus(call.context, {}), status =>
      shown(call, newer, statusObject(status, newer)),
    ),
  write: (call, newer) => {
    const { fields } = call;
    const split = splitFields(fields, 'invalid rekey seal configuration');
    const recipients = recipientFields(fields, split.shares, 'incorrect number of PGP keys for rekey');
    const backup = boolField(fields, 'backup') ?? false;
    if (backup && recipients.pgpKeys.length === 0)
      return errors(400, 'cannot request a backup of the new keys without providing PGP keys for encryption');
    const requireVerification = boolField(fields, 'require_verification') ?? false;
    const request = { split, recipients, backup, requireVerification };
    return answered(call, call.operations.custody.rekeyStart(call.context, request), status =>
      shown(call, newer, statusObject(status, newer)),
    );
  },
  delete: call => answered(call, call.operations.custody.rekeyCancel(call.context, {}), () => noContent),
};

const rekeyUpdate: Routes = {
  write: (call, newer) =>
    answered(call, call.operations.custody.rekeyUpdate(call.context, keyField(call.fields)), done => {
      if (!done.complete) return shown(call, newer, statusObject(done.status, newer));
      const { nonce, fingerprints, backup, verificationRequired, verificationNonce } = done.status;
      return shown(call, newer, {
        ...{ nonce, complete: true, ...keyFields(done.keys), pgp_fingerprints: fingerprints, backup },
        verification_required: verificationRequired,
        ...(verificationNonce === null ? {} : { verification_nonce: verificationNonce }),
      });
    }),
};

const rekeyVerify: Routes = {
  read: (call, newer) =>
    answered(call, call.operations.custody.verifyStatus(call.context, {}), status =>
      shown(call, newer, verifyObject(status)),
    ),
  write: (call, newer) =>
    answered(call, call.operations.custody.verifyUpdate(call.context, keyField(call.fields)), done =>
      shown(call, newer, done.complete ? { nonce: done.nonce, complete: true } : verifyObject(done.status)),
    ),
  delete: (call, newer) =>
    answered(call, call.operations.custody.verifyRestart(call.context, {}), status =>
      shown(call, newer, verifyObject(status)),
    ),
};

const backupObject = ({ nonce, keys }: Backup): object => ({
  ...{ nonce, keys },
  keys_base64: Object.fromEntries(
    Object.entries(keys).map(([fingerprint, texts]) => [
      fingerprint,
      texts.map(text => Buffer.from(text, 'hex').toString('base64')),
    ]),
  ),
});

const rekeyBackup: Routes = {
  read: call =>
    answered(call, call.operations.custody.readBackup(call.context, {}), backup =>
      ok(call.context.requestId, backupObject(backup)),
    ),
  delete: call => answered(call, call.operations.custody.removeBackup(call.context, {}), () => noContent),
};

/** `otpLength`: how long a one-time pad is to be; 0 where nobody asks. */
const rootObject = (
  { nonce, progress, required, fingerprint, otp }: RootStatus,
  { started, complete = false, encoded = '', otpLength = OTP_LENGTH }: RootState,
): object => ({
  ...{ nonce, started, progress, required, complete, encoded_token: encoded, encoded_root_token: encoded },
  ...{ pgp_fingerprint: fingerprint, otp, otp_length: otpLength },
});

interface RootState {
  readonly started: boolean;
  readonly complete?: boolean;
  readonly encoded?: string;
  readonly otpLength?: number;
}

const rootAttempt: Routes = {
  read: (call, newer) =>
    answered(call, call.operations.custody.rootStatus(call.context, {}), status =>
      shown(call, newer, rootObject(status, { started: status.started })),
    ),
  write: (call, newer) => {
    const text = (field: string): string | null => stringField(call.fields, field) || null;
    const request = { otp: text('otp'), pgpKey: text('pgp_key') };
    return answered(call, call.operations.custody.rootStart(call.context, request), status =>
      shown(call, newer, rootObject(status, { started: true })),
    );
  },
  delete: call => answered(call, call.operations.custody.rootCancel(call.context, {}), () => noContent),
};

const rootUpdate: Routes = {
  write: (call, newer) =>
    answered(call, call.operations.custody.rootUpdate(call.context, keyField(call.fields)), done => {
      const { complete, encodedToken: encoded } = done;
      return shown(call, newer, rootObject(done.status, { started: true, complete, encoded, otpLength: 0 }));
    }),
};

const ROUTES = table<Routes>({
  'rekey/init': rekeyInit,
  'rekey/update': rekeyUpdate,
  'rekey/verify': rekeyVerify,
  'rekey/backup': rekeyBackup,
  'generate-root/attempt': rootAttempt,
  'generate-root/update': rootUpdate,
});

/** Null: not one of ours. */
export const rekey = (call: Call): Promise<Answer> | Answer | null => {
  const newer = /^sys\/(?:rotate\/root|generate-root-token)\//.test(call.path);
  const name = call.path
    .replace(/^sys\//, '')
    .replace(/^rotate\/root\//, 'rekey/')
    .replace(/^generate-root-token\//, 'generate-root/');
  const routes = call.path.startsWith('sys/') ? ROUTES[name] : undefined;
  if (routes === undefined) return null;
  return routes[call.verb]?.(call, newer) ?? oneError(405, 'unsupported operation');
};
