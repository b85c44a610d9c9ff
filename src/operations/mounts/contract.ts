/** What callers can do with mounts, as types. */
import type { Grant } from '../../policies/acl.js';
import type { Op } from '../request.js';

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

/** Both in full, without their trailing slashes. */
export interface MountMove {
  readonly id: string;
  readonly from: string;
  readonly to: string;
}

/** What a caller sees of mounts without any permission to list them: those that their policies reach. */
export interface VisibleOperations {
  /** The mount that serves the path; null when there is none or nothing in it is granted, which is one answer for both. */
  readonly mountAt: Op<Path, MountDetail | null>;
  /** Without a token: those that were tuned to be shown to everybody, and `known` is false. */
  readonly mounts: Op<Record<never, never>, { readonly known: boolean; readonly mounts: readonly MountDetail[] }>;
  /** The caller's own rules; null for root, which has none. */
  readonly grants: Op<Record<never, never>, readonly Grant[] | null>;
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

export interface MoveOperations {
  /** Everything in it moves with it at once; who is first at the head has the new path. Paths as they were sent. */
  readonly move: Op<{ readonly from: string; readonly to: string }, MountMove & { readonly position: number }>;
  readonly moved: Op<{ readonly id: string }, MountMove>;
}
