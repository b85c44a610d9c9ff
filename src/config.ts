/**
 * The settings of a server, from flags and environment, decoded once. Nothing else in the server reads the environment;
 * a setting that cannot be used stops the start with a sentence that names it.
 */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { hostname } from 'node:os';
import { delimiter, resolve } from 'node:path';
import * as t from 'io-ts';
import { E, type Either } from './fp.js';
import type { Kms } from './kms/kms.js';
import { openKms } from './kms/open.js';
import { type ErasureKeyPlace, TERM_PLACE } from './nexus/erasure-keys.js';

const Variables = t.partial({
  DATABASE_URL: t.string,
  TALLYSTICK_LISTEN: t.string,
  TALLYSTICK_DATA: t.string,
  TALLYSTICK_SCHEMA: t.string,
  TALLYSTICK_DATABASE_URL_OWNER: t.string,
  TALLYSTICK_DATABASE_URL_WRITER: t.string,
  TALLYSTICK_DATABASE_URL_PROJECTOR: t.string,
  TALLYSTICK_DATABASE_URL_AUDITOR: t.string,
  TALLYSTICK_DATABASE_URL_FILE: t.string,
  TALLYSTICK_DATABASE_CA: t.string,
  TALLYSTICK_DATABASE_CERT: t.string,
  TALLYSTICK_DATABASE_KEY: t.string,
  TALLYSTICK_TLS_CERT: t.string,
  TALLYSTICK_TLS_KEY: t.string,
  TALLYSTICK_TLS_CLIENT_CA: t.string,
  TALLYSTICK_PLAIN_HTTP: t.string,
  TALLYSTICK_ERASURE_KEY: t.string,
  TALLYSTICK_ESCROW_ELSEWHERE: t.string,
  TALLYSTICK_PEPPER_FILE: t.string,
  TALLYSTICK_KEY_EXPORT: t.string,
  TALLYSTICK_KMS: t.string,
  TALLYSTICK_OPEN_REKEY: t.string,
  TALLYSTICK_LOG: t.string,
  TALLYSTICK_NODE: t.string,
  TALLYSTICK_POOL: t.string,
  TALLYSTICK_READ_CACHE: t.string,
  TALLYSTICK_WORKERS: t.string,
  TALLYSTICK_CONNECTIONS: t.string,
  TALLYSTICK_REQUESTS: t.string,
  TALLYSTICK_REQUEST_TIMEOUT: t.string,
  TALLYSTICK_OPEN_RATE: t.string,
  TALLYSTICK_TRUSTED_PROXIES: t.string,
  TALLYSTICK_PROJECTORS: t.string,
});

export type Variables = t.TypeOf<typeof Variables>;

export interface TlsFiles {
  readonly ca: string | null;
  readonly cert: string | null;
  readonly key: string | null;
}

/** Of each process. */
export interface Limits {
  readonly connections: number;
  /** In flight at once. */
  readonly requests: number;
  readonly requestTimeoutMs: number;
  /** Requests a second that one address may make without a token; 0 = any number. */
  readonly openRate: number;
  /** Networks of proxies whose `X-Forwarded-For` is believed. */
  readonly proxies: readonly string[];
}

