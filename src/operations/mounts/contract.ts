/** What callers can do with mounts, as types. */
import type { Op } from '../contract.js';

/** Seconds, lists and switches under the dialect's names; 0 = the system's. */
export type MountConfig = Readonly<Record<string, unknown>>;

export interface MountDetail {
  /** In full, without its trailing slash: `secret`, `auth/approle`. */
  readonly path: string;
  readonly type: string;
  readonly description: string;
  readonly accessor: string;
  readonly uuid: string;
  readonly options: Readonly<Record<string, string>>;
  readonly config: MountConfig;
}

interface Path {
  /** In full, without its trailing slash. */
  readonly path: string;
}

export interface NewMount extends Path {
  readonly type: string;
  readonly description: string;
  readonly options: Readonly<Record<string, string>>;
  readonly config: MountConfig;
}

/** Absent = keep. */
export interface MountTuning extends Path {
  readonly description?: string;
  readonly options?: Readonly<Record<string, string>>;
  /** Entries that are given replace what was there; a null takes one away. */
  readonly config: MountConfig;
}

type Changed = { readonly position: number | null };

export interface MountOperations {
  readonly list: Op<{ readonly auth: boolean }, readonly MountDetail[]>;
  readonly read: Op<Path & { readonly missing: string }, MountDetail>;
  readonly enable: Op<NewMount, Changed>;
  readonly tune: Op<MountTuning, Changed>;
  /** An engine's secrets stay in the ledger; tokens that an auth method issued end. */
  readonly disable: Op<Path, Changed>;
}
