/**
 * One worker: serves requests with keys, authority and connections of its own. It learns where the database is and when to
 * open and close from its keeper, asks it what only the keeper may answer, and ends when the keeper does.
 */
import type pino from 'pino';
import { assemble } from '../assemble.js';
import { causeOf } from '../cause.js';
import { type Config, readConfig } from '../config.js';
import { knownAnswerTest } from '../crypto/box.js';
import { keyCopy, wipe } from '../crypto/bytes.js';
import type { Answer } from '../http/answer.js';
import type { Call } from '../http/call.js';
import { createServer } from '../http/server.js';
import type { ConnectionOptions } from '../postgres/connection.js';
import { connectionFromUrl, UnusableDatabase } from '../postgres/connection-url.js';
import { openDatabase } from '../postgres/database.js';
import { closeDoors } from '../process-guard.js';
import { createLogger, httpOptions } from '../program.js';
import { FromKeeper, type FromWorker, type Reach } from './messages.js';

type Start = Extract<FromKeeper, { readonly kind: 'start' }>;

const tell = (message: FromWorker): void => void process.send?.(message);

/** What is kept in one place for the whole node: shares given so far, rekeying, the key store's changes, all metrics. */
const KEEPERS =
  /^sys\/(?:init|unseal|seal|seal-status|health|rekey\/.*|generate-root.*|rotate.*|ledger\/(?:keys|root-key|epochs).*|metrics)$/;

const serve = async ({ flags, reach }: Start): Promise<void> => {
  const read = readConfig(flags);
  if (read._tag === 'Left') throw new UnusableDatabase(read.left);
  const config = read.right;
  closeDoors();
  knownAnswerTest();
  const log = createLogger(config);
  const { schema, dataFolder, poolSize } = config;
  const logins = config.roleUrls === null ? loginsOf(config, reach) : handMade(config, config.roleUrls);
  const database = await openDatabase({ owner: null, logins, schema, dataFolder, poolSize });
  const assembled = assemble(config, log, database, { leads: false });
  const keeper = new Keeper();
  const http = createServer(assembled.operations, {
    ...httpOptions(config, log, assembled.metrics),
    elsewhere: call => (KEEPERS.test(call.path) ? keeper.ask(call) : null),
  });
  const stop = once(async () => {
    await http.close();
    await assembled.stop();
    await database.close();
    process.exit(0);
  });
  process.once('disconnect', stop);
  listen(async message => {
    switch (message.kind) {
      case 'open': {
        const key = keyCopy(message.rootKey);
        wipe(Buffer.from(message.rootKey.buffer, message.rootKey.byteOffset, message.rootKey.byteLength));
        const opened = await assembled.nexus.adopt({ key, generation: message.generation });
        // A worker that stays sealed would refuse its share of the requests: it goes, and another one tries.
        if (opened._tag === 'Left') throw new UnusableDatabase(`this worker cannot be unsealed: ${opened.left.kind}`);
        return tell({ kind: 'done', id: message.id, metrics: [] });
      }
      case 'close':
        await assembled.nexus.seal();
        return tell({ kind: 'done', id: message.id, metrics: [] });
      case 'metrics':
        return tell({
          ...{ kind: 'done', id: message.id },
          metrics: (await assembled.metrics.snapshot()).map(metric => ({ ...metric })),
        });
      case 'answer':
        return keeper.answered(message.id, message.answer);
      case 'stop':
        return stop();
      case 'start':
        return;
    }
  }, log);
  tell({ kind: 'listening', address: await http.listen({ host: config.host, port: config.port }) });
};

const loginsOf = (config: Config, { host, port, database, ...roles }: Reach) => {
  const tls = config.databaseUrl === null ? null : connectionFromUrl(config.databaseUrl, config.databaseTls).tls;
  const of = (login: Reach['writer']): ConnectionOptions => ({ host, port, database, ...login, tls });
  return { writer: of(roles.writer), projector: of(roles.projector), auditor: of(roles.auditor) };
};

const handMade = ({ databaseTls }: Config, urls: NonNullable<Config['roleUrls']>) => ({
  writer: connectionFromUrl(urls.writer, databaseTls),
  projector: connectionFromUrl(urls.projector, databaseTls),
  auditor: connectionFromUrl(urls.auditor, databaseTls),
});

const once = (work: () => Promise<void>): (() => Promise<void>) => {
  let running: Promise<void> | null = null;
  return () => (running ??= work());
};

const listen = (handle: (message: FromKeeper) => Promise<void> | void, log: pino.Logger): void => {
  process.on('message', (said: unknown) => {
    const decoded = FromKeeper.decode(said);
    if (decoded._tag === 'Left') return;
    Promise.resolve(handle(decoded.right)).catch(cause => {
      log.error(
        { cause: causeOf(cause), asked: decoded.right.kind },
        'this worker ends: it cannot do what its keeper asks',
      );
      process.exit(1);
    });
  });
};

class Keeper {
  readonly #waiting = new Map<number, (answer: Answer) => void>();
  #asked = 0;

  ask(call: Call): Promise<Answer> {
    this.#asked += 1;
    const id = this.#asked;
    const { gone: _gone, once: _once, clientCertificates: _certificates, asking, ...context } = call.context;
    tell({
      ...{ kind: 'call', id, verb: call.verb, query: call.query.toString(), accept: call.accept },
      fields: [...call.fields],
      wrapTtlMs: asking.wrapTtlMs ?? 0,
      context,
    });
    return new Promise(resolve => this.#waiting.set(id, resolve));
  }

  answered(id: number, answer: Answer): void {
    this.#waiting.get(id)?.(answer);
    this.#waiting.delete(id);
  }
}

// The keeper says when to end; a signal to the whole group reaches it too.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined);

process.once('message', (said: unknown) => {
  const decoded = FromKeeper.decode(said);
  if (decoded._tag === 'Left' || decoded.right.kind !== 'start') process.exit(1);
  serve(decoded.right).catch((error: unknown) => {
    const message = error instanceof UnusableDatabase ? error.message : `a worker could not start: ${causeOf(error)}`;
    tell({ kind: 'refused', message });
    process.exit(3);
  });
});
tell({ kind: 'ready' });