export interface Config {
  readonly host: string;
  readonly port: number;
  /** Absolute. */
  readonly dataFolder: string;
  /** Null: the embedded server in the data folder. */
  readonly databaseUrl: string | null;
  /** Logins made by hand, where DATABASE_URL may not create roles. */
  readonly roleUrls: { readonly writer: string; readonly projector: string; readonly auditor: string } | null;
  readonly schema: string;
  readonly databaseTls: TlsFiles;
  readonly poolSize: number;
  /** Of sealed rows that were read, kept for the next read; 0 = every read asks for its rows. */
  readonly readCacheMib: number;
  /** Processes that share the port; 1 = this one alone. */
  readonly workers: number;
  readonly limits: Limits;
  readonly tls: { readonly cert: string; readonly key: string; readonly clientCa: string | null } | null;
  /** Plain HTTP beyond loopback, said explicitly. */
  readonly plainHttp: boolean;
  readonly erasureKey: ErasureKeyPlace;
  /** True when a person chose where erasure keys live; a production init insists on it. */
  readonly erasureKeyChosen: boolean;
  /** Copies of erasure keys are kept by other means: health does not ask for escrows. */
  readonly escrowElsewhere: boolean;
  /** Of new slots the first; of older ones any. */
  readonly pepperFiles: readonly string[];
  /** Where the newest key export is kept; null: nowhere. */
  readonly keyExport:
    | { readonly kind: 'folder'; readonly path: string }
    | { readonly kind: 'exec'; readonly program: string }
    | null;
  /** Keys that others keep: they open slots at the start. */
  readonly kms: readonly Kms[];
  /** Rekey and generate-root ask for shares alone, not for a token as well. */
  readonly openRekey: boolean;
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal' | 'silent';
  readonly nodeId: string;
  /** Whether this process folds projections itself. */
  readonly projectors: boolean;
}

export type Flags = Readonly<Record<string, string | boolean | undefined>>;

/** Left: one sentence that names the setting and says what it must be. Flags win over the environment. */
export const readConfig = (flags: Flags, environment: NodeJS.ProcessEnv = process.env): Either<string, Config> => {
  const decoded = Variables.decode(environment);
  if (decoded._tag === 'Left') return E.left('the environment holds something that is not text');
  const env = decoded.right;
  const set = (flag: string, variable: keyof Variables): string | null => {
    const value = flags[flag];
    const text = typeof value === 'string' ? value : env[variable];
    return text === undefined || text === '' ? null : text;
  };
  try {
    return E.right(configFrom(flags, set));
  } catch (error) {
    if (error instanceof Unusable) return E.left(error.message);
    throw error;
  }
};

class Unusable extends Error {}

type Set = (flag: string, variable: keyof Variables) => string | null;

const configFrom = (flags: Flags, set: Set): Config => {
  const dataFolder = resolve(set('data', 'TALLYSTICK_DATA') ?? '.tallystick');
  const erasureKey = set('erasureKey', 'TALLYSTICK_ERASURE_KEY');
  return {
    ...listenAddress(set('listen', 'TALLYSTICK_LISTEN') ?? '127.0.0.1:8200'),
    dataFolder,
    databaseUrl: databaseUrl(set),
    roleUrls: roleUrls(set),
    schema: schemaName(set('schema', 'TALLYSTICK_SCHEMA') ?? 'tallystick'),
    databaseTls: {
      ca: set('databaseCa', 'TALLYSTICK_DATABASE_CA'),
      cert: set('databaseCert', 'TALLYSTICK_DATABASE_CERT'),
      key: set('databaseKey', 'TALLYSTICK_DATABASE_KEY'),
    },
    poolSize: numberBetween('TALLYSTICK_POOL', set('pool', 'TALLYSTICK_POOL') ?? '8', 2, 100),
    readCacheMib: numberBetween('TALLYSTICK_READ_CACHE', set('readCache', 'TALLYSTICK_READ_CACHE') ?? '64', 0, 4096),
    workers: numberBetween('TALLYSTICK_WORKERS', set('workers', 'TALLYSTICK_WORKERS') ?? '1', 1, 64),
    limits: limits(set),
    tls: tlsFiles(set),
    plainHttp:
      flags.plainHttp === true || isYes('TALLYSTICK_PLAIN_HTTP', set('plainHttp', 'TALLYSTICK_PLAIN_HTTP'), false),
    erasureKey: erasureKeyPlace(erasureKey, dataFolder),
    erasureKeyChosen: erasureKey !== null,
    escrowElsewhere: isYes('TALLYSTICK_ESCROW_ELSEWHERE', set('escrowElsewhere', 'TALLYSTICK_ESCROW_ELSEWHERE'), false),
    keyExport: keyExportPlace(set('keyExport', 'TALLYSTICK_KEY_EXPORT')),
    pepperFiles: (set('pepperFile', 'TALLYSTICK_PEPPER_FILE') ?? '').split(delimiter).filter(path => path !== ''),
    kms: kmsKeys(set('kms', 'TALLYSTICK_KMS') ?? ''),
    openRekey: isYes('TALLYSTICK_OPEN_REKEY', set('openRekey', 'TALLYSTICK_OPEN_REKEY'), false),
    logLevel: logLevel(set('log', 'TALLYSTICK_LOG') ?? 'info'),
    nodeId: (set('node', 'TALLYSTICK_NODE') ?? hostname()).slice(0, 64),
    projectors:
      flags.projectors !== false && isYes('TALLYSTICK_PROJECTORS', set('projectors', 'TALLYSTICK_PROJECTORS'), true),
  };
};

