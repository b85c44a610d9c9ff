/**
 * Keeps the export up to date: looks after each change of the ledger, writes when the key store moved, and not again before
 * ten times as long has passed as it took. The erasure list is written first, so that no export lies beside an older one.
 */
import { E } from '../fp.js';
import type { Session } from '../nexus/session.js';
import { type Query, query } from '../sql.js';
import { KeystoreMoved, type MadeExport, makeExport } from './make.js';
import { type ExportPlace, store, storedList } from './target.js';
import { WholeList } from './whole-list.js';

/** Whatever has a key, takes one away, or says how the key store looks. */
const movedAfter: Query<number> = query(
  'export_moved_after',
  ({ position }) => (typeof position === 'number' ? E.right(position) : E.left('a position')),
  `select position from events
    where position > $1
      and (key_id is not null or type in ('secret.destroyed', 'keystore.changed', 'epoch.opened', 'epoch.retired', 'login.written',
                                          'login.removed', 'secretid.created', 'secretid.spent', 'secretid.removed'))
    order by position limit 1`,
);

const APART_MS = 1000;
const REST_FACTOR = 10;
const AGAIN_MS = 2000;
/** At an export, while the key store moves. */
const ATTEMPTS = 5;
const TROUBLE = 'key export';

export interface ExportKeeper {
  /** Writes once more if anything moved since, then ends. */
  stop(): Promise<void>;
}

export interface ExportPorts {
  readonly subscribe: (listener: () => void) => () => void;
  readonly nowMs: () => number;
  readonly notice: (what: string, cause: unknown) => void;
}

/** `place` null: nobody asked for one. `before`: what the keeper of the session before still writes comes first. */
export const keepExport = (
  session: Session,
  place: ExportPlace | null,
  ports: ExportPorts,
  before: Promise<void> = Promise.resolve(),
): ExportKeeper | null => {
  if (place === null) return null;
  const list = new WholeList();
  let [size, stopped] = [0, false];
  let [timer, restUntil]: [NodeJS.Timeout | null, number] = [null, 0];

  const write = async (): Promise<void> => {
    try {
      if ((await session.ports.runner.run(movedAfter, [size])).length === 0) return;
      const began = ports.nowMs();
      size = await exportOnce(session, place, list);
      restUntil = ports.nowMs() + REST_FACTOR * (ports.nowMs() - began);
      session.troubles.delete(TROUBLE);
    } catch (cause) {
      if (session.closed) return;
      // What is there stays as it is.
      restUntil = ports.nowMs() + AGAIN_MS;
      rung();
      ports.notice(TROUBLE, cause);
      session.troubles.set(TROUBLE, `${TROUBLE}: it could not be written, and ends at event ${size}; the log says why`);
    }
  };
  const rung = (): void => {
    if (stopped || timer !== null) return;
    timer = setTimeout(
      () => {
        timer = null;
        working = working.then(write);
      },
      Math.max(APART_MS, restUntil - ports.nowMs()),
    );
    timer.unref();
  };
  const unsubscribe = ports.subscribe(rung);
  let working = before.then(write);
  const end = async (): Promise<void> => {
    stopped = true;
    unsubscribe();
    if (timer !== null) clearTimeout(timer);
    await working;
    if (!session.closed) await write();
  };
  let ending: Promise<void> | null = null;
  return {
    stop: () => {
      ending ??= end();
      return ending;
    },
  };
};

/** Answers the size of the ledger that the export is of. */
export const exportOnce = async (session: Session, place: ExportPlace, list = new WholeList()): Promise<number> => {
  await session.catchUp();
  const before = (await storedList(place)).split('\n').filter(line => /^[0-9a-f]{112}$/.test(line));
  const lines = new Set([...before, ...(await list.lines(session))]);
  refuseAfterEnd(session);
  await store(place, 'erasure-list', Buffer.from([...lines].map(line => `${line}\n`).join(''), 'latin1'));
  const { content, size } = await madeExport(session, lines.size);
  refuseAfterEnd(session);
  await store(place, 'keys', content);
  return size;
};

const madeExport = async (session: Session, erased: number): Promise<MadeExport> => {
  for (let attempt = 1; ; attempt += 1) {
    await session.catchUp();
    try {
      return await makeExport(session, erased);
    } catch (error) {
      if (!(error instanceof KeystoreMoved) || attempt === ATTEMPTS) throw error;
    }
  }
};

/** A session that ends overwrites its keys: what was made meanwhile may be signed with nothing, and is not kept. */
const refuseAfterEnd = (session: Session): void => {
  if (session.closed) throw new Error('the session ended while the export was made');
};
