/**
 * One unsealed stretch of a server's life: the keys in memory and everything that works only with them. It begins when
 * unseal has believed keyring, head and authority, and ends with `close`, which wipes the keys.
 */
import { type Authority, HeaderGone } from '../authority/authority.js';
import type { Mount } from '../authority/mounts.js';
import type { Uuid } from '../crypto/bytes.js';
import type { Erased } from '../crypto/erasure-lines.js';
import type { SecretState } from '../domain/secret/state.js';
import type { Failure } from '../failure.js';
import type { Custody } from '../keys/custody.js';
import { Appender, type AppendMeasure } from '../ledger/appender.js';
import type { StoredEvent } from '../ledger/event.js';
import type { Head } from '../ledger/head.js';
import type { Known } from '../ledger/known.js';
import { Moments } from '../ledger/moments.js';
import { PointReader } from '../ledger/point-reads.js';
import type { Pipeline } from '../postgres/pipeline.js';
import type { Pool } from '../postgres/pool.js';
import { AnchorWriter } from './anchor.js';
import { EntityNames } from './entity-names.js';
import type { ErasureKeys } from './erasure-keys.js';
import type { ErasureList } from './erasure-list.js';
import { HeldTerms } from './held-terms.js';
import { followKeyring, requireCurrentRoot } from './keyring-follow.js';
import { NodeNames } from './node-names.js';
import { Presence } from './presence.js';
import { Recorder } from './recorder.js';
import { RootFollower } from './root-follower.js';

export interface SessionPorts {
  /** Runs one-off reads as the writer role. */
  readonly runner: Pool;
  readonly openPipeline: () => Promise<Pipeline>;
  readonly nowMs: () => number;
  /** This node's name. */
  readonly node: string;
  readonly erasureKeys: ErasureKeys;
  readonly readCacheBytes: number;
  /** Null: another process of this node writes it. */
  readonly anchorPath: string | null;
  /** After each commit of this process: ring the doorbell, wake the workers. */
  readonly committed: (head: Head) => void;
  readonly notice: (what: string, cause: unknown) => void;
  readonly measured: (measure: AppendMeasure) => void;
  /** This process rotated the root key: others of its node are to be told. */
  readonly rootReplaced: (session: Session) => void;
  /** Another process did, and nobody told this one the new root key within `rootAwaitedMs`: it cannot go on. */
  readonly rootLost: (session: Session) => void;
  readonly rootAwaitedMs: number;
}

export class Session {
  readonly appender: Appender<SecretState>;
  readonly reader: PointReader;
  readonly recorder: Recorder<SecretState>;
  readonly names: NodeNames;
  readonly moments: Moments<SecretState>;
  readonly entityNames: EntityNames;
  readonly terms: HeldTerms;
  readonly presence: Presence;
  readonly roots: RootFollower;
  /** What limits this session, in operator's words, by what it is about. */
  readonly troubles = new Map<string, string>();
  /** What ends with it, before anything is waited for: they hold shares, and a root key that is not in use yet. */
  readonly attempts = new Set<{ end(): void }>();
  readonly #anchor: AnchorWriter | null;
  #closed = false;

  constructor(
    readonly custody: Custody,
    readonly authority: Authority,
    readonly known: Known<SecretState>,
    readonly erasureList: ErasureList,
    readonly ports: SessionPorts,
    /** How many events of lane 1 its authority had from a snapshot. */
    readonly snapshotCount: number,
  ) {
    this.names = new NodeNames(custody.ledger);
    this.entityNames = new EntityNames(this);
    authority.identityOf = (entity, mounts) => this.entityNames.identityOf(entity, mounts);
    this.moments = new Moments(ports.runner, known, ports.nowMs);
    const { anchorPath } = ports;
    const failed = (cause: unknown): void => ports.notice('anchor', cause);
    this.#anchor = anchorPath === null ? null : new AnchorWriter(anchorPath, custody.ledgerId, failed);
    this.roots = new RootFollower(this);
    this.appender = new Appender({
      known,
      epoch: () => {
        // Everything before is folded: a new root key takes over between two batches, never within one.
        this.roots.takeOver();
        requireCurrentRoot(custody, authority);
        return custody.epoch;
      },
      explained: error => this.roots.explained(error),
      openPipeline: ports.openPipeline,
      nowMs: ports.nowMs,
      notice: ports.notice,
      measured: ports.measured,
      committed: head => {
        this.#anchor?.saw(head);
        ports.committed(head);
      },
    });
    this.reader = new PointReader({
      openPipeline: ports.openPipeline,
      cacheBytes: ports.readCacheBytes,
      authorityPosition: () => authority.position,
      foldAuthority: tail => this.#foldAuthority(tail),
      keyringGeneration: () => custody.keyring.generation,
    });
    // A key that an event destroyed is not to live on in a cache.
    known.heard = events => {
      const streams = events.map(event => event.streamId);
      this.reader.forget(streams, events.at(-1)?.position ?? 0);
    };
    this.terms = new HeldTerms(custody, authority, ports.erasureKeys, () => this.reader.forgetAll());
    this.presence = new Presence(
      ...([ports.node, ports.runner, custody, this.terms] as const),
      () => known.head.lastRecordedAt,
      cause => ports.notice('presence', cause),
    );
    this.recorder = new Recorder(custody, this.appender, ports.nowMs, cause => ports.notice('record', cause));
  }

