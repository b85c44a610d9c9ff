/**
 * The doorbell: NOTIFY after a commit, never inside it (a notifying commit holds a lock of the whole server), merged to one
 * ring each few ms on a connection of its own. A ring is a hint; the stored position is the truth. pg-listen does the
 * listening, under a supervisor that builds a new subscriber when it gives up (postgres docs: docs/reference/postgresql.md).
 */
import pgListen, { type Subscriber } from 'pg-listen';
import { type ConnectionOptions, clientConfig, newClient, type SessionSettings } from './connection.js';

export interface Doorbell {
  /** Soon; several are merged. Never throws. */
  ring(): void;
  /** Called at each ring, and after each reconnect, because what rang meanwhile was missed. Returns the way out. */
  subscribe(listener: () => void): () => void;
  close(): Promise<void>;
}

const MERGE_MS = 5;
const AGAIN_MS = 1000;

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
  let closed = false;
  let subscriber: Subscriber | null = null;
  let rebuild: NodeJS.Timeout | null = null;

  const later = (): void => {
    if (closed || rebuild !== null) return;
    rebuild = setTimeout(() => {
      rebuild = null;
      void listen();
    }, AGAIN_MS);
    rebuild.unref();
  };

  const listen = async (): Promise<void> => {
    await subscriber?.close().catch(() => undefined);
    if (closed) return;
    const config = clientConfig(connection, settings);
    const made = pgListen.default(
      { ...config, options: config.options ?? '' },
      // Its own defaults stop reconnecting after 3 s.
      { retryTimeout: 0, retryLimit: Number.POSITIVE_INFINITY, retryInterval: AGAIN_MS, paranoidChecking: 5000 },
    );
    subscriber = made;
    made.events.on('error', cause => {
      onError(cause);
      if (subscriber === made) later();
    });
    made.events.on('connected', tell);
    made.notifications.on(channel, tell);
    try {
      await made.connect();
      await made.listenTo(channel);
      // LISTEN first, then look: what was rung before is caught up by this.
      tell();
    } catch (cause) {
      onError(cause);
      later();
    }
  };

  const ringer = openRinger(connection, settings, channel, onError);
  return {
    ring: ringer.ring,
    subscribe: listener => {
      listeners.add(listener);
      if (subscriber === null) void listen();
      return () => listeners.delete(listener);
    },
    close: async () => {
      closed = true;
      if (rebuild !== null) clearTimeout(rebuild);
      await subscriber?.close().catch(() => undefined);
      await ringer.close();
    },
  };
};

/** Rings on one connection with synchronous_commit off: a lost ring costs a poll interval, not a flush. */
const openRinger = (
  connection: ConnectionOptions,
  settings: SessionSettings,
  channel: string,
  onError: (cause: unknown) => void,
) => {
  let client: ReturnType<typeof newClient> | null = null;
  let timer: NodeJS.Timeout | null = null;
  let ringing: Promise<void> = Promise.resolve();

  const ringNow = async (): Promise<void> => {
    try {
      if (client === null) {
        const made = newClient(connection, { ...settings, extra: { synchronous_commit: 'off' } });
        const gone = (): void => {
          if (client === made) client = null;
        };
        made.on('error', gone);
        made.on('end', gone);
        client = made;
        await made.connect();
      }
      await client?.query({ name: 'ring', text: 'select pg_notify($1, null)', values: [channel] });
    } catch (cause) {
      client = null;
      onError(cause);
    }
  };

  return {
    ring: (): void => {
      timer ??= setTimeout(() => {
        timer = null;
        ringing = ringing.then(ringNow);
      }, MERGE_MS);
    },
    close: async (): Promise<void> => {
      if (timer !== null) clearTimeout(timer);
      await ringing;
      await client?.end().catch(() => undefined);
    },
  };
};
