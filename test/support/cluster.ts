/** Whole servers in this process, on a database of their own: initialised, unsealed, listening on free ports. */
import { copyFileSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import pino from 'pino';
import { readConfig } from '../../src/config.js';
import type { Verb } from '../../src/http/call.js';
import { describedAt } from '../../src/http/openapi/routes.js';
import { goBoolean } from '../../src/http/path.js';
import type { Database } from '../../src/postgres/database.js';
import { type Program, startProgram } from '../../src/program.js';
import { whenSuiteEnds } from './cleanup.js';
import { type ClientCertificate, testClient } from './client.js';
import { type TestDatabase, testDatabase } from './database.js';

// biome-ignore lint/suspicious/noExplicitAny: a test reads into answers of many shapes, and fails where one is another.
export type Json = any;

export interface Reply {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  readonly body: Json;
}

export interface CallOptions {
  /** null = none; absent = the root token. */
  readonly token?: string | null;
  readonly headers?: Readonly<Record<string, string>>;
  /** What the client shows over TLS. */
  readonly certificate?: ClientCertificate;
}

export interface TestNode {
  readonly address: string;
  readonly folder: string;
  readonly program: Program;
  readonly database: Database;
  /** Lines of the log, as they were written. */
  readonly log: readonly string[];
  call(method: string, path: string, body?: unknown, options?: CallOptions): Promise<Reply>;
  stop(): Promise<void>;
}

export interface TestCluster {
  readonly db: TestDatabase;
  readonly node: TestNode;
  readonly rootToken: string;
  /** The one share, hex: the first of `keys`. */
  readonly key: string;
  readonly keys: readonly string[];
  readonly admin: { readonly name: string; readonly password: string };
  /** Another process of the same ledger, as far as the program can tell: own folder, own pools, own memory. */
  newNode(options?: {
    readonly unseal?: boolean;
    readonly settings?: Settings;
    readonly kmsProbeMs?: number;
  }): Promise<TestNode>;
  stop(): Promise<void>;
}

const ADMIN = { name: 'ada', password: 'correct lantern copper violin' };

/** Settings that a test wants otherwise, by their flags. */
type Settings = Readonly<Record<string, string>>;

/** A server of its own on a database that exists already; the caller stops it. */
export const startNode = async (
  db: TestDatabase,
  folder: string,
  tokenOf: () => string,
  settings: Settings,
  kmsProbeMs = 100,
): Promise<TestNode> => {
  const config = readConfig(
    {
      ...{ data: folder, listen: '127.0.0.1:0', log: 'debug' },
      ...{ erasureKey: `file:${join(folder, 'erasure-keys')}`, escrowElsewhere: 'yes' },
      ...settings,
    },
    {},
  );
  if (config._tag === 'Left') throw new Error(config.left);
  const client = testClient(settings.tlsCert);
  const log: string[] = [];
  const logger = pino({ level: 'debug' }, { write: (line: string) => void log.push(line) });
  const database = await db.open({ dataFolder: folder });
  const slotCost = { memoryKib: 19_456, iterations: 2, parallelism: 1 };
  const program = await startProgram(config.right, logger, { database, slotCost, kmsProbeMs });
  return {
    ...{ address: program.address, folder, program, database, log },
    call: async (method, path, body, { token = tokenOf(), headers = {}, certificate } = {}) => {
      const auth = token === null ? {} : { 'x-vault-token': token };
      const text = typeof body === 'string' ? body : JSON.stringify(body);
      const sent = body === undefined ? {} : { body: text };
      const response = await client.fetch(`${program.address}/v1/${path}`, certificate, {
        method,
        headers: { ...auth, ...headers },
        ...sent,
      });
      const answered = await response.text();
      let parsed: Json = null;
      try {
        parsed = answered === '' ? null : JSON.parse(answered);
      } catch {
        // Not JSON: metrics, NDJSON.
      }
      mustBeDescribed(method, path, response.status);
      return { status: response.status, headers: response.headers, text: answered, body: parsed };
    },
    stop: async () => {
      await client.close();
      await program.stop();
      await database.close();
    },
  };
};

const VERBS: Readonly<Record<string, Verb>> = {
  ...{ GET: 'read', LIST: 'list', POST: 'write', PUT: 'write', PATCH: 'patch', DELETE: 'delete' },
};

/** What any test gets done is in the OpenAPI document: a new route needs its entry there. */
const mustBeDescribed = (method: string, target: string, status: number): void => {
  const [path = '', query = ''] = target.split('?');
  const asked = VERBS[method];
  const parameters = new URLSearchParams(query);
  if (status >= 300 || asked === undefined || parameters.has('help')) return;
  const listed = ['list', 'scan'].some(name => goBoolean(parameters.get(name) ?? '') === true);
  const verb = asked === 'read' && listed ? 'list' : asked;
  if (describedAt(decodeURIComponent(path), verb).length === 0)
    throw new Error(`${verb} ${path} is served and not described: add it to src/http/openapi/`);
};

/** A server without a ledger: whoever starts it makes one, and stops it. */
export const freshNode = async (settings: Settings = {}): Promise<TestNode> => {
  const db = await testDatabase();
  const node = await startNode(db, db.dataFolder, () => '', settings);
  let stopping: Promise<void> | null = null;
  const stop = (): Promise<void> => {
    stopping ??= node.stop().then(() => db.drop());
    return stopping;
  };
  whenSuiteEnds(stop);
  return { ...node, stop };
};

export const testCluster = async (
  split = { shares: 1, threshold: 1 },
  settings: Settings = {},
): Promise<TestCluster> => {
  const db = await testDatabase();
  let rootToken = '';
  const tokenOf = (): string => rootToken;
  const node = await startNode(db, db.dataFolder, tokenOf, settings);
  const made = await node.call('POST', 'sys/init', {
    ...{
      secret_shares: split.shares,
      secret_threshold: split.threshold,
      admin_name: ADMIN.name,
      admin_password: ADMIN.password,
    },
  });
  if (made.status !== 200) throw new Error(`init answered ${made.status} ${made.text}`);
  rootToken = made.body.root_token;
  const keys: readonly string[] = made.body.keys;
  const key = keys[0] ?? '';
  const nodes: TestNode[] = [];
  const folders: string[] = [];
  const unseal = async (each: TestNode): Promise<void> => {
    for (const share of keys.slice(0, split.threshold)) {
      const unsealed = await each.call('POST', 'sys/unseal', { key: share });
      if (unsealed.status !== 200) throw new Error(`unseal answered ${unsealed.status} ${unsealed.text}`);
    }
  };
  await unseal(node);
  nodes.push(node);
  let stopping: Promise<void> | null = null;
  const stopAll = async (): Promise<void> => {
    for (const each of nodes) await each.stop().catch(() => undefined);
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
    await db.drop();
  };
  const stop = (): Promise<void> => {
    stopping ??= stopAll();
    return stopping;
  };
  whenSuiteEnds(stop);
  return {
    ...{ db, node, rootToken, key, keys, admin: ADMIN, stop },
    newNode: async (options = {}) => {
      const folder = mkdtempSync(join(tmpdir(), 'tallystick-node-'));
      folders.push(folder);
      const keys = join(db.dataFolder, 'erasure-keys');
      if (existsSync(keys)) copyFileSync(keys, join(folder, 'erasure-keys'));
      const own = { ...settings, ...options.settings };
      const another = await startNode(db, folder, tokenOf, own, options.kmsProbeMs);
      nodes.push(another);
      if (options.unseal !== false) await unseal(another);
      return another;
    },
  };
};
