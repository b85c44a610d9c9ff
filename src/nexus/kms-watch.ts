/**
 * Opens the ledger at the start with a key that somebody else keeps, trying again until it answers; and while the server is
 * open, asks from time to time whether the next start could. A server that is open goes on serving when the key is away, and
 * says that a restart would not open it. One that a person sealed stays sealed.
 */
import { setTimeout as pause } from 'node:timers/promises';
import { type Uuid, wipe } from '../crypto/bytes.js';
import { kmsParamsOf } from '../keys/kms-slots.js';
import { openSlotRow } from '../keys/slots.js';
import { slotRows } from '../keys/store.js';
import { type Kms, KmsError } from '../kms/kms.js';
import type { Nexus } from './nexus.js';

const FIRST_PAUSE_MS = 250;
const LAST_PAUSE_MS = 30_000;

const OPENS_NOTHING = 'what it unwraps does not open its slot';
/** What is wrong with the ledger is said by whoever refused it. */
const REFUSED = 'its slot opens, and the ledger behind it is refused';

interface Target {
  readonly slotId: Uuid;
  readonly kms: Kms;
  readonly ciphertext: Buffer;
}

export class KmsWatch {
  readonly #stopped = new AbortController();
  #nap = new AbortController();
  /** Since when (ms), and over what, it does not go on. */
  #trouble: { readonly sinceMs: number; readonly reason: string } | null = null;

  constructor(
    readonly nexus: Nexus,
    readonly nodeId: string,
    /** Between two looks of an open server. */
    readonly probeMs: number,
  ) {
    nexus.waiting = () => this.#words();
    nexus.rootWasLost = () => this.#nap.abort();
  }

  start(): void {
    if (this.nexus.ports.kms.length > 0) void this.#run();
  }

  /** What waits for an answer at this moment comes to nothing. */
  stop(): void {
    this.#stopped.abort();
  }

  async #run(): Promise<void> {
    for (let misses = 0; !this.#stopped.signal.aborted; ) {
      const well = await this.#look();
      misses = well ? 0 : misses + 1;
      const next = well ? this.probeMs : Math.min(LAST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** Math.min(misses - 1, 16));
      // Stopping ends the wait early, and so does a ledger that has another root key by now.
      const signal = AbortSignal.any([this.#stopped.signal, this.#nap.signal]);
      await pause(next, undefined, { signal, ref: false }).catch(() => undefined);
      if (this.#nap.signal.aborted) this.#nap = new AbortController();
    }
  }

  /** False: look again soon. */
  async #look(): Promise<boolean> {
    const { nexus } = this;
    try {
      if (!(await nexus.initialised())) return false;
      if (nexus.session === null && nexus.sealedByHand) {
        this.#told(null);
        return true;
      }
      const targets = await this.#targets();
      // Nothing to wait for: no slot is under a key of the settings.
      if (targets.length === 0) {
        this.#told(null);
        return nexus.session !== null;
      }
      const reasons: string[] = [];
      for (const target of targets) {
        const reason = await this.#tried(target);
        if (reason === null) {
          this.#told(null);
          return true;
        }
        reasons.push(reason);
      }
      this.#told(reasons.join('; '));
    } catch (cause) {
      if (!this.#stopped.signal.aborted) nexus.ports.notice('kms', cause);
    }
    return false;
  }

  /** Slots under keys that the settings name: a URI that is only in the database is asked nothing. */
  async #targets(): Promise<readonly Target[]> {
    const rows = await this.nexus.ports.database.writer.run(slotRows);
    return rows.flatMap(row => {
      const params = kmsParamsOf(row);
      const kms = this.nexus.ports.kms.find(({ uri }) => uri === params?.uri);
      return params === null || kms === undefined ? [] : [{ slotId: row.slotId, kms, ciphertext: params.ciphertext }];
    });
  }

  /** Null: it opened the ledger, or would. */
  async #tried({ slotId, kms, ciphertext }: Target): Promise<string | null> {
    const ikm = await kms.unwrap(ciphertext).catch((error: unknown) => {
      if (error instanceof KmsError) return error;
      throw error;
    });
    if (ikm instanceof KmsError) return ikm.message;
    try {
      if (this.#stopped.signal.aborted) return null;
      const { session, sealedByHand } = this.nexus;
      // Somebody sealed it while the key was asked whether it would open the next start.
      if (session === null && sealedByHand) return null;
      if (session === null) return await this.#open(slotId, ikm, kms);
      const row = (await session.ports.runner.run(slotRows)).find(each => each.slotId === slotId);
      const opened = row === undefined ? null : openSlotRow(session.custody.ledger, row, ikm);
      if (opened !== null) wipe(opened.root.key);
      return opened === null ? `${kms.uri}: ${OPENS_NOTHING}` : null;
    } finally {
      wipe(ikm);
    }
  }

  async #open(slotId: Uuid, ikm: Buffer, kms: Kms): Promise<string | null> {
    const { nexus } = this;
    const opened = await nexus.unseal({ slotId, ikm });
    if (opened._tag === 'Left')
      return `${kms.uri}: ${opened.left.kind === 'bad-credentials' ? OPENS_NOTHING : REFUSED}`;
    nexus.record({
      ...{ v: 1, at: nexus.ports.nowMs() * 1000, op: 'sys.unseal', path: 'sys/unseal', node: this.nodeId },
      ...{ actor: { id: null, kind: 'system' }, via: { method: 'kms' }, outcome: 'ok' },
    });
    return null;
  }

  /** Says it where the state of the server is asked for, and once in the log. */
  #told(reason: string | null): void {
    const { nexus } = this;
    if (reason === null) this.#trouble = null;
    else if (this.#trouble === null || this.#trouble.reason !== reason) {
      this.#trouble = { sinceMs: this.#trouble?.sinceMs ?? nexus.ports.nowMs(), reason };
      nexus.ports.notice('kms', new KmsError('away', reason));
    }
  }

  #words(): string | null {
    const { session, sealedByHand } = this.nexus;
    if (this.#trouble === null || (session === null && sealedByHand)) return null;
    const since = new Date(this.#trouble.sinceMs).toISOString();
    return session === null
      ? `sealed: waiting since ${since} for ${this.#trouble.reason}`
      : `serving, but since ${since} a restart would stay sealed: ${this.#trouble.reason}`;
  }
}
