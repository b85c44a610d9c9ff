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

/** One start-up option of the wire protocol; a backslash before blanks and backslashes. */
const option = (name: string, value: string): string => `-c ${name}=${value.replace(/([\\ ])/g, '\\$1')}`;

export const clientConfig = (connection: ConnectionOptions, settings: SessionSettings): pg.ClientConfig => {
  const path = settings.searchPath.map(schema => `"${schema.replaceAll('"', '""')}"`).join(',');
  const options = [
    option('search_path', path),
    option('default_transaction_isolation', 'read committed'),
    option('statement_timeout', String(settings.statementTimeoutMs)),
    option('lock_timeout', String(settings.lockTimeoutMs)),
    option('idle_in_transaction_session_timeout', String(settings.idleInTransactionMs)),
    option('client_connection_check_interval', '1000'),
    option('timezone', 'UTC'),
    option('datestyle', 'ISO'),
    ...Object.entries(settings.extra ?? {}).map(([name, value]) => option(name, value)),
  ];
  return {
    host: connection.host,
    port: connection.port,
    database: connection.database,
    user: connection.user,
    password: connection.password,
    ...(connection.tls === null ? {} : { ssl: connection.tls }),
    application_name: settings.applicationName,
    options: options.join(' '),
    connectionTimeoutMillis: CONNECT_TIMEOUT_MS,
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
