/** A token's own store, and answers that are handed over. */
import { does, type Fields, gives, type Route } from './route.js';

const TOKEN: Fields = { token: 'string' };
const PART: Fields = { after: 'string', limit: 'integer' };

export const wrapping: readonly Route[] = [
  { path: 'cubbyhole', verbs: { list: gives('What is in the caller’s own store', PART) } },
  {
    path: 'cubbyhole/{path*}',
    verbs: {
      read: gives('What the caller’s token keeps there'),
      list: gives('What is in a folder of it', PART),
      write: does('Writes to the caller’s own store: the body is the data', { value: 'any' }),
      delete: does('Destroys what is there'),
    },
  },
  {
    path: 'sys/wrapping/wrap',
    verbs: { write: gives('Wraps the body; asks for the header X-Vault-Wrap-TTL', { value: 'any' }) },
  },
  { path: 'sys/wrapping/unwrap', verbs: { write: gives('The wrapped answer, once', TOKEN) } },
  { path: 'sys/wrapping/rewrap', verbs: { write: gives('The same answer under another token', TOKEN) } },
  {
    ...{ path: 'sys/wrapping/lookup', open: true },
    verbs: {
      read: gives('Where a wrapped answer came from', TOKEN),
      write: gives('Where a wrapped answer came from', TOKEN),
    },
  },
];
