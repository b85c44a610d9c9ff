/**
 * Verifying a certificate offline: with nothing but the file and, from elsewhere, the ledger's checkpoint key. Every step
 * that fails has its own words; nothing of the file is believed before its signature was checked.
 */

import { uuidBytes } from '../crypto/bytes.js';
import { canonicalJson } from '../crypto/canonical-json.js';
import { entry, eventHash, factsHash, leafHash, sealedHash } from '../crypto/event-hash.js';
import { verifyInclusion } from '../crypto/merkle.js';
import {
  type Checkpoint,
  decodeCheckpoint,
  decodeVerifierKey,
  type NoteKey,
  openNote,
  originOf,
} from '../crypto/signed-note.js';
import type { Fact, Facts } from '../domain/facts.js';
import { E, type Either } from '../fp.js';
import { Certificate, type CertificateDocument, type Destroyed, type ProvenEvent } from './document.js';
import { certificateText } from './text.js';

export interface Verified {
  readonly document: CertificateDocument;
  readonly checkpoint: Checkpoint;
  readonly events: number;
}

/** `trusted`: the checkpoint key as hex or as a verifier key; null: the one in the file is taken, which proves less. Left: why not. */
export const verifyCertificate = (text: string, trusted: string | null): Either<string, Verified> => {
  const certificate = decode(text);
  if (certificate === null) return E.left('this is not an erasure certificate of a version that is known here');
  const { document, note } = certificate;
  const key = keyOf(document, trusted);
  if (typeof key === 'string') return E.left(key);
  const signed = openNote(note, key);
  if (signed === null)
    return E.left('the signature of the certificate is not right: it was changed, or another key made it');
  if (signed !== certificateText(document))
    return E.left('the document is not the one that was signed: one of its fields was changed');
  const checkpoint = openCheckpoint(certificate.checkpoint, key);
  if (checkpoint === null) return E.left('the signature of the ledger head is not right');
  const complaint = eventsComplaint(document, checkpoint);
  return complaint === null ? E.right({ document, checkpoint, events: eventsOf(document).length }) : E.left(complaint);
};

const decode = (text: string): Certificate | null => {
  try {
    const parsed: unknown = JSON.parse(text);
    if (!Certificate.is(parsed)) return null;
    // Numbers that are not whole have no canonical text.
    canonicalJson(parsed.document);
    return parsed;
  } catch {
    return null;
  }
};

const HEX_KEY = /^[0-9a-f]{64}$/;

const keyOf = (document: CertificateDocument, trusted: string | null): NoteKey | string => {
  const name = originOf(document.ledger);
  const text = trusted ?? document.checkpoint_key;
  const key = HEX_KEY.test(text) ? { name, publicKey: Buffer.from(text, 'hex') } : decodeVerifierKey(text);
  if (key === null) return 'the key is neither 64 hex digits nor a verifier key';
  if (key.name !== name) return 'the certificate is of another ledger than the key';
  if (key.publicKey.toString('hex') !== document.checkpoint_key)
    return 'the certificate names another checkpoint key than the one that was given';
  return key;
};

const openCheckpoint = (note: string, key: NoteKey): Checkpoint | null => {
  const text = openNote(note, key);
  const checkpoint = text === null ? null : decodeCheckpoint(text);
  return checkpoint?.origin === key.name ? checkpoint : null;
};

const eventsOf = ({ request, destroyed }: CertificateDocument): readonly ProvenEvent[] => [
  ...destroyed.map(({ event }) => event),
  ...(request.event === null ? [] : [request.event]),
];

const eventsComplaint = (document: CertificateDocument, checkpoint: Checkpoint): string | null => {
  const ledger = uuidBytes(document.ledger);
  for (const event of eventsOf(document)) {
    const leaf = leafOf(ledger, event);
    const proof = event.proof.map(hash => Buffer.from(hash, 'hex'));
    if (leaf === null || !verifyInclusion(event.position - 1, checkpoint.size, leaf, proof, checkpoint.root))
      return `the event at position ${event.position} is not proved to be in the ledger`;
  }
  const bad = document.destroyed.find(each => !tellsOfItsKeys(each));
  if (bad !== undefined)
    return `the event at position ${bad.event.position} did not destroy the keys that are listed with it`;
  return requestComplaint(document);
};

const leafOf = (ledger: Buffer, { sealed, facts, ...placed }: ProvenEvent): Buffer | null => {
  const bytes = (hex: string | null): Buffer | null => (hex === null ? null : Buffer.from(hex, 'hex'));
  try {
    const hash = sealedHash(ledger, {
      eventId: sealed.event_id,
      streamId: sealed.stream_id,
      type: sealed.type,
      lane: sealed.lane,
      actor: sealed.actor,
      epoch: sealed.epoch,
      day: sealed.day,
      keyId: sealed.key_id,
      headerHash: Buffer.from(sealed.header_hash, 'hex'),
      namesHash: bytes(sealed.names_hash),
      bodyKind: sealed.body_kind,
      bodyLen: sealed.body_len,
      bodyHash: bytes(sealed.body_hash),
    });
    const event = eventHash(placed.stream_version, factsHash(factsOf(facts)), hash);
    return leafHash(entry(ledger, placed.position, placed.recorded_at, event));
  } catch (error) {
    // What cannot be encoded was never an event.
    if (error instanceof RangeError || error instanceof TypeError) return null;
    throw error;
  }
};

const isFact = (value: unknown): value is Fact =>
  typeof value === 'number' ||
  typeof value === 'boolean' ||
  typeof value === 'string' ||
  (Array.isArray(value) && value.every(isFact));

const factsOf = (value: Readonly<Record<string, unknown>>): Facts => {
  const facts: { [name: string]: Fact } = {};
  for (const [name, fact] of Object.entries(value)) {
    if (!isFact(fact)) throw new TypeError('not a fact');
    facts[name] = fact;
  }
  return facts;
};

const tellsOfItsKeys = ({ event, keys }: Destroyed): boolean => {
  const { writes, through } = event.facts;
  const named = new Set(Array.isArray(writes) ? writes : []);
  return (
    event.sealed.type === 'secret.destroyed' &&
    keys.every(
      ({ stream_version: at }) =>
        at < event.stream_version && (named.has(at) || (typeof through === 'number' && at <= through)),
    )
  );
};

const requestComplaint = ({ request, destroyed }: CertificateDocument): string | null => {
  const { event } = request;
  if (event === null) return destroyed.length === 1 ? null : 'a destroy without a request is of one secret';
  const { count, keys, term } = event.facts;
  const listed = destroyed.reduce((sum, each) => sum + each.keys.length, 0);
  if (event.sealed.type !== 'erasure.requested' || event.position !== request.position)
    return 'the request is not an erasure';
  if (typeof count !== 'number' || typeof keys !== 'number' || typeof term !== 'number' || keys !== listed)
    return 'the request destroyed another number of keys than are listed';
  const batch = event.sealed.stream_id;
  const outside = destroyed.find(
    each =>
      each.event.facts.batch !== batch ||
      each.event.position >= event.position ||
      each.event.position < event.position - count,
  );
  return outside === undefined
    ? null
    : `the event at position ${outside.event.position} does not belong to the request`;
};
