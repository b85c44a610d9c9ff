/** Rings on one connection with synchronous_commit off: a lost ring costs a poll interval, a flush would cost every append. */
import type pg from 'pg';
import { type ConnectionOptions, newClient, type SessionSettings } from './connection.js';

export interface Ringer {
  ring(): void;
  close(): Promise<void>;
}

const MERGE_MS = 20;

export const openRinger = (
  connection: ConnectionOptions,
  settings: SessionSettings,
  channel: string,
  onError: (cause: unknown) => void,
): Ringer => {
  let client: pg.Client | null = null;
  let timer: NodeJS.Timeout | null = null;
  let ringing: Promise<void> | null = null;
  let again = false;
  let closed = false;

  const connected = async (): Promise<pg.Client> => {
    if (client !== null) return client;
    const made = newClient(connection, { ...settings, extra: { synchronous_commit: 'off' } });
    const gone = (): void => {
      if (client === made) client = null;
    };
    made.on('error', gone);
    made.on('end', gone);
    await made.connect();
    client = made;
    return made;
  };

  const ringOnce = async (): Promise<void> => {
    let used: pg.Client | null = null;
    try {
      used = await connected();
      // No payload: a notification says that there is something, not what.
      await used.query({ name: 'ring', text: 'select pg_notify($1, null)', values: [channel] });
    } catch (cause) {
      client = null;
      void used?.end().catch(() => undefined);
      // That ring is lost: who waits for it polls.
      onError(cause);
    }
  };

  /** One at a time, so that rings during an outage do not queue up behind its timeout. */
  const ringAll = async (): Promise<void> => {
    do {
      again = false;
      await ringOnce();
    } while (again && !closed);
    ringing = null;
  };

  return {
    ring: () => {
      if (closed) return;
      timer ??= setTimeout(() => {
        timer = null;
        again = true;
        ringing ??= ringAll();
      }, MERGE_MS);
    },
    close: async () => {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      await ringing;
      await client?.end().catch(() => undefined);
    },
  };
};
