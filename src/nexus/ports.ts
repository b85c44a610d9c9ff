/** What Nexus needs from the world: the database, the clock, the node's files and settings, and who to tell. */
import type { Argon2Cost, Pepper } from '../keys/password-slots.js';
import type { Kms } from '../kms/kms.js';
import type { Pool } from '../postgres/pool.js';
import type { ErasureKeys } from './erasure-keys.js';
import type { NodeFiles } from './node-files.js';
import type { Session, SessionPorts } from './session.js';

export interface NexusPorts {
  readonly database: { readonly writer: Pool };
  readonly nowMs: () => number;
  readonly files: NodeFiles;
  readonly erasureKeys: ErasureKeys;
  /** Somebody said where erasure keys are kept; without that there is no init. */
  readonly erasureKeysChosen: boolean;
  /** New slots are made with the first; each slot remembers its own. */
  readonly peppers: readonly Pepper[];
  /** Keys that others keep, as this node's settings name them. */
  readonly kms: readonly Kms[];
  readonly slotCost: Argon2Cost;
  readonly programVersion: string;
  readonly sessionPorts: () => SessionPorts;
  /** The session began: workers that need it start. */
  readonly unsealed: (session: Session) => void;
  /** The session is about to end. */
  readonly sealing: (session: Session) => void;
  readonly notice: (what: string, cause: unknown) => void;
}
