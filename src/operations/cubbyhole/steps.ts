/**
 * Steps on one secret of a token's own store, sealed before the lock and decided at the head. They hold only while nothing
 * happened to the secret since it was read, so the key that goes is the key of what was read.
 */
import type { Uuid } from '../../crypto/bytes.js';
import type { Erased } from '../../crypto/erasure-lines.js';
import { randomUuid7 } from '../../crypto/random.js';
import type { Facts } from '../../domain/facts.js';
import type { Header } from '../../domain/header.js';
import { decideInTurn, type Step } from '../../domain/secret/sequence.js';
import { initial, type SecretState } from '../../domain/secret/state.js';
import { sealEvent } from '../../keys/event-sealer.js';
import { KeyKind } from '../../keys/key-kinds.js';
import type { HeadView } from '../../ledger/command.js';
import type { SealedEvent } from '../../ledger/sealed-event.js';
import { readSecret, rememberLive, type SecretRead, withLive } from '../../nexus/secret-streams.js';
import type { Session } from '../../nexus/session.js';
import { SETTINGS } from './place.js';

/** A secret of the store as it was read, with what commands on it have to know. */
export interface Stored {
  readonly state: SecretState;
  readonly written: SecretRead['written'];
  readonly keys: SecretRead['keys'];
  readonly position: number;
}

/** Of a token that is about to be made. */
export const NOTHING_STORED: Stored = { state: initial, written: null, keys: [], position: 0 };

/** Linearizable, with lane 1 folded as of then. */
export const readStored = async (session: Session, node: Uuid): Promise<Stored> => {
  const { state: known, written, keys, position } = await readSecret(session, node);
  const state = await withLive(session, known, node);
  rememberLive(session, node, state);
  return { state, written, keys, position };
};

export interface Prepared {
  readonly node: Uuid;
  readonly sealed: readonly SealedEvent[];
  /** Ids of the keys that go. */
  readonly destroys: readonly Uuid[];
  /** At the head, one for each sealed event; null: the secret has moved since it was read. */
  readonly facts: (view: HeadView<SecretState>) => readonly Facts[] | null;
}

export interface Draft {
  readonly node: Uuid;
  /** Names that the first event brings in. */
  readonly names?: Parameters<typeof sealEvent>[1]['names'];
  readonly stored: Stored;
  readonly steps: readonly Step[];
  readonly actor: Uuid | null;
  readonly header: Header;
  /** Of the write among the steps. */
  readonly plaintext?: Buffer;
}

export const prepareSteps = (session: Session, draft: Draft): Prepared => {
  const { node, steps, stored, actor, header, plaintext } = draft;
  const sealed = steps.map(({ type }, index) => {
    const eventId = randomUuid7(session.ports.nowMs());
    const body = { kind: KeyKind.secretVersion, owner: node, plaintext: plaintext ?? Buffer.alloc(0) };
    return sealEvent(session.custody, {
      ...{ eventId, streamId: node, type, lane: 0, actor, header },
      ...(index === 0 && draft.names !== undefined ? { names: draft.names } : {}),
      ...(type === 'secret.written' ? { body } : {}),
    });
  });
  const key = steps.some(({ type }) => type === 'secret.destroyed') ? (stored.written?.keyId ?? null) : null;
  return {
    ...{ node, sealed, destroys: key === null ? [] : [key] },
    facts: view => {
      if (view.streamVersion(node) !== stored.state.streamVersion) return null;
      const decided = decideInTurn(steps, view.state(node), SETTINGS, view.recordedAt);
      return decided._tag === 'Right' && decided.right.length === sealed.length
        ? decided.right.map(({ facts }) => facts)
        : null;
    },
  };
};

/** Sealed events with their facts, for a decision. */
export const withFacts = (sealed: readonly SealedEvent[], facts: readonly Facts[]) =>
  sealed.flatMap((parts, i) => {
    const own = facts[i];
    return own === undefined ? [] : [{ sealed: parts, facts: own }];
  });

/** Lines of the erasure list: of a commit of several events its end counts. */
export const erasedAt = (position: number, keyIds: readonly Uuid[]): readonly Erased[] =>
  keyIds.map(keyId => ({ position, keyId }));
