/**
 * The doorbell: NOTIFY after a commit, never inside it (a notifying commit holds a lock of the whole server, through its
 * flush), merged to one ring each 20 ms. A ring is a hint; the stored position is the truth, and workers poll as well.
 */
import type { ConnectionOptions, SessionSettings } from './connection.js';
import { openListener } from './listener.js';
import { openRinger } from './ringer.js';

export interface Doorbell {
  /** Soon; several are merged. Never throws. */
  ring(): void;
  /** Called at each ring, and after each reconnect, because what rang meanwhile was missed. Returns the way out. */
  subscribe(listener: () => void): () => void;
  close(): Promise<void>;
}

/** Listens from the first subscription on. `onError` hears of what is mended by itself, for the log. */
export const openDoorbell = (
  connection: ConnectionOptions,
  settings: SessionSettings,
  channel: string,
  onError: (cause: unknown) => void,
): Doorbell => {
  const listeners = new Set<() => void>();
  const tell = (): void => {
    for (const listener of listeners) listener();
  };
  const ringer = openRinger(connection, settings, channel, onError);
  const listener = openListener(connection, settings, channel, tell, onError);
  return {
    ring: ringer.ring,
    subscribe: wake => {
      listeners.add(wake);
      listener.start();
      return () => listeners.delete(wake);
    },
    close: async () => {
      listeners.clear();
      await Promise.all([listener.close(), ringer.close()]);
    },
  };
};
