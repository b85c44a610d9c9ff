/**
 * Keeps a session up to date with what other processes append: woken by the doorbell, with a poll as the net under it. An
 * integrity error here is loud and repeated; it stops nothing by itself, since every request checks what it reads.
 */
import type { Session } from './session.js';

const POLL_MS = 2000;

export interface Follower {
  stop(): void;
}

export const follow = (
  session: Session,
  subscribe: (listener: () => void) => () => void,
  notice: (what: string, cause: unknown) => void,
): Follower => {
  let [busy, again, stopped] = [false, false, false];
  const look = async (): Promise<void> => {
    if (stopped || session.closed) return;
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    try {
      await session.catchUp();
    } catch (cause) {
      if (!stopped) notice('following the ledger', cause);
    } finally {
      busy = false;
    }
    if (again) {
      again = false;
      await look();
    }
  };
  const unsubscribe = subscribe(() => void look());
  const timer = setInterval(() => void look(), POLL_MS);
  timer.unref();
  return {
    stop: () => {
      stopped = true;
      clearInterval(timer);
      unsubscribe();
    },
  };
};
