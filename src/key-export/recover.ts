/**
 * Recover: a backup of the ledger, the newest key export and the erasure list beside it give a database that a server
 * unseals as if nothing had happened. It needs no key, and believes nothing that unseal would not check again; what does not
 * fit together is refused by name, before anything is changed. Every node of the ledger is stopped meanwhile.
 */
import type { Uuid } from '../crypto/bytes.js';
import { type NoteKey, originOf } from '../crypto/signed-note.js';
import { E } from '../fp.js';
import { headOfSize, newestHead } from '../ledger/head.js';
import { insertKeys, keyArrays, lockLedger, putKeyring, putSlot } from '../ledger/statements.js';
import type { Pool } from '../postgres/pool.js';
import { noRow, type Query, query, type Runner } from '../sql.js';
import { decodeExport, type KeyExport, ledgerOfExport } from './format.js';

export type Misfit =
  | 'no-ledger'
  | 'damaged-export'
  | 'foreign-export'
  | 'database-older'
  | 'export-older'
  | 'erasure-list-missing';

/** Nothing was changed; the message is for operators. */
export class RecoverRefused extends Error {
  override readonly name = 'RecoverRefused';

  constructor(
    readonly misfit: Misfit,
    message: string,
  ) {
    super(message);
  }
}

export interface RecoverInput {
  /** The file `tallystick-keys`. */
  readonly keys: Buffer;
  /** The lines of every erasure list that was found; null: none was. */
  readonly erasureList: string | null;
  /** Go on although the backup ends before the export: what lies between is lost, and unseal asks again. */
  readonly acceptOlderDatabase: boolean;
  /** Puts the list, durably, where unseal applies it; called before anything of the database changes. */
  readonly keepList: (lines: readonly string[]) => Promise<void>;
}

export interface Recovered {
  readonly ledger: Uuid;
  /** Of the database. */
  readonly size: number;
  /** Of the export: what this node has to remember as seen. */
  readonly seen: { readonly size: number; readonly root: Buffer };
  readonly keys: number;
  readonly erased: number;
}

const text = (column: string, what: string) => (raw: Readonly<Record<string, unknown>>) => {
  const value = raw[column];
  return typeof value === 'string' ? E.right(value) : E.left(what);
};

const ledgerId: Query<string> = query(
  'recover_ledger_id',
  text('ledger_id', 'a ledger row'),
  'select ledger_id from ledger',
);

/** In the clear in the ledger itself: what signed this ledger's exports. */
const checkpointKeys: Query<string> = query(
  'recover_checkpoint_keys',
  text('key', 'a checkpoint key'),
  `select facts ->> 'checkpoint_key' as key from events
    where lane = 1 and type in ('ledger.created', 'checkpoint.key') and facts ? 'checkpoint_key'`,
);

/** Events after the export that brought in keys, or changed the key store: the export does not have what they wrote. */
const newerKeys: Query<number> = query(
  'recover_newer_keys',
  ({ position }) => (typeof position === 'number' ? E.right(position) : E.left('a position')),
  `select position from events
    where position > $1
      and (key_id is not null or type in ('keystore.changed', 'epoch.opened', 'login.written', 'secretid.created'))
    order by position limit 1`,
);

const putSnapshot: Query<never> = query(
  null,
  noRow,
  'insert into snapshots (position, part, parts, box) values ($1, $2, $3, $4) on conflict do nothing',
);
const clearKeys: Query<never> = query(null, noRow, 'delete from keys');
const clearSlots: Query<never> = query(null, noRow, 'delete from slots');
const clearKeyring: Query<never> = query(null, noRow, 'delete from keyring');

/** What this ledger says is destroyed stays so, whenever the export was made. */
const deleteDestroyed: Query<never> = query(
  null,
  noRow,
  `delete from keys
    where key_id in (select w.key_id
                       from events d
                       join events w on w.stream_id = d.stream_id and w.stream_version < d.stream_version
                      where d.type = 'secret.destroyed' and w.key_id is not null
                        and (w.stream_version <= (d.facts ->> 'through')::integer
                             or d.facts -> 'writes' @> to_jsonb(w.stream_version)))`,
);

/** Throws `RecoverRefused`. */
export const recover = async (writer: Pool, input: RecoverInput): Promise<Recovered> => {
  const taken = await decode(writer, input.keys);
  const lines = erasedLines(input.erasureList);
  if (lines.length < taken.manifest.erased)
    throw new RecoverRefused(
      'erasure-list-missing',
      `the export knows of ${taken.manifest.erased} destroyed keys, the erasure list has ${lines.length}: give the newest list, from beside the export or from the data folder of a node`,
    );
  return writer.transaction(async tx => {
    await tx.run(lockLedger);
    const size = await compareHeads(tx, taken, input.acceptOlderDatabase);
    await input.keepList(lines);
    await install(tx, taken);
    const { ledger, size: seen, root } = taken.manifest;
    return { ledger, size, seen: { size: seen, root }, keys: taken.keys.length, erased: lines.length };
  });
};