  /** From now on this node has seen what is there, and takes nothing that is behind it. */
  remember(): void {
    this.#anchor?.saw(this.known.head);
  }

  get closed(): boolean {
    return this.#closed;
  }

  /** Reads and events so far: what background work looks at to keep out of the way. */
  get activity(): number {
    return this.reader.asked + this.known.head.size;
  }

  /** µs: the node's clock, never before the newest event that it knows. */
  now(): number {
    return Math.max(this.ports.nowMs() * 1000, this.known.head.lastRecordedAt);
  }

  /** Keys that the erasure list of this node says are gone. */
  get erased(): ReadonlySet<Uuid> {
    return this.erasureList.keyIds;
  }

  /** Durable when it resolves: keys, each with the position of the event that destroyed it. */
  listErased(erased: readonly Erased[]): Promise<void> {
    const rowKey = this.custody.rowKey(this.custody.epoch);
    if (rowKey === null) throw new Error('no row key serves the current epoch');
    return this.erasureList.add(rowKey, erased);
  }

  mount(path: string): Mount | null {
    return this.authority.mounts.at(path);
  }

  /** Reads what other processes appended. */
  catchUp(): Promise<void> {
    return this.#following(async () => {
      const head = await this.known.catchUp(this.ports.runner);
      this.#anchor?.saw(head);
      await this.followKeys();
    });
  }

  /** After lane 1 was folded: the keyring, and the terms that can be opened, as it says. */
  async followKeys(): Promise<void> {
    this.roots.takeOver();
    await followKeyring(this.ports.runner, this.custody, this.authority);
    this.custody.dropRetired();
    await this.#followTerms();
  }

  /** Ends: what waits is answered with `failure`, the last records are appended, every key is wiped. `away`: it opens again when it can. */
  async close(failure: Failure, away = false): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    for (const attempt of this.attempts) attempt.end();
    this.roots.end();
    await this.recorder.close();
    await this.appender.close(failure);
    await this.reader.close();
    await this.#anchor?.close();
    await this.presence.end(away);
    this.custody.wipe();
  }

  async #followTerms(): Promise<void> {
    if (await this.terms.follow()) await this.presence.tell();
  }

  /**
   * `work` reads what others appended. Nobody waits for a process that is not heard of: where a term is active, and headers
   * are sealed in its epoch, before it is held here, `work` is done once more.
   */
  #following(work: () => Promise<void>): Promise<void> {
    return this.roots.following(() =>
      work().catch(async (error: unknown) => {
        if (!(error instanceof HeaderGone)) throw error;
        await this.#followTerms();
        await work();
      }),
    );
  }

  #foldAuthority(tail: readonly StoredEvent[]): Promise<void> {
    return this.#following(async () => {
      await this.custody.learn(this.ports.runner, tail);
      this.known.foldAuthority(tail);
      this.roots.takeOver();
      await followKeyring(this.ports.runner, this.custody, this.authority);
      this.custody.dropRetired();
      // No read waits for a place of erasure keys: a term becomes active only once this process says that it holds it.
      void this.#followTerms().catch(cause => this.ports.notice('erasure keys', cause));
    });
  }
}
