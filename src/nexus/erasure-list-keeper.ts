/**
 * Keeps this node's erasure list whole: what other nodes destroyed, and what a crash between COMMIT and line left out, is
 * found in the ledger and added (keys of retired epochs: operations/epochs/keeper.ts). A restore that only this node comes back from then brings nothing back. How far it looked
 * lies beside the list; without that, or after a rollback, it looks at everything again.
 */

import { type DestroyedKey, keysDestroyedAfter } from './destroys.js';
import { readIfThere, writeWhole } from './durable-file.js';
import type { Session } from './session.js';

const LOOK_EVERY_MS = 2000;
/** Written down after so many events, also when nothing was destroyed. */
const EVENTS_APART = 10_000;

/** Returns the way to stop. */
export const keepErasureList = (session: Session, seenPath: string, failed: (cause: unknown) => void): (() => void) => {
  let [at, written, busy, stopped]: [number | null, number, boolean, boolean] = [null, 0, false, false];
  const going = (): boolean => !stopped && !session.closed;
  const look = async (): Promise<void> => {
    if (busy || !going()) return;
    busy = true;
    try {
      if (at === null) written = at = await readSeen(seenPath, session);
      while (going() && at < session.known.head.size) {
        const page = await keysDestroyedAfter(session, at, position => session.erasureList.hasAdded(position));
        if (!going()) return;
        await addTo(session, page.keys);
        at = page.upTo;
        if (page.keys.length === 0 && at < written + EVENTS_APART) continue;
        await writeWhole(seenPath, `${session.custody.ledgerId} ${at}\n`);
        written = at;
      }
    } catch (cause) {
      if (going()) failed(cause);
    } finally {
      busy = false;
    }
  };
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  timer.unref();
  void look();
  return () => {
    stopped = true;
    clearInterval(timer);
  };
};

const addTo = (session: Session, keys: readonly DestroyedKey[]): Promise<void> =>
  session.listErased(keys.filter(({ keyId }) => !session.erased.has(keyId)));

const readSeen = async (path: string, { custody, known }: Session): Promise<number> => {
  const [ledger, position = ''] = ((await readIfThere(path)) ?? '').trimEnd().split(' ');
  const seen = /^\d{1,15}$/.test(position) ? Number(position) : 0;
  return ledger === custody.ledgerId && seen <= known.head.size ? seen : 0;
};
