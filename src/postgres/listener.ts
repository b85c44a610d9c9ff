/**
 * LISTEN through pg-listen, under a supervisor. pg-listen reconnects by itself, but may give up half way (a LISTEN that fails
 * on the new connection), and cannot be told to stop; so a subscriber that is given up is also made unable to come back.
 */
import pgListen, { type Subscriber } from 'pg-listen';
import { backoffMs } from './backoff.js';
import { type ConnectionOptions, clientConfig, type SessionSettings } from './connection.js';

export interface Listener {
  /** Idempotent. */
  start(): void;
  close(): Promise<void>;
}

/** A dead network is noticed by a query of pg-listen's own that is not answered. */
const CHECK_EVERY_MS = 5000;
const CHECK_ANSWER_MS = 4000;

export const openListener = (
  connection: ConnectionOptions,
  settings: SessionSettings,
  channel: string,
  tell: () => void,
  onError: (cause: unknown) => void,
): Listener => {
  let current: Subscriber | null = null;
  let failures = 0;
  let timer: NodeJS.Timeout | null = null;
  let [started, closed] = [false, false];
  /** The `listen` that runs, so that closing waits for what it opens. */
  let starting: Promise<void> = Promise.resolve();

  const rebuildLater = (): void => {
    if (closed || timer !== null) return;
    failures += 1;
    timer = setTimeout(() => {
      timer = null;
      starting = listen();
    }, backoffMs(failures));
  };

  const listen = async (): Promise<void> => {
    const made = subscriberOf(connection, settings, () => current === made);
    await current?.close().catch(() => undefined);
    if (closed) return;
    current = made;
    made.events.on('error', cause => {
      if (current !== made) return;
      onError(cause);
      rebuildLater();
    });
    // After its own reconnects too: what rang meanwhile was missed.
    made.events.on('connected', () => {
      if (current === made) tell();
      else void made.close().catch(() => undefined);
    });
    made.notifications.on(channel, tell);
    try {
      await made.connect();
      await made.listenTo(channel);
      failures = 0;
      // LISTEN first, then look: what was rung before is caught up by this.
      tell();
    } catch (cause) {
      // Another one took its place, and closed it.
      if (current !== made) return;
      onError(cause);
      rebuildLater();
    }
  };

  return {
    start: () => {
      if (started || closed) return;
      started = true;
      starting = listen();
    },
    close: async () => {
      closed = true;
      if (timer !== null) clearTimeout(timer);
      await starting;
      const last = current;
      current = null;
      await last?.close().catch(() => undefined);
    },
  };
};

/** `wanted` false: its attempts to reconnect end. */
const subscriberOf = (connection: ConnectionOptions, settings: SessionSettings, wanted: () => boolean): Subscriber => {
  const config = clientConfig(connection, settings);
  return pgListen.default(
    { ...config, options: config.options ?? '', query_timeout: CHECK_ANSWER_MS },
    {
      // Its own defaults stop reconnecting after 3 s.
      retryTimeout: 0,
      retryLimit: Number.POSITIVE_INFINITY,
      retryInterval: attempt => {
        // The only door out of its loop: it ends in an 'error' event, which nobody hears any more.
        if (!wanted()) throw new Error('this subscriber was given up');
        return backoffMs(attempt + 1);
      },
      paranoidChecking: CHECK_EVERY_MS,
      // Payloads are not ours, and not read.
      parse: () => undefined,
    },
  );
};