const listenAddress = (text: string): { host: string; port: number } => {
  const match = /^(?:\[([0-9a-f:.]+)\]|([^:[\]]+)):(\d{1,5})$/i.exec(text);
  const [host, port] = [match?.[1] ?? match?.[2], Number(match?.[3])];
  if (host === undefined || port > 65_535)
    throw new Unusable('TALLYSTICK_LISTEN must be host:port, such as 127.0.0.1:8200');
  return { host, port };
};

/** A URL holds a password: it may come from a file, which keeps it out of the process's environment. */
const databaseUrl = (set: Set): string | null => {
  const file = set('databaseUrlFile', 'TALLYSTICK_DATABASE_URL_FILE');
  const url =
    file === null
      ? (set('databaseUrl', 'DATABASE_URL') ?? set('databaseUrl', 'TALLYSTICK_DATABASE_URL_OWNER'))
      : firstLine(file);
  if (url !== null && !/^postgres(ql)?:\/\//.test(url)) throw new Unusable('DATABASE_URL must begin with postgres://');
  return url;
};

const firstLine = (path: string): string => {
  try {
    return readFileSync(path, 'utf8').split('\n')[0]?.trim() ?? '';
  } catch {
    throw new Unusable(`TALLYSTICK_DATABASE_URL_FILE: ${path} cannot be read`);
  }
};

const roleUrls = (set: Set): Config['roleUrls'] => {
  const writer = set('writerUrl', 'TALLYSTICK_DATABASE_URL_WRITER');
  const projector = set('projectorUrl', 'TALLYSTICK_DATABASE_URL_PROJECTOR');
  const auditor = set('auditorUrl', 'TALLYSTICK_DATABASE_URL_AUDITOR');
  if (writer === null && projector === null && auditor === null) return null;
  if (writer === null || projector === null || auditor === null)
    throw new Unusable('TALLYSTICK_DATABASE_URL_WRITER, _PROJECTOR and _AUDITOR go together: give all three or none');
  return { writer, projector, auditor };
};

const schemaName = (name: string): string => {
  if (!/^[a-z_][a-z0-9_]{0,30}$/.test(name))
    throw new Unusable('TALLYSTICK_SCHEMA must be 1 to 31 lower-case letters, digits or underscores');
  return name;
};

const limits = (set: Set): Limits => {
  const number = (flag: string, variable: keyof Variables, otherwise: string, low: number, high: number): number =>
    numberBetween(variable, set(flag, variable) ?? otherwise, low, high);
  const proxies = (set('trustedProxies', 'TALLYSTICK_TRUSTED_PROXIES') ?? '').split(',').map(part => part.trim());
  return {
    connections: number('connections', 'TALLYSTICK_CONNECTIONS', '10000', 1, 1_000_000),
    requests: number('requests', 'TALLYSTICK_REQUESTS', '2000', 1, 100_000),
    requestTimeoutMs: 1000 * number('requestTimeout', 'TALLYSTICK_REQUEST_TIMEOUT', '60', 1, 3600),
    openRate: number('openRate', 'TALLYSTICK_OPEN_RATE', '200', 0, 1_000_000),
    proxies: proxies.filter(part => part !== '').map(network),
  };
};

/** As it is written; whether an address lies in it is asked where addresses are. */
const network = (text: string): string => {
  const [address = '', bits, ...rest] = text.split('/');
  const version = isIP(address);
  const most = version === 4 ? 32 : 128;
  if (version === 0 || rest.length > 0 || (bits !== undefined && (!/^\d{1,3}$/.test(bits) || Number(bits) > most)))
    throw new Unusable('TALLYSTICK_TRUSTED_PROXIES must be addresses or networks, such as 10.0.0.0/8,::1');
  return text;
};

const tlsFiles = (set: Set): Config['tls'] => {
  const [cert, key] = [set('tlsCert', 'TALLYSTICK_TLS_CERT'), set('tlsKey', 'TALLYSTICK_TLS_KEY')];
  if ((cert === null) !== (key === null))
    throw new Unusable('TALLYSTICK_TLS_CERT and TALLYSTICK_TLS_KEY go together: give both files or neither');
  return cert === null || key === null ? null : { cert, key, clientCa: set('tlsClientCa', 'TALLYSTICK_TLS_CLIENT_CA') };
};

const erasureKeyPlace = (text: string | null, dataFolder: string): Config['erasureKey'] => {
  if (text === 'none') return { kind: 'none' };
  if (text === null) return { kind: 'file', path: resolve(dataFolder, 'erasure-keys') };
  if (text.startsWith('file:') && text.length > 5) return { kind: 'file', path: resolve(text.slice(5)) };
  if (!text.includes(TERM_PLACE))
    throw new Unusable(
      `TALLYSTICK_ERASURE_KEY must be file:PATH, none, or a key of a key service for each term, with ${TERM_PLACE} in its name`,
    );
  const tried = openKms(text.replaceAll(TERM_PLACE, '1'));
  if (tried._tag === 'Left') throw new Unusable(`TALLYSTICK_ERASURE_KEY ${tried.left}`);
  return { kind: 'kms', template: text };
};

/** Several are separated by spaces: while one takes another's place. */
const kmsKeys = (text: string): readonly Kms[] =>
  text
    .split(/\s+/)
    .filter(word => word !== '')
    .map(word => {
      const kms = openKms(word);
      if (kms._tag === 'Left') throw new Unusable(`TALLYSTICK_KMS: each ${kms.left}`);
      return kms.right;
    });

const keyExportPlace = (text: string | null): Config['keyExport'] => {
  if (text === null) return null;
  const [, kind, path] = /^(folder|exec):(.+)$/s.exec(text) ?? [];
  if (kind === 'folder' && path !== undefined) return { kind, path: resolve(path) };
  if (kind === 'exec' && path?.startsWith('/')) return { kind, program: path };
  throw new Unusable('TALLYSTICK_KEY_EXPORT must be folder:PATH, or exec: and the absolute path of a program');
};

const isYes = (name: string, text: string | null, otherwise: boolean): boolean => {
  if (text === null) return otherwise;
  if (/^(1|true|yes|on)$/i.test(text)) return true;
  if (/^(0|false|no|off)$/i.test(text)) return false;
  throw new Unusable(`${name} must be yes or no`);
};

const numberBetween = (name: string, text: string, low: number, high: number): number => {
  const value = Number(text);
  if (!Number.isInteger(value) || value < low || value > high)
    throw new Unusable(`${name} must be between ${low} and ${high}`);
  return value;
};

const LEVELS = ['trace', 'debug', 'info', 'warn', 'error', 'fatal', 'silent'] as const;

const logLevel = (text: string): Config['logLevel'] => {
  const level = LEVELS.find(known => known === text);
  if (level === undefined) throw new Unusable(`TALLYSTICK_LOG must be one of ${LEVELS.join(', ')}`);
  return level;
};
