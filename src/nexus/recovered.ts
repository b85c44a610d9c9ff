/**
 * A rollback that a person accepted (formats.md §3): the database is behind what this node saw, or has another history
 * since. Serving goes on from what is there, and that it does is the first event on top of it. What the key store has and
 * the ledger lost is recorded behind it: header epochs, and after `operator recover` terms, slots and the keyring.
 */
import type { KeystoreSeal } from '../authority/authority.js';
import { stream } from '../crypto/names.js';
import { randomUuid7 } from '../crypto/random.js';
import { decodeSlotRecord } from '../crypto/slot-record.js';
import type { Facts } from '../domain/facts.js';
import type { Header } from '../domain/header.js';
import type { Failure } from '../failure.js';
import { E, type Either } from '../fp.js';
import { sealEvent } from '../keys/event-sealer.js';
import { Keyring, sealKeyring } from '../keys/keyring.js';
import type { SlotRow } from '../keys/store.js';
import type { SealedEvent } from '../ledger/sealed-event.js';
import type { Session } from './session.js';

/** What this node had seen of the ledger, and the database does not have. */
export interface Lost {
  readonly size: number;
  /** hex */
  readonly root: string;
}

/** What the key store must look like by its export, where the ledger in the database says something older. */
export type StatedKeystore = Omit<KeystoreSeal, 'position'>;

interface Drafted {
  readonly sealed: SealedEvent;
  readonly facts: Facts;
}

const DEADLINE_MS = 30_000;

export const appendRecovered = async (
  session: Session,
  lost: Lost,
  header: Header,
  slots: readonly SlotRow[],
  stated: StatedKeystore | null,
): Promise<Either<Failure, null>> => {
  const { custody, known, ports } = session;
  const streamOf = (kind: string) => stream(custody.keyring.indexKey, custody.ledger, kind, '');
  const draft = (kind: string, type: string, facts: Facts, own: object = {}): Drafted => ({
    facts,
    sealed: sealEvent(custody, {
      ...{ eventId: randomUuid7(ports.nowMs()), streamId: streamOf(kind), type, lane: 1, actor: null },
      header: { ...header, ...own },
    }),
  });
  const keyring = stated === null ? null : keyringAfter(custody.keyring);
  const events = [
    draft('ledger', 'ledger.recovered', {
      ...{ resumed_size: known.head.size, lost_size: lost.size, lost_root: lost.root },
    }),
    ...lostEpochs(session).map(epoch => draft('keystore', 'epoch.opened', { epoch })),
    ...(stated === null ? [] : lostTerms(session, stated)).flatMap(term => [
      draft('keystore', 'term.prepared', { term }),
      ...(term > (stated?.term ?? 0) ? [] : [draft('keystore', 'term.activated', { term }, { holders: [] })]),
    ]),
    ...(stated === null || keyring === null
      ? []
      : [draft('keystore', 'keystore.changed', factsOf(stated, keyring), slotsChanged(session, slots))]),
  ];
  const done = await session.appender.submit<null>({
    streams: [streamOf('ledger'), streamOf('keystore')],
    repeatOf: null,
    alone: true,
    weight: events.reduce((sum, { sealed }) => sum + sealed.header.length, 0),
    eventsMax: events.length,
    deadlineMs: ports.nowMs() + DEADLINE_MS,
    gone: () => false,
    decide: () => ({
      ...{ kind: 'append', events, result: () => null },
      store:
        keyring === null
          ? []
          : [
              {
                ...{ kind: 'put-keyring', generation: keyring.generation },
                box: sealKeyring(custody.rootKey, custody.ledger, keyring),
              },
            ],
    }),
  });
  if (E.isRight(done) && keyring !== null) custody.replaceKeyring(keyring);
  return done;
};

const keyringAfter = ({ generation, rootGeneration, entries }: Keyring): Keyring =>
  new Keyring(generation + 1, rootGeneration, entries);

/** Their keys are there; without the events another key would get the same number. */
const lostEpochs = ({ authority, custody }: Session): readonly number[] =>
  Array.from({ length: Math.max(0, custody.epoch - authority.epoch) }, (_, i) => authority.epoch + 1 + i);

const lostTerms = ({ authority }: Session, { checks }: StatedKeystore): readonly number[] =>
  [...checks.keys()].filter(term => authority.terms.get(term) === null).sort((a, b) => a - b);

const factsOf = (stated: StatedKeystore, { generation }: Keyring): Facts => ({
  generation,
  slots_digest: stated.slotsDigest,
  term: stated.term,
  checks: [...stated.checks].map(([term, check]) => [term, check]),
});

/** A rotation of the root key that is lost: from here on its row key is the one. */
const lostRoot = ({ authority, custody }: Session) => {
  const { rootGeneration: generation, newestRowEpoch: first_epoch } = custody.keyring;
  return generation > authority.rootGeneration ? { root: { generation, first_epoch } } : {};
};

/** Whose a new slot is was said by an event that is lost. */
const slotsChanged = (session: Session, rows: readonly SlotRow[]) => {
  const { authority } = session;
  const there = new Set(rows.map(({ slotId }) => slotId));
  const added = rows.flatMap(({ slotId, record }) => {
    const slot = authority.slots.has(slotId) ? null : decodeSlotRecord(record);
    return slot === null ? [] : [{ id: slotId, kind: slot.kind }];
  });
  return {
    change: 'recovered',
    added,
    ...lostRoot(session),
    removed: [...authority.slots.keys()].filter(id => !there.has(id)),
  };
};
