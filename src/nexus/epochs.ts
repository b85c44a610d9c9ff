/**
 * Header epochs: a new one with each UTC month (formats.md §5). The event and its key row are appended like everything else;
 * of several nodes that notice the month's turn, the first one's event is the epoch.
 */

import { wipe } from '../crypto/bytes.js';
import { stream } from '../crypto/names.js';
import { randomBytes, randomUuid4, randomUuid7 } from '../crypto/random.js';
import { ownerOfEpoch } from '../keys/custody.js';
import { sealEvent } from '../keys/event-sealer.js';
import { KeyKind } from '../keys/key-kinds.js';
import type { Session } from './session.js';

const LOOK_EVERY_MS = 60_000;

const monthOf = (ms: number): number => {
  const date = new Date(ms);
  return date.getUTCFullYear() * 12 + date.getUTCMonth();
};

/** Opens a new epoch if the newest one was opened in an earlier month. */
export const openEpochIfDue = async (session: Session, nowMs: number): Promise<void> => {
  const { authority, custody } = session;
  if (monthOf(authority.epochOpenedAt / 1000) >= monthOf(nowMs)) return;
  const epoch = custody.epoch + 1;
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
  const opened = await session.appender.submit({
    streams: [streamId],
    repeatOf: null,
    alone: true,
    weight: sealed.header.length,
    eventsMax: 1,
    deadlineMs: nowMs + 30_000,
    gone: () => false,
    decide: () =>
      custody.epoch >= epoch
        ? { kind: 'nothing', result: false }
        : { kind: 'append', events: [{ sealed, facts: { epoch } }], insertKeys: [key], result: () => true },
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