const decode = async (runner: Runner, file: Buffer): Promise<KeyExport> => {
  const [ledger] = await runner.run(ledgerId);
  if (ledger === undefined)
    throw new RecoverRefused('no-ledger', 'the database holds no ledger: restore a backup of it first');
  const named = ledgerOfExport(file);
  if (named === null) throw new RecoverRefused('damaged-export', 'that is not a key export, or its end is missing');
  if (named !== ledger)
    throw new RecoverRefused('foreign-export', `the export is of ledger ${named}, the database holds ledger ${ledger}`);
  const keys: readonly NoteKey[] = (await runner.run(checkpointKeys)).map(key => ({
    name: originOf(ledger),
    publicKey: Buffer.from(key, 'hex'),
  }));
  const taken = decodeExport(file, keys);
  if (taken === null)
    throw new RecoverRefused(
      'damaged-export',
      'the export is damaged, or was not signed by the checkpoint key that the ledger in the database records',
    );
  return taken;
};

/** The size of the ledger in the database. */
const compareHeads = async (tx: Runner, { manifest, snapshot }: KeyExport, acceptOlder: boolean): Promise<number> => {
  const [head] = await tx.run(newestHead);
  if (head === undefined) throw new RecoverRefused('no-ledger', 'the database holds no ledger head');
  if (head.size < manifest.size) {
    olderDatabase(head.size, head.keyringGeneration, manifest, acceptOlder);
    beginsBefore(head.size, snapshot);
    return head.size;
  }
  const [then] = await tx.run(headOfSize, [manifest.size]);
  if (then === undefined || !then.root.equals(manifest.root))
    throw new RecoverRefused(
      'foreign-export',
      `the ledger in the database has another history than the export up to event ${manifest.size}`,
    );
  const [position] = await tx.run(newerKeys, [manifest.size]);
  if (position !== undefined)
    throw new RecoverRefused(
      'export-older',
      `the export is older than the database: it ends at event ${manifest.size}, and event ${position} has keys that are not in it. Use the newest export, or the database as it is`,
    );
  return head.size;
};

/** Of a ledger whose headers of that time are retired nobody could tell who may do what, as of before. */
const beginsBefore = (size: number, [first]: KeyExport['snapshot']): void => {
  if (first === undefined || first.position <= size) return;
  throw new RecoverRefused(
    'database-older',
    `the database ends at event ${size}, and header epochs were retired at event ${first.position}: with an export from after it a database from before cannot be opened. Use a backup that is newer than that`,
  );
};

const olderDatabase = (
  size: number,
  generation: number,
  manifest: KeyExport['manifest'],
  acceptOlder: boolean,
): void => {
  const complaint = `the database is older than the export: it has ${size} events, the export was made at ${manifest.size}`;
  if (generation > manifest.generation)
    throw new RecoverRefused(
      'foreign-export',
      `the ledger in the database has another history than the export: its key store is of generation ${generation}, that of the export ${manifest.generation}`,
    );
  if (!acceptOlder)
    throw new RecoverRefused(
      'database-older',
      `${complaint}. What lies between is lost. To go on without it: --accept-older-database`,
    );
};

const KEYS_AT_ONCE = 5000;

const install = async (tx: Runner, { slots, keyring, keys, snapshot }: KeyExport): Promise<void> => {
  for (const { position, part, parts, box } of snapshot) await tx.run(putSnapshot, [position, part, parts, box]);
  await tx.run(clearKeys);
  for (let from = 0; from < keys.length; from += KEYS_AT_ONCE)
    await tx.run(insertKeys, keyArrays(keys.slice(from, from + KEYS_AT_ONCE)));
  await tx.run(clearSlots);
  for (const { slotId, record } of slots) await tx.run(putSlot, [slotId, record]);
  await tx.run(clearKeyring);
  await tx.run(putKeyring, [keyring.generation, keyring.box]);
  await tx.run(deleteDestroyed);
};

/** Each once. Whether this ledger's keys made them is asked at unseal, before anything is served. */
const erasedLines = (list: string | null): readonly string[] => [
  ...new Set((list ?? '').split('\n').filter(line => /^[0-9a-f]{112}$/.test(line))),
];
