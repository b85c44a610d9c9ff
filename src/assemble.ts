/**
 * Everything of a server but the way to it: Nexus, operations, projections, and the work that one process of a node does. What a
 * process that listens and one that keeps its keys have in common.
 */
import { readFileSync } from 'node:fs';
import type pino from 'pino';
import { projections } from '../projections/index.js';
import { causeOf } from './cause.js';
import type { Config } from './config.js';
import { uuidText } from './crypto/bytes.js';
import { sha256 } from './crypto/prf.js';
import { type ExportKeeper, keepExport } from './key-export/keeper.js';
import { type Argon2Cost, type Pepper, SLOT_COST } from './keys/password-slots.js';
import { createMetrics, type Metrics } from './metrics.js';
import { keepEpochs } from './nexus/epochs.js';
import { erasureKeysIn } from './nexus/erasure-keys.js';
import { keepErasureList } from './nexus/erasure-list-keeper.js';
import { type Follower, follow } from './nexus/follower.js';
import { RootRotated } from './nexus/keyring-follow.js';
import { kmsErasureKeys } from './nexus/kms-erasure-keys.js';
import { KmsWatch } from './nexus/kms-watch.js';
import { Nexus } from './nexus/nexus.js';
import { nodeFiles } from './nexus/node-files.js';
import type { NexusPorts } from './nexus/ports.js';
import type { Session } from './nexus/session.js';
import { keepSnapshots } from './nexus/snapshots.js';
import type { Operations } from './operations/contract.js';
import { createOperations } from './operations/create.js';
import { keepSwept } from './operations/cubbyhole/sweep.js';
import { keepRetiring } from './operations/epochs/keeper.js';
import { InitCode } from './operations/sys.js';
import { keepTerms } from './operations/terms/keeper.js';
import { fetchJson } from './outbound/fetch-json.js';
import { packageVersion } from './package-root.js';
import { UnusableDatabase } from './postgres/connection-url.js';
import type { Database } from './postgres/database.js';
import { projectionParts } from './projection-parts.js';

export interface Assembled {
  readonly nexus: Nexus;
  readonly operations: Operations;
  readonly metrics: Metrics;
  readonly initCode: string;
  /** Seals: the last records, then the workers; after the last request, before the ground. */
  stop(): Promise<void>;
}

export interface AssemblyOptions {
  readonly slotCost?: Argon2Cost;
  /** Between two questions whether a key that others keep would open the next start. */
  readonly kmsProbeMs?: number;
  /**
   * Whether this process does what one process of a node does: folds projections, opens header epochs, writes the anchor,
   * records starts and stops.
   */
  readonly leads: boolean;
  readonly unsealed?: (session: Session) => void;
  readonly sealing?: () => void;
  /** This process rotated the root key. */
  readonly rootReplaced?: (session: Session) => void;
  /** Metrics of this node's other processes. */
  readonly otherMetrics?: () => Promise<readonly (readonly object[])[]>;
}

