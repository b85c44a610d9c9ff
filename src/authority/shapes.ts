/** The shapes of lane-1 facts and headers that authority reads, as codecs: what was decrypted is decoded before it is used. */
import * as t from 'io-ts';
import type { StoredEvent } from '../ledger/event.js';
import { IntegrityError } from '../ledger/integrity.js';

const orNone = <C extends t.Mixed>(codec: C) => t.union([codec, t.undefined]);

export const KeystoreFacts = t.type({
  generation: t.number,
  slots_digest: t.string,
  term: t.number,
  checks: t.array(t.tuple([t.number, t.string])),
});

export const SlotEntry = t.intersection([
  t.type({ id: t.string, kind: t.number }),
  t.partial({ name: t.string, entity: t.string, login_key: t.string }),
]);

/** `root` = a new root key, the header epoch from which its row key serves, and the snapshot that was made for it. `backup` = the key row with shares that are encrypted to their holders, and the rekey that made it; null: no more. */
export const KeystoreHeader = t.type({
  added: orNone(t.array(SlotEntry)),
  removed: orNone(t.array(t.string)),
  backup: orNone(t.union([t.type({ key: t.string, nonce: t.string }), t.null])),
  root: orNone(
    t.intersection([t.type({ generation: t.number, first_epoch: t.number }), t.partial({ snapshot: t.number })]),
  ),
});

export const TermFacts = t.type({ term: t.number });

/** What `keystore.changed` says of terms: of each at most one. */
export const TermChangeHeader = t.partial({
  rewrapped: t.number,
  ended: t.number,
  holders: t.array(t.string),
  wrapped: t.string,
  escrow: t.type({ id: t.string, term: t.number, recipients: t.array(t.string), sha256: t.string }),
  copy_gone: t.type({ term: t.number, holder: t.string }),
});

/** `keeps`: its erasure key lay in a place of the node's own. */
export const TermHoldersHeader = t.partial({
  holders: t.array(t.intersection([t.type({ node: t.string }), t.partial({ keeps: t.boolean })])),
});

export const EpochFacts = t.type({ epoch: t.number });

/** The key row that went, and the position of the snapshot that a start needs from then on. */
export const EpochRetiredHeader = t.type({ key: t.string, snapshot: t.number });

export const EntityHeader = t.intersection([
  t.type({ kind: t.string }),
  t.partial({ policies: t.array(t.string), aliases: t.array(t.type({ mount: t.string, id: t.string })) }),
]);

export const MountFacts = t.type({ number: t.number });

const limits = t.partial({ config: t.record(t.string, t.unknown) });

/** Whole settings, also after a change: the fold replaces, it does not merge. */
export const MountHeader = t.type({
  mount: t.intersection([
    t.type({ path: t.string, kind: t.string, type: t.string }),
    t.partial({ description: t.string, options: t.record(t.string, t.string) }),
    limits,
  ]),
});

export const MountTunedHeader = t.type({
  mount: t.intersection([t.partial({ description: t.string, options: t.record(t.string, t.string) }), limits]),
});

export const MountMovedHeader = t.type({ mount: t.type({ path: t.string }) });

export const TokenFacts = t.intersection([
  t.type({ token_hash: t.string }),
  t.partial({ expires_at: t.number, parent: t.string }),
]);

/** Times in seconds; absent = 0 = none. `uses` = how many it was given. */
export const TokenHeader = t.intersection([
  t.type({
    accessor: t.string,
    policies: t.array(t.string),
    display_name: t.string,
    creation_path: t.string,
    method: t.string,
  }),
  t.partial({
    meta: t.record(t.string, t.string),
    ttl: t.number,
    period: t.number,
    explicit_max_ttl: t.number,
    max_ttl: t.number,
    uses: t.number,
    renewable: t.boolean,
    bound_cidrs: t.array(t.string),
    role: t.string,
    auth_mount: t.string,
  }),
]);

export const TokenRenewedFacts = t.partial({ expires_at: t.number });
/** Uses that are left after it; absent = none. */
export const SpentFacts = t.partial({ uses: t.number });
/** Absent or false: only this token ends, and its children become orphans. */
export const TokenRevokedFacts = t.partial({ tree: t.boolean });

export const PolicyHeader = t.type({ name: t.string, text: t.string });
export const PolicyRemovedHeader = t.type({ name: t.string });

/** `auth_mount` = the mount's id, NO_MOUNT for the token store; `settings` are decoded by the method that owns the role. */
export const RoleHeader = t.type({
  auth_mount: t.string,
  name: t.string,
  settings: t.record(t.string, t.unknown),
});

/** `credential` = id of the key row that holds the verifier. */
export const LoginHeader = t.intersection([
  t.type({ auth_mount: t.string, name: t.string, settings: t.record(t.string, t.unknown) }),
  t.partial({ credential: t.string }),
]);

export const SecretIdFacts = t.partial({ expires_at: t.number, uses: t.number });
export const SecretIdHeader = t.intersection([
  t.type({ auth_mount: t.string, role: t.string, accessor: t.string, credential: t.string }),
  t.partial({
    meta: t.record(t.string, t.string),
    ttl: t.number,
    cidrs: t.array(t.string),
    token_cidrs: t.array(t.string),
  }),
]);

/** `settings: null` takes them back to what they were before anything was set. */
export const SettingsHeader = t.type({
  name: t.string,
  settings: t.union([t.record(t.string, t.unknown), t.null]),
});

/** `path` in full, a folder's with its slash; `node` the mount, folder or secret that is held. */
export const HoldHeader = t.intersection([
  t.type({ hold: t.type({ name: t.string, mount: t.string, node: t.string, path: t.string }) }),
  t.partial({ reason: t.string }),
]);
export const HoldLiftedHeader = t.type({ hold: t.type({ name: t.string }) });

/** A configuration item `retention/NAME`; `minimum_age` in seconds. */
export const RetentionSettings = t.type({
  mount: t.string,
  node: t.string,
  path: t.string,
  minimum_age: t.number,
});

/** The decoded part, or an integrity error that names the event: an authentic event of another shape is not ours to guess. */
export const read = <A>(codec: t.Type<A, unknown, unknown>, value: unknown, event: StoredEvent): A => {
  const decoded = codec.decode(value);
  if (decoded._tag === 'Left') throw new IntegrityError(`${event.type} (shape)`, event.position);
  return decoded.right;
};
