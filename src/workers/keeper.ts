/**
 * `tally server --workers N`: one keeper and N workers that share a port (Node's cluster). The keeper holds the folder, the
 * embedded database, the projections, and is where the ledger is initialised, unsealed and sealed; each worker has keys,
 * authority and database connections of its own, as a node on another machine has, and is told the root key by the keeper.
 * A worker that ends is replaced; when the keeper ends, however, they all do.
 */
import cluster, { type Worker } from 'node:cluster';
import { fileURLToPath } from 'node:url';
import type pino from 'pino';
import { type Assembled, assemble } from '../assemble.js';
import type { Config, Flags } from '../config.js';
import { keyCopy, wipe } from '../crypto/bytes.js';
import { openGround } from '../ground.js';
import type { Answer } from '../http/answer.js';
import { topLevel } from '../http/body.js';
import { dispatch } from '../http/dispatch.js';
import type { Session } from '../nexus/session.js';
import type { ConnectionOptions } from '../postgres/connection.js';
import { UnusableDatabase } from '../postgres/connection-url.js';
import type { Role } from '../postgres/roles.js';
import type { Program } from '../program.js';
import { type AskedCall, type FromKeeper, FromWorker, type Reach } from './messages.js';

/** A worker that has not sealed or unsealed by then is ended. */
const DONE_MS = 10_000;
const STOP_MS = 15_000;
const AGAIN_MS = 1000;
const AGAIN_MS_MAX = 30_000;

interface Root {
  readonly key: Buffer;
  readonly generation: number;
}

export const startKeeper = async (config: Config, flags: Flags, log: pino.Logger): Promise<Program> => {
  const ground = await openGround(config);
  const crew = new Crew(config, flags, reachOf(ground.database.logins), log);
  const assembled = assemble(config, log, ground.database, {
    leads: true,
    unsealed: session => crew.open(rootOf(session)),
    sealing: () => crew.close(),
    rootReplaced: session => crew.open(rootOf(session)),
    otherMetrics: () => crew.metrics(),
  });
  crew.answer = call => answerTo(assembled, call).then(answer => crew.settled().then(() => answer));
  const stop = async (): Promise<void> => {
    // In this order nothing that was answered is lost: no new requests, the last records, then the rest.
    await crew.stop();
    await assembled.stop();
    await ground.stop();
  };
  try {
    const address = await crew.start();
    return {
      ...{ nexus: assembled.nexus, initCode: assembled.initCode, address, stop },
      databaseEnded: ground.embedded?.ended ?? new Promise(() => {}),
    };
  } catch (error) {
    await stop();
    throw error;
  }
};

/** A copy: the session wipes its own when it ends. */
const rootOf = ({ custody }: Session): Root => ({
  key: keyCopy(custody.rootKey),
  generation: custody.keyring.rootGeneration,
});

const reachOf = (logins: Readonly<Record<Role, ConnectionOptions>>): Reach => {
  const { host, port, database } = logins.writer;
  const login = ({ user, password }: ConnectionOptions) => ({ user, password });
  return {
    ...{ host, port, database },
    writer: login(logins.writer),
    projector: login(logins.projector),
    auditor: login(logins.auditor),
  };
};

const answerTo = ({ operations, metrics }: Assembled, asked: AskedCall): Promise<Answer> => {
  const [query, fields] = [new URLSearchParams(asked.query), new Map(asked.fields)];
  return dispatch({
    operations,
    // Who waits is in another process: the deadline ends what nobody waits for any more.
    context: {
      ...asked.context,
      once: {},
      gone: () => false,
      clientCertificates: () => null,
      asking: { fields: () => topLevel(fields, asked.verb, query), wrapTtlMs: asked.wrapTtlMs },
    },
    verb: asked.verb,
    method: asked.context.method,
    path: asked.context.path,
    query,
    fields,
    accept: asked.accept,
    failed: metrics.failure,
    // Only workers answer requests; the keeper is asked by them.
    inFlight: () => [],
  });
};

class Crew {
  answer: (call: AskedCall) => Promise<Answer> = () => Promise.reject(new Error('not assembled yet'));
  readonly #workers = new Map<number, Worker>();
  /** Those that hear what they are told: the others learn the state of things when they listen. */
  readonly #listening = new Set<Worker>();
  readonly #waiting = new Map<number, { readonly of: Worker; readonly done: (metrics: readonly object[]) => void }>();
  #root: Root | null = null;
  #settled: Promise<unknown> = Promise.resolve();
  #stopping = false;
  #asked = 0;
  #againMs = AGAIN_MS;

  constructor(
    readonly config: Config,
    readonly flags: Flags,
    readonly reach: Reach,
    readonly log: pino.Logger,
  ) {}