export const assemble = (config: Config, log: pino.Logger, database: Database, options: AssemblyOptions): Assembled => {
  const { leads } = options;
  const nowMs = (): number => Date.now();
  const metrics = createMetrics(options.otherMetrics);
  // Causes are logged by name and SQLSTATE: a message may quote what the program was given, a name does not.
  const notice = (what: string, cause: unknown): void => {
    if (cause instanceof Error && cause.name === 'IntegrityError') metrics.integrity();
    log.warn({ what, cause: causeOf(cause) }, 'notice');
  };
  const doorbell = database.openDoorbell(cause => notice('doorbell', cause));
  const folds = { ...config, projectors: config.projectors && leads };
  const projector = projectionParts(folds, database, doorbell, projections, log);
  const initCode = new InitCode();
  const files = { ...nodeFiles(config.dataFolder), ...(leads ? {} : { anchor: null }) };
  let follower: Follower | null = null;
  let stopLeading: readonly (() => void)[] = [];
  let exporting: ExportKeeper | null = null;
  const record = (session: Session, op: string): void => {
    if (leads) session.recorder.record({ v: 1, at: nowMs() * 1000, op, node: config.nodeId, outcome: 'ok' });
  };

  const { erasureKey } = config;
  const erasureKeys =
    erasureKey.kind === 'kms' ? kmsErasureKeys(erasureKey.template, database.writer) : erasureKeysIn(erasureKey);
  const ports: NexusPorts = {
    database,
    nowMs,
    files,
    erasureKeys,
    erasureKeysChosen: config.erasureKeyChosen,
    peppers: config.pepperFiles.map(readPepper),
    kms: config.kms,
    slotCost: options.slotCost ?? SLOT_COST,
    programVersion: packageVersion,
    sessionPorts: () => ({
      runner: database.writer,
      openPipeline: database.openPipeline,
      nowMs,
      node: config.nodeId,
      erasureKeys,
      readCacheBytes: config.readCacheMib * 1024 * 1024,
      anchorPath: files.anchor,
      committed: () => {
        projector.wake();
        doorbell.ring();
      },
      notice,
      measured: metrics.append,
      rootReplaced: session => options.rootReplaced?.(session),
      rootLost: session => {
        notice('root key', new RootRotated('rotated elsewhere'));
        void nexus.loseRoot(session).catch(cause => notice('root key', cause));
      },
      rootAwaitedMs: leads ? 0 : ROOT_AWAITED_MS,
    }),
    unsealed: session => {
      follower = follow(session, doorbell.subscribe, notice);
      if (leads)
        stopLeading = [
          keepEpochs(session, nowMs, cause => notice('header epoch', cause)),
          keepRetiring(session, cause => notice('retiring header epochs', cause)),
          keepTerms(session, {
            ...{ notice, rewrapped: metrics.rewrapped },
            wantsEscrow: config.erasureKeyChosen && !config.escrowElsewhere,
          }),
          keepSwept(session, projector.reads, config.nodeId, cause => notice('sweep of cubbyholes', cause)),
          keepErasureList(session, files.erasureListSeen, cause => notice('erasure list', cause)),
          keepSnapshots(session, cause => notice('snapshot', cause)),
        ];
      const exportPorts = { subscribe: doorbell.subscribe, nowMs, notice };
      if (leads) exporting = keepExport(session, config.keyExport, exportPorts, exporting?.stop());
      record(session, 'sys.start');
      options.unsealed?.(session);
    },
    sealing: session => {
      options.sealing?.();
      record(session, 'sys.stop');
      follower?.stop();
      for (const stop of stopLeading) stop();
      void exporting?.stop();
    },
    notice,
  };
  const nexus = new Nexus(ports);
  const kmsWatch = leads ? new KmsWatch(nexus, config.nodeId, options.kmsProbeMs ?? KMS_PROBE_MS) : null;
  const app = { nexus, nodeId: config.nodeId, programVersion: packageVersion, nowMs };
  const operations = createOperations(app, {
    fetchJson,
    initCode,
    openRate: config.limits.openRate,
    openRekey: config.openRekey,
    projectionReads: projector.reads,
    projectionControl: projector.control,
    metrics: {
      metrics,
      runner: database.writer,
      projections: () => projector.control.status(nexus.session?.known.head.size ?? 0),
      pools: () => [
        { role: 'writer', ...database.writer.stats() },
        { role: 'projector', ...database.projector.stats() },
        { role: 'auditor', ...database.auditor.stats() },
      ],
    },
  });
  kmsWatch?.start();
  return {
    ...{ nexus, operations, metrics, initCode: initCode.shown },
    stop: async () => {
      kmsWatch?.stop();
      await exporting?.stop();
      await nexus.seal();
      await projector.stop();
      await doorbell.close();
    },
  };
};

const KMS_PROBE_MS = 60_000;

/** A worker that sees a rotation of the root key is told the new one by its keeper within this time, or ends its session. */
const ROOT_AWAITED_MS = 5000;

const readPepper = (path: string): Pepper => {
  const key = readFileSync(path);
  if (key.length !== 32) throw new UnusableDatabase('each file of TALLYSTICK_PEPPER_FILE must hold exactly 32 bytes');
  return { id: uuidText(sha256(key).subarray(0, 16)), key };
};
