/** A server in the benchmark's own process, asked through its operations: what the ledger costs without HTTP. */
import pino from 'pino';
import { readConfig } from '../../src/config.js';
import { randomUuid7 } from '../../src/crypto/random.js';
import { openBody, sealEvent } from '../../src/keys/event-sealer.js';
import { authenticate } from '../../src/ledger/event.js';
import { readBodyAt } from '../../src/ledger/stream-reads.js';
import { initLedger } from '../../src/nexus/init.js';
import type { App } from '../../src/operations/app.js';
import { readOperations } from '../../src/operations/kv/read.js';
import { writeOperation } from '../../src/operations/kv/write.js';
import type { RequestContext } from '../../src/operations/request.js';
import { openDatabase } from '../../src/postgres/database.js';
import type { Embedded } from '../../src/postgres/embedded.js';
import { startProgram } from '../../src/program.js';

const DATA = JSON.stringify({ username: 'service', password: 'correct-horse-battery-staple', note: 'x'.repeat(60) });

export type InProcess = Awaited<ReturnType<typeof inProcess>>;

export const inProcess = async (folder: string, embedded: Embedded) => {
  const database = await openDatabase({
    owner: embedded.connection,
    logins: null,
    schema: 'tallystick',
    dataFolder: folder,
    poolSize: 8,
  });
  const config = readConfig({ data: folder, listen: '127.0.0.1:0', log: 'error' }, {});
  if (config._tag === 'Left') throw new Error(config.left);
  const program = await startProgram(config.right, pino({ level: 'error' }), { database });
  const keyFile = Buffer.alloc(32, 7);
  const made = await initLedger(program.nexus.ports, { admin: null, shares: null, keyFile });
  const unsealed = await program.nexus.unseal({ key: keyFile });
  const session = program.nexus.session;
  if (made === null || unsealed._tag === 'Left' || session === null) throw new Error('the ledger did not open');
  const app: App = { nexus: program.nexus, nodeId: 'bench', programVersion: '0', nowMs: () => Date.now() };
  const [write, { read }] = [writeOperation(app), readOperations(app)];
  const context = (method: string, path: string): RequestContext => ({
    token: made.rootToken,
    requestId: 'bench',
    trace: null,
    method,
    path: `secret/data/${path}`,
    reason: null,
    ticket: null,
    once: {},
    from: { address: '127.0.0.1', port: 1, forwarded: null, agent: 'bench', tls: false, loopback: true },
    asking: {},
    idempotencyKey: null,
    deadlineMs: Date.now() + 30_000,
    gone: () => false,
    clientCertificates: () => null,
  });
  const put = async (path: string): Promise<void> => {
    const answer = await write(context('POST', path), { mount: 'secret', path, data: DATA, cas: null })();
    if (answer._tag === 'Left') throw new Error(answer.left.kind);
  };
  const parallel = async (
    workers: number,
    work: (n: number) => Promise<void>,
    more: (n: number) => boolean,
  ): Promise<number> => {
    let n = 0;
    const worker = async (): Promise<void> => {
      while (more(n)) {
        n += 1;
        await work(n);
      }
    };
    await Promise.all(Array.from({ length: workers }, worker));
    return n;
  };
  const microsOfCpu = async (times: number, work: () => void): Promise<number> => {
    for (let i = 0; i < times; i += 1) work();
    const before = process.cpuUsage();
    for (let i = 0; i < times; i += 1) work();
    const { user, system } = process.cpuUsage(before);
    return (user + system) / times;
  };

  return {
    database,
    session,
    keyFile,
    /** ms, in order: reads and writes in turn by `callers` for `seconds`. */
    latencies: async (callers: number, seconds: number): Promise<readonly number[]> => {
      const [startedAt, times]: [number, number[]] = [performance.now(), []];
      await parallel(
        callers,
        async n => {
          const path = `bench/k${n % 1000}`;
          const began = performance.now();
          if (n % 4 === 0) await put(path);
          else await read(context('GET', path), { mount: 'secret', path, version: null, moment: null })();
          times.push(performance.now() - began);
        },
        () => performance.now() - startedAt < seconds * 1000,
      );
      return times.sort((a, b) => a - b);
    },
    /** Acknowledged writes a second. */
    writes: async (writers: number, seconds: number): Promise<number> => {
      const startedAt = performance.now();
      const done = await parallel(
        writers,
        n => put(`bench/k${n % 1000}`),
        () => performance.now() - startedAt < seconds * 1000,
      );
      return done / ((performance.now() - startedAt) / 1000);
    },
    /** Reads a second, of secrets that exist. */
    reads: async (readers: number, seconds: number): Promise<number> => {
      const startedAt = performance.now();
      const done = await parallel(
        readers,
        async n => {
          const path = `bench/k${n % 1000}`;
          const answer = await read(context('GET', path), { mount: 'secret', path, version: null, moment: null })();
          if (answer._tag === 'Left') throw new Error(answer.left.kind);
        },
        () => performance.now() - startedAt < seconds * 1000,
      );
      return done / ((performance.now() - startedAt) / 1000);
    },
    versions: async (path: string, count: number): Promise<void> => {
      await put(path);
      await parallel(
        256,
        () => put(path),
        n => n < count - 1,
      );
    },
    /** ms, median: values as of positions all over the stream, one after another. */
    asOfMillis: async (path: string, versions: number): Promise<number> => {
      const head = session.known.head.size;
      const times: number[] = [];
      for (let i = 0; i < 300; i += 1) {
        // The stream lies at the ledger's end, the shorter one before the longer.
        const position = Math.max(1, head - Math.floor((i / 300) * Math.min(versions, 100_000)));
        const startedAt = performance.now();
        await read(context('GET', path), { mount: 'secret', path, version: null, moment: { position } })();
        times.push(performance.now() - startedAt);
      }
      return times.sort((a, b) => a - b)[150] ?? 0;
    },
    sealingMicros: (): Promise<number> => {
      const plaintext = Buffer.from(DATA);
      const node = '00000000-0000-4000-8000-000000000001';
      return microsOfCpu(5000, () => {
        sealEvent(session.custody, {
          ...{ eventId: randomUuid7(Date.now()), streamId: node, type: 'secret.written', lane: 0, actor: node },
          header: {
            v: 1,
            at: Date.now() * 1000,
            op: 'kv.write',
            path: 'secret/bench/k1',
            actor: { id: node, kind: 'root' },
          },
          body: { kind: 1, owner: node, plaintext },
        });
      });
    },
    openingMicros: async (): Promise<number> => {
      const found = await readBodyAt(session.ports.runner, session.custody, session.known.head.size);
      const key = found?.key;
      if (!found || !key) throw new Error('the newest event has a body');
      return microsOfCpu(5000, () => {
        authenticate(session.custody, found.event);
        openBody(session.custody, found.event, key);
      });
    },
    stop: async (): Promise<void> => {
      await program.stop();
      await database.close();
    },
  };
};
