/**
 * Erasure keys that a key service keeps: E[term] wrapped under a key made for that term, named by the setting with `{term}` in
 * it. The wrapped key may lie anywhere, and lies in the database, where every node finds it: what ends it is the end of the
 * service's key. That end is not for this server to bring about; it is seen when the service no longer unwraps.
 */
import { wipe } from '../crypto/bytes.js';
import { sha256 } from '../crypto/prf.js';
import { randomBytes } from '../crypto/random.js';
import { erasureCheck } from '../crypto/term.js';
import { E } from '../fp.js';
import { type Kms, KmsError } from '../kms/kms.js';
import { openKms } from '../kms/open.js';
import { noRow, type Query, query, type Runner } from '../sql.js';
import { type ErasureKeys, TERM_PLACE } from './erasure-keys.js';

interface Wrapped {
  readonly term: number;
  readonly wrapped: Buffer;
}

const wrappedKeys: Query<Wrapped> = query(
  'erasure_keys_wrapped',
  ({ term, wrapped }) =>
    typeof term === 'number' && Buffer.isBuffer(wrapped) ? E.right({ term, wrapped }) : E.left('an erasure_keys row'),
  'select term, wrapped from erasure_keys where term = any ($1::integer[])',
);

const keepWrapped: Query<never> = query(
  'erasure_keys_keep',
  noRow,
  'insert into erasure_keys (term, uri, wrapped) values ($1, $2, $3)',
);

/** The key of a term at the service. */
const kmsOf = (template: string, term: number): Kms => {
  const kms = openKms(template.replaceAll(TERM_PLACE, String(term)));
  // The settings were tried when they were read.
  if (kms._tag === 'Left') throw new KmsError('refused', `the key of term ${term} ${kms.left}`);
  return kms.right;
};

export const kmsErasureKeys = (template: string, runner: Runner): ErasureKeys => {
  const read: ErasureKeys['read'] = async (_ledger, terms) => {
    const found = new Map<number, Buffer>();
    for (const { term, wrapped } of await runner.run(wrappedKeys, [[...terms]]))
      found.set(term, await kmsOf(template, term).unwrap(wrapped));
    return found;
  };
  return {
    name: template.split('#')[0] ?? '',
    erases: true,
    keptElsewhere: true,
    read,
    make: async (ledger, term) => {
      const left = (await read(ledger, [term])).get(term);
      if (left !== undefined) return left;
      const key = randomBytes(32);
      const kms = kmsOf(template, term);
      await runner.run(keepWrapped, [term, kms.uri, await kms.wrap(key)]);
      return key;
    },
    kept: async () => [],
    destroy: async () => {},
    wrappedAs: async (ledger, term, check) => {
      const [row] = await runner.run(wrappedKeys, [[term]]);
      if (row === undefined) return null;
      try {
        const key = await kmsOf(template, term).unwrap(row.wrapped);
        const right = erasureCheck(key, ledger, term).toString('hex') === check;
        wipe(key);
        return right ? sha256(row.wrapped).toString('hex') : null;
      } catch (error) {
        if (error instanceof KmsError && error.trouble === 'refused') return null;
        throw error;
      }
    },
    remote: async (_ledger, term, wrapped) => {
      const kms = kmsOf(template, term);
      const [row] = await runner.run(wrappedKeys, [[term]]);
      if (row === undefined || sha256(row.wrapped).toString('hex') !== wrapped) return kms.uri;
      try {
        wipe(await kms.unwrap(row.wrapped));
        return kms.uri;
      } catch (error) {
        if (!(error instanceof KmsError)) throw error;
        // Away or denied: nobody knows. Refused: the key is gone, or was replaced by another.
        return error.trouble === 'refused' ? null : kms.uri;
      }
    },
  };
};