  /** The address, once every worker listens. */
  async start(): Promise<string> {
    cluster.setupPrimary({
      exec: fileURLToPath(new URL('./main.js', import.meta.url)),
      args: [],
      serialization: 'advanced',
    });
    const addresses = await Promise.all(Array.from({ length: this.config.workers }, () => this.#fork()));
    return addresses[0] ?? '';
  }

  open(root: Root): void {
    this.#forget();
    this.#root = root;
    this.#settled = Promise.all([...this.#listening].map(worker => this.#openIn(worker)));
  }

  close(): void {
    this.#forget();
    this.#settled = Promise.all([...this.#listening].map(worker => this.#ask(worker, id => ({ kind: 'close', id }))));
  }

  /** When every worker is as sealed or unsealed as the keeper. */
  async settled(): Promise<void> {
    await this.#settled;
  }

  /** A snapshot of each worker's. */
  async metrics(): Promise<readonly (readonly object[])[]> {
    return Promise.all([...this.#listening].map(worker => this.#ask(worker, id => ({ kind: 'metrics', id }))));
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    this.#forget();
    await Promise.all([...this.#workers.values()].map(worker => this.#end(worker)));
  }

  #forget(): void {
    if (this.#root !== null) wipe(this.#root.key);
    this.#root = null;
  }

  #fork(): Promise<string> {
    const worker = cluster.fork();
    this.#workers.set(worker.id, worker);
    worker.on('exit', code => this.#exited(worker, code));
    const address = new Promise<string>((resolve, reject) => {
      worker.on('message', (message: unknown) => this.#heard(worker, message, resolve, reject));
      worker.once('exit', () => reject(new UnusableDatabase('a worker ended before it listened')));
    });
    return address;
  }

  #heard(worker: Worker, message: unknown, listening: (address: string) => void, failed: (cause: Error) => void): void {
    const decoded = FromWorker.decode(message);
    if (decoded._tag === 'Left') return;
    const said = decoded.right;
    switch (said.kind) {
      case 'ready':
        this.#send(worker, { kind: 'start', flags: this.flags, reach: this.reach });
        return;
      case 'listening':
        this.#againMs = AGAIN_MS;
        this.#listening.add(worker);
        listening(said.address);
        void this.#openIn(worker);
        return;
      case 'refused':
        failed(new UnusableDatabase(said.message));
        return;
      case 'done':
        this.#waiting.get(said.id)?.done(said.metrics);
        return;
      case 'call':
        void this.answer(said)
          .catch((): Answer => ({ status: 500, body: null }))
          .then(answer => this.#send(worker, { kind: 'answer', id: said.id, answer: { ...answer } }));
    }
  }

  #openIn(worker: Worker): Promise<readonly object[]> {
    const root = this.#root;
    if (root === null) return Promise.resolve([]);
    return this.#ask(worker, id => ({ kind: 'open', id, rootKey: root.key, generation: root.generation }));
  }

  /** Resolves when the worker has done it; one that does not is ended, and replaced. */
  #ask(worker: Worker, message: (id: number) => FromKeeper): Promise<readonly object[]> {
    this.#asked += 1;
    const id = this.#asked;
    return new Promise(resolve => {
      const done = (metrics: readonly object[]): void => {
        clearTimeout(timer);
        this.#waiting.delete(id);
        resolve(metrics);
      };
      const timer = setTimeout(() => {
        worker.process.kill('SIGKILL');
        done([]);
      }, DONE_MS);
      this.#waiting.set(id, { of: worker, done });
      this.#send(worker, message(id));
    });
  }

  #send(worker: Worker, message: FromKeeper): void {
    if (worker.isConnected()) worker.send(message, undefined, () => undefined);
  }

  #exited(worker: Worker, code: number): void {
    this.#workers.delete(worker.id);
    this.#listening.delete(worker);
    for (const { of, done } of [...this.#waiting.values()]) if (of === worker) done([]);
    if (this.#stopping) return;
    this.log.error({ worker: worker.id, code, againMs: this.#againMs }, 'a worker ended: another takes its place');
    const timer = setTimeout(() => {
      if (this.#stopping) return;
      this.#fork().catch(() => undefined);
    }, this.#againMs);
    timer.unref();
    this.#againMs = Math.min(AGAIN_MS_MAX, this.#againMs * 2);
  }

  #end(worker: Worker): Promise<void> {
    return new Promise(resolve => {
      const timer = setTimeout(() => worker.process.kill('SIGKILL'), STOP_MS);
      worker.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
      this.#send(worker, { kind: 'stop' });
    });
  }
}
