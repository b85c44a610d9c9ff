/** Terms of erasure keys: what can be asked of them, and what they look like. Times are µs since 1970. */
import type { TermState } from '../../domain/erasure/terms.js';
import type { Op } from '../request.js';

/** Where a copy of a term's erasure key lies, or lay. */
export interface CopyStatus {
  readonly kind: 'node' | 'escrow' | 'kms';
  /** A node's name, an escrow's id, or the key at a key service. */
  readonly holder: string;
  /** Of an escrow: for whom it was sealed. */
  readonly recipients: readonly string[];
  readonly madeAt: number | null;
  /** When its end was reported; null: it is there, as far as anybody knows. */
  readonly goneAt: number | null;
}

export interface TermStatus {
  readonly term: number;
  readonly state: TermState;
  /** Key rows that lie under it. */
  readonly rows: number;
  readonly preparedAt: number;
  readonly activatedAt: number | null;
  readonly followedAt: number | null;
  readonly rewrappedAt: number | null;
  readonly endedAt: number | null;
  readonly destroyedAt: number | null;
  /** When it ends, as far as that is planned. */
  readonly plannedEnd: number | null;
  readonly copies: readonly CopyStatus[];
}

export interface NodeStatus {
  readonly node: string;
  readonly process: string;
  readonly live: boolean;
  readonly secondsAgo: number;
  readonly terms: readonly number[];
}

export interface RotationSettings {
  readonly enabled: boolean;
  /** From one rotation to the next. */
  readonly intervalMs: number;
  /** How long physical backups of the database are kept: so long a term goes on after its last key was wrapped again. */
  readonly backupRetentionMs: number;
}

export interface KeysStatus {
  readonly term: number;
  readonly place: string;
  readonly erasable: boolean;
  readonly settings: RotationSettings;
  /** Null: nobody rotates by schedule. */
  readonly nextRotationAt: number | null;
  readonly terms: readonly TermStatus[];
  readonly nodes: readonly NodeStatus[];
  /** What a rotation waits for, in operator's words. */
  readonly waitingFor: readonly string[];
}

/** The active term as old clients ask for it. */
export interface ActiveTerm {
  readonly term: number;
  readonly activatedAt: number;
  readonly rows: number;
}

export interface KeysOperations {
  readonly status: Op<Record<never, never>, KeysStatus>;
  /** Prepares the next term and makes it the active one as soon as every node has it. The rest goes on by itself. */
  readonly rotate: Op<Record<never, never>, KeysStatus>;
  readonly active: Op<Record<never, never>, ActiveTerm>;
  readonly settings: Op<Record<never, never>, RotationSettings>;
  readonly configure: Op<Partial<RotationSettings>, { readonly position: number | null }>;
  /** An `age` file with the erasure key of a term (absent: the active one), for recipients who keep it elsewhere. */
  readonly escrow: Op<
    { readonly term: number | null; readonly recipients: readonly string[] },
    { readonly position: number; readonly id: string; readonly term: number; readonly file: string }
  >;
  /** A node that is gone for ever, or an escrow: its copy of the term's erasure key is destroyed. */
  readonly copyGone: Op<{ readonly term: number; readonly holder: string }, { readonly position: number | null }>;
}
