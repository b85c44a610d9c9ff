/** Terms of erasure keys. */
import { does, gives, type Route } from './route.js';

export const keys: readonly Route[] = [
  { path: 'sys/ledger/keys', verbs: { read: gives('Terms, their key rows and the copies of their erasure keys') } },
  { path: 'sys/ledger/keys/rotate', verbs: { write: gives('Begins the next term, and tells how all stand') } },
  {
    path: 'sys/ledger/keys/escrow',
    verbs: { write: gives('An age file with the erasure key of a term', { term: 'integer', recipients: 'strings' }) },
  },
  {
    path: 'sys/ledger/keys/copy-gone',
    verbs: { write: does('Reports that a copy of an erasure key is destroyed', { term: 'integer', holder: 'string' }) },
  },
  {
    path: 'sys/ledger/epochs',
    verbs: {
      read: gives('Header epochs, how long headers are kept, and which are retired'),
      write: does('Sets how long headers are kept', { keep: 'duration', for_ever: 'boolean', automatic: 'boolean' }),
    },
  },
  {
    path: 'sys/ledger/epochs/retire',
    verbs: {
      write: gives('Retires header epochs for good, or shows what that would do', {
        ...{ epoch: 'integer', dry_run: 'boolean' },
      }),
    },
  },
  { path: 'sys/key-status', verbs: { read: gives('The active term') } },
  { path: 'sys/rotate', verbs: { write: does('Begins the next term') } },
  { path: 'sys/rotate/keyring', verbs: { write: does('Begins the next term') } },
  {
    path: 'sys/rotate/config',
    verbs: {
      read: gives('When terms begin and how long they last'),
      write: does('Sets when terms begin and how long they last', {
        ...{ enabled: 'boolean', interval: 'duration', backup_retention: 'duration', max_operations: 'integer' },
      }),
    },
  },
];
