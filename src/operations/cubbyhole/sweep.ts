/**
 * What lies in stores of tokens that are gone is destroyed soon after: reading it is refused from the moment the token is
 * dead, and here its keys go. It looks at what is there instead of remembering what has to be done, so it goes on wherever
 * it was stopped, whoever died meanwhile; and of several nodes that sweep at once, the first at the head has done it.
 */
import type { Mount } from '../../authority/mounts.js';
import { type Uuid, ZERO_UUID } from '../../crypto/bytes.js';
import { erasing } from '../../domain/secret/sequence.js';
import type { SecretState } from '../../domain/secret/state.js';
import type { Command } from '../../ledger/command.js';
import { weightOf } from '../../ledger/sealed-event.js';
import type { Session } from '../../nexus/session.js';
import { nameOf } from '../kv/list.js';
import { orRefuse } from '../operation.js';
import type { ProjectionReads, TreeSecret } from '../projection-reads.js';
import { livingById } from '../tokens/find.js';
import { cubbyholeMount, subjectIn, tokenOfSegment } from './place.js';
import { erasedAt, type Prepared, prepareSteps, readStored, withFacts } from './steps.js';

/** Stores that are looked at together, and secrets that go in one commit. */
const STORES_AT_ONCE = 500;
const SECRETS_AT_ONCE = 100;
const EVERY_MS = 2000;
/** A round that took long is followed by a rest that is this much longer. */
const REST = 20;
/** What failed is not tried again before. */
const FAILED_MS = 10_000;
const DEADLINE_MS = 30_000;

/** Makes rounds until it is stopped. */
export const keepSwept = (
  session: Session,
  projections: ProjectionReads,
  nodeId: string,
  failed: (cause: unknown) => void,
): (() => void) => {
  let stopped = false;
  let timer: NodeJS.Timeout;
  let failures = 0;
  const notice = (cause: unknown): void => {
    failures += 1;
    if (!stopped) failed(cause);
  };
  const sweep = new Sweep(session, projections, nodeId, () => stopped || session.closed, notice);
  const later = (ms: number): void => {
    timer = setTimeout(() => void round(), ms);
    timer.unref();
  };
  const round = async (): Promise<void> => {
    const startedAt = performance.now();
    failures = 0;
    await sweep.round().catch(notice);
    const rest = REST * (performance.now() - startedAt);
    if (!stopped) later(Math.max(failures === 0 ? EVERY_MS : FAILED_MS, rest));
  };
  later(EVERY_MS);
  return () => {
    stopped = true;
    clearTimeout(timer);
  };
};

class Sweep {
  /** Stores whose token was dead in the last round already: a request that gave its last use has had its answer by then. */
  #suspects: ReadonlySet<Uuid> = new Set();

  constructor(
    readonly session: Session,
    readonly projections: ProjectionReads,
    readonly nodeId: string,
    readonly stopped: () => boolean,
    /** One row that is not right stops nothing but its own secret. */
    readonly failed: (cause: unknown) => void,
  ) {}

  async round(): Promise<void> {
    const mount = cubbyholeMount(this.session);
    const dead = new Map<Uuid, Uuid>();
    for (let after: Uuid = ZERO_UUID; !this.stopped(); ) {
      const stores = await this.projections.foldersAfter(mount.id, after, STORES_AT_ONCE);
      const now = this.session.now();
      for (const { node, box } of stores) {
        const token = this.#ownerOf(mount, node, box);
        if (token !== null && livingById(this.session, token, now) === null) dead.set(node, token);
      }
      const last = stores.at(-1);
      if (last === undefined || stores.length < STORES_AT_ONCE) break;
      after = last.node;
    }
    const due = [...dead].filter(([store]) => this.#suspects.has(store));
    this.#suspects = new Set(dead.keys());
    for (let at = 0; at < due.length && !this.stopped(); at += SECRETS_AT_ONCE)
      await this.#empty(new Map(due.slice(at, at + SECRETS_AT_ONCE)));
  }

  #ownerOf(mount: Mount, node: Uuid, box: Buffer): Uuid | null {
    try {
      return tokenOfSegment(nameOf(this.session, mount, node, mount.id, box));
    } catch (cause) {
      this.failed(cause);
      return null;
    }
  }

  async #empty(stores: ReadonlyMap<Uuid, Uuid>): Promise<void> {
    for (let position = 0; !this.stopped(); ) {
      const secrets = await this.projections.livingUnder([...stores.keys()], position, SECRETS_AT_ONCE);
      const emptied = secrets.length === 0 ? null : await this.#destroy(stores, secrets);
      if (emptied === null) return;
      position = emptied;
    }
  }

  /** The position of its last event; null: nothing was left to do. */
  async #destroy(stores: ReadonlyMap<Uuid, Uuid>, secrets: readonly TreeSecret[]): Promise<number | null> {
    const { session } = this;
    const prepared = await Promise.allSettled(secrets.map(secret => this.#prepare(stores, secret)));
    const doomed = prepared.flatMap(each => (each.status === 'fulfilled' ? each.value : []));
    for (const each of prepared) if (each.status === 'rejected') this.failed(each.reason);
    if (doomed.length === 0) return null;
    const result = { position: null, destroyed: [] };
    const command: Command<SecretState, Swept> = {
      ...{ streams: doomed.map(({ node }) => node), repeatOf: null, alone: false },
      weight: doomed.flatMap(({ sealed }) => sealed).reduce((sum, event) => sum + weightOf(event), 0),
      eventsMax: doomed.reduce((sum, { sealed }) => sum + sealed.length, 0),
      deadlineMs: session.ports.nowMs() + DEADLINE_MS,
      gone: this.stopped,
      decide: view => {
        const going = doomed.flatMap(each => {
          // By the ledger's clock: a node whose own is fast destroys nothing that lives.
          const facts = livingById(session, each.token, view.recordedAt) === null ? each.facts(view) : null;
          return facts === null ? [] : [{ events: withFacts(each.sealed, facts), destroys: each.destroys }];
        });
        if (going.length === 0) return { kind: 'nothing', result };
        const destroyed = going.flatMap(({ destroys }) => destroys);
        return {
          kind: 'append',
          events: going.flatMap(({ events }) => events),
          deleteKeys: destroyed,
          result: placed => ({ position: placed.at(-1)?.position ?? null, destroyed }),
        };
      },
    };
    const { position, destroyed } = orRefuse(await session.appender.submit(command));
    if (position !== null) await session.listErased(erasedAt(position, destroyed));
    return position;
  }

  async #prepare(stores: ReadonlyMap<Uuid, Uuid>, { node, steps: way }: TreeSecret): Promise<readonly Doomed[]> {
    const { session, nodeId } = this;
    const token = stores.get(way[0]?.parent ?? '');
    const stored = await readStored(session, node);
    const steps = erasing(stored.state);
    if (token === undefined || steps.length === 0) return [];
    const mount = cubbyholeMount(session);
    const names = way.map(step => nameOf(session, mount, step.node, step.parent, step.box));
    const prepared = prepareSteps(session, {
      ...{ node, stored, steps, actor: null },
      header: {
        ...{ v: 1, at: session.ports.nowMs() * 1000, op: 'cubbyhole.sweep', path: subjectIn(token, names.join('/')) },
        ...{ actor: { id: null, kind: 'system' }, node: nodeId },
      },
    });
    return [{ ...prepared, token }];
  }
}

interface Swept {
  readonly position: number | null;
  readonly destroyed: readonly Uuid[];
}

interface Doomed extends Prepared {
  readonly token: Uuid;
}
