/**
 * Header epochs: a new one with each UTC month and with each term (formats.md §5). The event and its key row are appended
 * like everything else; of several nodes that notice the month's turn, the first one's event is the epoch.
 */

import { wipe } from '../crypto/bytes.js';
import { stream } from '../crypto/names.js';
import { randomBytes, randomUuid4, randomUuid7 } from '../crypto/random.js';
import type { Facts } from '../domain/facts.js';
import { ownerOfEpoch } from '../keys/custody.js';
import { sealEvent } from '../keys/event-sealer.js';
import { KeyKind } from '../keys/key-kinds.js';
import type { KeyRow, SealedEvent } from '../ledger/sealed-event.js';
import type { Session } from './session.js';

const LOOK_EVERY_MS = 60_000;

const monthOf = (ms: number): number => {
  const date = new Date(ms);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
};

export interface NewEpoch {
  readonly epoch: number;
  /** The caller's to hand on to custody once it is opened, or to wipe. */
  readonly headerKey: Buffer;
  readonly key: KeyRow;
  readonly sealed: SealedEvent;
  readonly facts: Facts;
}

/** The next epoch, to be appended unless one of its number was opened meanwhile (`authority.epoch`). */
export const draftEpoch = (session: Session, nowMs: number): NewEpoch => {
  const { authority, custody } = session;
  const epoch = authority.epoch + 1;
  const headerKey = randomBytes(32);
  const streamId = stream(custody.keyring.indexKey, custody.ledger, 'keystore', '');
  const sealed = sealEvent(custody, {
    eventId: randomUuid7(nowMs),
    streamId,
    type: 'epoch.opened',
    lane: 1,
    actor: null,
    header: { v: 1, at: nowMs * 1000, op: 'epoch.open', actor: { id: null, kind: 'system' } },
  });
  const key = custody.wrap(randomUuid4(), KeyKind.headerEpoch, ownerOfEpoch(epoch), headerKey);
  return { epoch, headerKey, key, sealed, facts: { epoch } };
};

/** Opens a new epoch if the newest one was opened in an earlier month. */
export const openEpochIfDue = async (session: Session, nowMs: number): Promise<void> => {
  const { authority, custody } = session;
  if (monthOf(authority.epochOpenedAt / 1000) >= monthOf(nowMs)) return;
  const { epoch, headerKey, key, sealed, facts } = draftEpoch(session, nowMs);
  const opened = await session.appender.submit({
    streams: [sealed.streamId],
    repeatOf: null,
    alone: true,
    weight: sealed.header.length,
    eventsMax: 1,
    deadlineMs: nowMs + 30_000,
    gone: () => false,
    decide: () =>
      authority.epoch >= epoch
        ? { kind: 'nothing', result: false }
        : { kind: 'append', events: [{ sealed, facts }], insertKeys: [key], result: () => true },
  });
  if (opened._tag === 'Right' && opened.right) custody.addEpoch(epoch, headerKey);
  else wipe(headerKey);
};

/** Looks once a minute. Returns the way to stop. */
export const keepEpochs = (session: Session, nowMs: () => number, failed: (cause: unknown) => void): (() => void) => {
  const timer = setInterval(() => void openEpochIfDue(session, nowMs()).catch(failed), LOOK_EVERY_MS);
  timer.unref();
  void openEpochIfDue(session, nowMs()).catch(failed);
  return () => clearInterval(timer);
};
