/** Who opens the ledger: slots, rekeying, a new root token. */
import { does, type Fields, gives, type Route, type Success } from './route.js';

const SHARES: Fields = {
  ...{ secret_shares: 'integer', secret_threshold: 'integer', pgp_keys: 'strings', age_recipients: 'strings' },
};
const GIVEN: Fields = { key: 'string', nonce: 'string' };
const REKEY: Fields = { ...SHARES, backup: 'boolean', require_verification: 'boolean', stored_shares: 'integer' };

const rekey = (at: string, success: Success): readonly Route[] => [
  {
    path: `${at}/init`,
    verbs: {
      read: gives('Whether shares are being exchanged, and how many were given', {}, success),
      write: gives('Begins to exchange the shares', REKEY, success),
      delete: does('Ends it: nothing was changed'),
    },
  },
  { path: `${at}/update`, verbs: { write: gives('Gives one of today’s shares', GIVEN, success) } },
  {
    path: `${at}/verify`,
    verbs: {
      read: gives('How many of the new shares were given back', {}, success),
      write: gives('Gives back one of the new shares', GIVEN, success),
      delete: gives('Begins to verify again', {}, success),
    },
  },
  {
    path: `${at}/backup`,
    verbs: { read: gives('The encrypted shares of the last exchange'), delete: does('Destroys them') },
  },
];

const root = (at: string, success: Success): readonly Route[] => [
  {
    path: `${at}/attempt`,
    verbs: {
      read: gives('Whether a root token is being made, and how many shares were given', {}, success),
      write: gives('Begins to make a root token', { otp: 'string', pgp_key: 'string' }, success),
      delete: does('Ends it'),
    },
  },
  { path: `${at}/update`, verbs: { write: gives('Gives a share', GIVEN, success) } },
];

export const custody: readonly Route[] = [
  {
    path: 'sys/ledger/slots',
    verbs: {
      read: gives('Who opens the ledger'),
      list: gives('Who opens the ledger'),
      write: gives('Adds a slot', {
        ...{ kind: 'string', name: 'string', password: 'string', policies: 'strings', uri: 'string' },
        ...SHARES,
      }),
    },
  },
  { path: 'sys/ledger/slots/{slot}', verbs: { delete: does('Removes a slot, by its id or name') } },
  {
    path: 'sys/ledger/slots/{slot}/rotate',
    verbs: { write: gives('Puts something new in a slot’s place', { password: 'string' }) },
  },
  {
    path: 'sys/ledger/root-key',
    verbs: {
      read: gives('Whether the root key is being rotated, and how many shares were given'),
      write: gives('Rotates the root key, or begins to', {
        ...{ password: 'string', key_file: 'string', drop: 'strings' },
        ...SHARES,
      }),
      delete: does('Ends it: nothing was changed'),
    },
  },
  {
    path: 'sys/ledger/root-key/update',
    verbs: { write: gives('Gives one of today’s shares, then of the new ones', GIVEN) },
  },
  ...rekey('sys/rekey', 'bare'),
  ...rekey('sys/rotate/root', 'data'),
  ...root('sys/generate-root', 'bare'),
  ...root('sys/generate-root-token', 'data'),
  {
    path: 'sys/decode-token',
    open: true,
    verbs: { write: gives('Takes the pad off a root token', { encoded_token: 'string', otp: 'string' }) },
  },
];
