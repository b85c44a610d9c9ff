/** The shapes of lane-1 facts and headers that authority reads, as codecs: what was decrypted is decoded before it is used. */
import * as t from 'io-ts';
import type { StoredEvent } from '../ledger/event.js';
import { IntegrityError } from '../ledger/integrity.js';

export const KeystoreFacts = t.type({
  generation: t.number,
  slots_digest: t.string,
  term: t.number,
  checks: t.array(t.tuple([t.number, t.string])),
});

const orNone = <C extends t.Mixed>(codec: C) => t.union([codec, t.undefined]);

export const SlotEntry = t.intersection([
  t.type({ id: t.string, kind: t.number }),
  t.partial({ name: t.string, entity: t.string, login_key: t.string }),
]);

export const KeystoreHeader = t.type({ added: orNone(t.array(SlotEntry)), removed: orNone(t.array(t.string)) });

export const EntityHeader = t.type({ kind: t.string, policies: orNone(t.array(t.string)) });

export const MountFacts = t.type({ number: t.number });

export const MountHeader = t.type({
  mount: t.intersection([
    t.type({ path: t.string, kind: t.string, type: t.string }),
    t.partial({ description: t.string, options: t.record(t.string, t.string) }),
  ]),
});

export const TokenFacts = t.intersection([
  t.type({ token_hash: t.string }),
  t.partial({ expires_at: t.number, parent: t.string }),
]);

export const TokenHeader = t.intersection([
  t.type({
    accessor: t.string,
    policies: t.array(t.string),
    display_name: t.string,
    creation_path: t.string,
    method: t.string,
  }),
  t.partial({ meta: t.record(t.string, t.string), ttl: t.number }),
]);

/** The decoded part, or an integrity error that names the event: an authentic event of another shape is not ours to guess. */
export const read = <A>(codec: t.Type<A, unknown, unknown>, value: unknown, event: StoredEvent): A => {
  const decoded = codec.decode(value);
  if (decoded._tag === 'Left') throw new IntegrityError(`${event.type} (shape)`, event.position);
  return decoded.right;
};
