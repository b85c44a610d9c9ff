/**
 * Keeps a session up to date with what other processes append: woken by the doorbell, with a poll as the net under it. An
 * integrity error here is loud and repeated; it stops nothing by itself, since every request checks what it reads.
 */
import type { Session } from './session.js';

const POLL_MS = 2000;
/** This process rings too: looking more often than this would cost more than it tells. */
const APART_MS = 200;

export interface Follower {
  stop(): void;
}

export const follow = (
  session: Session,
  subscribe: (listener: () => void) => () => void,
  notice: (what: string, cause: unknown) => void,
): Follower => {
  let [busy, stopped] = [false, false];
  let later: NodeJS.Timeout | null = null;
  const look = async (): Promise<void> => {
    if (busy || stopped || session.closed) return;
    busy = true;
    try {
      await session.catchUp();
    } catch (cause) {
      if (!stopped) notice('following the ledger', cause);
    } finally {
      busy = false;
    }
  };
  const rung = (): void => {
    later ??= setTimeout(() => {
      later = null;
      void look();
    }, APART_MS);
    later.unref();
  };
  const unsubscribe = subscribe(rung);
  const timer = setInterval(() => void look(), POLL_MS);
  timer.unref();
  return {
    stop: () => {
      stopped = true;
      clearInterval(timer);
      if (later !== null) clearTimeout(later);
      unsubscribe();
    },
  };
};
