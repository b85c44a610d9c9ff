/**
 * The erasure certificate as a document: what was destroyed, on which ground, how it is proved, and by when it is gone from
 * every copy. Its shapes are for ever, like those of events: what changes gets another `format`.
 */
import * as t from 'io-ts';

export const FORMAT = 'tallystick-erasure-certificate/1';

const orNull = <C extends t.Mixed>(codec: C) => t.union([codec, t.null]);

/** Everything that an event's hash is made of, and the way from it to the root (formats.md §8). Hashes are hex. */
export const ProvenEvent = t.type({
  position: t.number,
  /** µs */
  recorded_at: t.number,
  stream_version: t.number,
  facts: t.UnknownRecord,
  sealed: t.type({
    event_id: t.string,
    stream_id: t.string,
    type: t.string,
    lane: t.number,
    actor: orNull(t.string),
    epoch: t.number,
    day: t.number,
    key_id: orNull(t.string),
    header_hash: t.string,
    names_hash: orNull(t.string),
    body_kind: t.number,
    body_len: t.number,
    body_hash: orNull(t.string),
  }),
  proof: t.array(t.string),
});
export type ProvenEvent = t.TypeOf<typeof ProvenEvent>;

const DestroyedKey = t.type({
  key_id: t.string,
  /** value or custom metadata */
  of: t.string,
  /** Where what it opened had been written. */
  position: t.number,
  stream_version: t.number,
  written_at: t.string,
});

const Destroyed = t.type({ path: t.string, event: ProvenEvent, keys: t.array(DestroyedKey) });
export type Destroyed = t.TypeOf<typeof Destroyed>;

export const CertificateDocument = t.type({
  format: t.literal(FORMAT),
  ledger: t.string,
  /** Ed25519, hex: what signed this. Whoever verifies it has it from elsewhere. */
  checkpoint_key: t.string,
  issued_at: t.string,
  /** `event` is absent where versions were destroyed without a request. */
  request: t.type({
    event: orNull(ProvenEvent),
    position: t.number,
    recorded_at: t.string,
    scope: t.string,
    basis: orNull(t.string),
    reason: orNull(t.string),
    ticket: orNull(t.string),
    actor: t.type({ id: orNull(t.string), name: orNull(t.string) }),
    /** Secrets of the scope that a hold or a rule kept. */
    kept: t.number,
  }),
  destroyed: t.array(Destroyed),
  /** Looked up when this was issued: 0 as long as nobody put one back. */
  key_rows_found: t.number,
  term: t.type({
    /** None of the keys was ever wrapped under a later one. */
    last: t.number,
    state: t.string,
    /** pending: not yet, on `fully_erased_on` · confirmed: the end of the term is recorded */
    erasure: t.keyof({ pending: null, confirmed: null }),
    fully_erased_on: t.string,
    by: t.keyof({ term: null, backups: null }),
    term_ends: orNull(t.string),
    backups_expire: t.string,
    confirmed_at: orNull(t.string),
  }),
  escrow: t.array(
    t.type({
      id: t.string,
      term: t.number,
      made_at: t.string,
      recipients: t.array(t.string),
      destroyed: orNull(t.string),
    }),
  ),
  living_copies: t.intersection([
    t.type({
      /** Every write up to there was looked at. */
      searched_to: t.number,
      found: t.array(t.type({ path: t.string, position: t.number, event_id: t.string })),
    }),
    /** Writes of which nobody can tell any more: their headers are retired. */
    t.partial({ headers_retired: t.number }),
  ]),
  readers: t.type({ recorded: t.boolean, note: t.string }),
});
export type CertificateDocument = t.TypeOf<typeof CertificateDocument>;

/** As it is handed out: the document, a signed text for people that is made of it, and the signed head that proves it. */
export const Certificate = t.type({ document: CertificateDocument, note: t.string, checkpoint: t.string });
export type Certificate = t.TypeOf<typeof Certificate>;
