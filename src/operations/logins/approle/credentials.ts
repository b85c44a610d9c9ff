/**
 * From the text of a secret id to its record. Only a keyed hash of it is stored, sealed in a key row, which no query can
 * search: so the hashes of a mount's secret ids are opened once and kept in memory, as those of tokens are.
 */
import type { SecretId } from '../../../authority/logins.js';
import { type Uuid, wipe } from '../../../crypto/bytes.js';
import { secretIdHash } from '../../../crypto/ids.js';
import { pad, unpad } from '../../../crypto/padding.js';
import { randomUuid4 } from '../../../crypto/random.js';
import { KeyKind } from '../../../keys/key-kinds.js';
import { keyRowsById } from '../../../keys/store.js';
import { IntegrityError } from '../../../ledger/integrity.js';
import type { KeyRow } from '../../../ledger/sealed-event.js';
import type { Session } from '../../../nexus/session.js';
import { uuidArray } from '../../../postgres/arrays.js';

const ROWS_A_QUERY = 1000;

class Opened {
  readonly #byHash = new Map<string, Uuid>();
  readonly #hashes = new Map<Uuid, string>();
  #seen = 0;
  #turn: Promise<void> = Promise.resolve();

  constructor(readonly session: Session) {}

  /** All there are, whatever role is asked about: one that exists costs no more than one that does not. */
  load(): Promise<void> {
    this.#turn = this.#turn.then(
      () => this.#load(),
      () => this.#load(),
    );
    return this.#turn;
  }

  get(hash: Buffer): SecretId | null {
    const id = this.#byHash.get(hash.toString('hex'));
    return id === undefined ? null : this.session.authority.secretIds.get(id);
  }

  async #load(): Promise<void> {
    const { secretIds } = this.session.authority;
    const { revision } = secretIds;
    if (this.#seen === revision) return;
    for (const [id, hash] of this.#hashes)
      if (secretIds.get(id) === null) {
        this.#hashes.delete(id);
        if (this.#byHash.get(hash) === id) this.#byHash.delete(hash);
      }
    const unopened = [...secretIds.values()].filter(({ id }) => !this.#hashes.has(id));
    for (let at = 0; at < unopened.length; at += ROWS_A_QUERY) await this.#open(unopened.slice(at, at + ROWS_A_QUERY));
    this.#seen = revision;
  }

  /** One whose row is gone was spent or removed meanwhile. */
  async #open(secretIds: readonly SecretId[]): Promise<void> {
    const owners = new Map(secretIds.map(each => [each.credential, each.id]));
    const rows = await this.session.ports.runner.run(keyRowsById, [uuidArray([...owners.keys()])]);
    for (const row of rows) {
      const id = owners.get(row.keyId);
      const padded = row.kind === KeyKind.credential && row.owner === id ? this.session.custody.unwrap(row) : null;
      const hash = padded === null ? null : unpad(padded);
      if (id === undefined || padded === null || hash === null) throw new IntegrityError('key row of a secret id');
      this.#hashes.set(id, hash.toString('hex'));
      this.#byHash.set(hash.toString('hex'), id);
      wipe(padded);
    }
  }
}

const opened = new WeakMap<Session, Opened>();

const openedIn = (session: Session): Opened => {
  const known = opened.get(session) ?? new Opened(session);
  opened.set(session, known);
  return known;
};

/** `role` = the role's stream; of a role that does not exist, zeros, and nothing is found. */
export const findSecretId = async (session: Session, role: Uuid, text: string): Promise<SecretId | null> => {
  await openedIn(session).load();
  const { keyring, ledger } = session.custody;
  let found: SecretId | null = null;
  // Under each token key, whichever fits: as tokens are found.
  for (const key of keyring.tokenKeys) found = openedIn(session).get(secretIdHash(key, ledger, role, text)) ?? found;
  return found;
};

/** The key row of a new secret id, whose stream is `secretId`. */
export const credentialRow = (session: Session, role: Uuid, secretId: Uuid, text: string): KeyRow => {
  const { custody } = session;
  const padded = pad(secretIdHash(custody.keyring.tokenKey, custody.ledger, role, text));
  const row = custody.wrap(randomUuid4(), KeyKind.credential, secretId, padded);
  wipe(padded);
  return row;
};
