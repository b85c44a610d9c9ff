/** How to reach a database, and how every one of our connections behaves once it is there. */
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import pg from 'pg';
import { clientTypes } from './types.js';

export interface ConnectionOptions {
  readonly host: string;
  readonly port: number;
  readonly database: string;
  readonly user: string;
  readonly password: string;
  /** Null: a local socket or loopback. */
  readonly tls: TlsOptions | null;
}

export interface SessionSettings {
  /** Schemas in order; quoted by us. */
  readonly searchPath: readonly string[];
  readonly applicationName: string;
  readonly statementTimeoutMs: number;
  readonly lockTimeoutMs: number;
  readonly idleInTransactionMs: number;
  readonly extra?: Readonly<Record<string, string>>;
}

const CONNECT_TIMEOUT_MS = 5000;
/** How much longer than the server's own timeout an answer is waited for: then the server, or the way to it, is gone. */
const ANSWER_GRACE_MS = 5000;

/** One start-up option of the wire protocol; a backslash before blanks and backslashes. */
const option = (name: string, value: string): string => `-c ${name}=${value.replace(/([\\ ])/g, '\\$1')}`;

/** The server notices within half a minute that a client's machine vanished, and lets go of its locks. */
const KEEPALIVE = {
  tcp_keepalives_idle: '10',
  tcp_keepalives_interval: '5',
  tcp_keepalives_count: '3',
  tcp_user_timeout: '20000',
};

export const clientConfig = (connection: ConnectionOptions, settings: SessionSettings): pg.ClientConfig => {
  const path = settings.searchPath.map(schema => `"${schema.replaceAll('"', '""')}"`).join(',');
  const options = {
    search_path: path,
    default_transaction_isolation: 'read committed',
    statement_timeout: String(settings.statementTimeoutMs),
    lock_timeout: String(settings.lockTimeoutMs),
    idle_in_transaction_session_timeout: String(settings.idleInTransactionMs),
    client_connection_check_interval: '1000',
    timezone: 'UTC',
    datestyle: 'ISO',
    ...(connection.host.startsWith('/') ? {} : KEEPALIVE),
    ...settings.extra,
  };
  return {
    host: connection.host,
    port: connection.port,
    database: connection.database,
    user: connection.user,
    password: connection.password,
    ...(connection.tls === null ? {} : { ssl: { ...connection.tls } }),
    application_name: settings.applicationName,
    options: Object.entries(options)
      .map(([name, value]) => option(name, value))
      .join(' '),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
    query_timeout: settings.statementTimeoutMs + ANSWER_GRACE_MS,
    keepAlive: true,
    keepAliveInitialDelayMillis: 10_000,
    types: clientTypes,
  };
};

export const newClient = (
  connection: ConnectionOptions,
  settings: SessionSettings,
  more: pg.ClientConfig = {},
): pg.Client => new pg.Client({ ...clientConfig(connection, settings), ...more });
