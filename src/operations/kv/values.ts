/** Opening what an authenticated event holds, for its own stream and event only. */
import * as t from 'io-ts';
import type { LiveVersion } from '../../domain/secret/state.js';
import type { VersionMetadata } from '../../failure.js';
import { bodyOpening, openBody, openBodyWith } from '../../keys/event-sealer.js';
import type { StoredEvent } from '../../ledger/event.js';
import { IntegrityError } from '../../ledger/integrity.js';
import type { Openings } from '../../ledger/openings.js';
import type { KeyRow } from '../../ledger/sealed-event.js';
import type { SecretRead } from '../../nexus/secret-streams.js';
import type { Session } from '../../nexus/session.js';
import { refuse } from '../app.js';

const CustomMetadata = t.record(t.string, t.string);
export type CustomMetadata = Readonly<Record<string, string>> | null;

/** Where the key of a value is found. */
export interface ValueKeys {
  readonly keys: readonly KeyRow[];
  /** Of a point read. */
  readonly openings?: Openings;
}

/** The plaintext of an event's body. A key that is gone although nothing recorded its destruction is not passed over. */
export const openValue = (session: Session, event: StoredEvent, { keys, openings }: ValueKeys): Buffer => {
  const key = keys.find(row => row.keyId === event.keyId);
  if (key === undefined) {
    if (event.keyId !== null && session.erased.has(event.keyId))
      refuse({ kind: 'erased', message: 'this version was destroyed, as the erasure list of this node says' });
    throw new IntegrityError('key row: it is missing', event.position);
  }
  const { custody } = session;
  const plaintext =
    openings === undefined
      ? openBody(custody, event, key)
      : openings.with(
          key.keyId,
          () => bodyOpening(custody, event, key),
          opening => openBodyWith(opening, event),
        );
  if (plaintext === null) throw new IntegrityError('body or key row', event.position);
  return plaintext;
};

/** Custom metadata as it reads: `{}` stands for none. */
export const openAnnotation = (session: Session, event: StoredEvent | null, keys: ValueKeys): CustomMetadata => {
  if (event === null) return null;
  const parsed: unknown = JSON.parse(openValue(session, event, keys).toString('utf8'));
  if (!CustomMetadata.is(parsed)) throw new IntegrityError('custom metadata', event.position);
  return Object.keys(parsed).length === 0 ? null : parsed;
};

export const versionMetadata = (version: LiveVersion, customMetadata: CustomMetadata): VersionMetadata => ({
  version: version.version,
  createdAt: version.created,
  deletionTime: version.deletionTime,
  destroyed: version.destroyed,
  customMetadata,
});

/** The current version as a read found it; null when there is none yet. */
export const currentVersion = ({ state: { head }, written }: SecretRead): LiveVersion | null =>
  head === null || written === null
    ? null
    : {
        version: head.version,
        streamVersion: head.written,
        created: written.recordedAt,
        deletionTime: head.deletionTime,
        destroyed: head.destroyed,
      };

/** Deleted: its time has come. */
export const isGone = (version: LiveVersion, nowUs: number): boolean =>
  version.destroyed || (version.deletionTime !== 0 && version.deletionTime <= nowUs);
