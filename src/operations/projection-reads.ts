/**
 * What operations ask of projections: a port, so that they depend on questions and not on tables. Answers are as of a
 * position; a worker that is behind is waited for within a bound, and beyond it the answer is the fault `projection-behind`.
 */
import type { Uuid } from '../crypto/bytes.js';

export interface TreeChild {
  readonly node: Uuid;
  readonly kind: 'secret' | 'folder';
  /** The node's name box, as it was stored at the lowest position. */
  readonly box: Buffer;
}

/** A secret that was ever known under a folder, living or not: its nodes from the folder downwards, itself last. */
export interface TreeSecret {
  readonly node: Uuid;
  readonly steps: readonly { readonly node: Uuid; readonly parent: Uuid; readonly box: Buffer }[];
}

export interface AuditSearch {
  /** Positions greater than this. */
  readonly after: number;
  readonly upTo: number;
  readonly limit: number;
  readonly actor: Uuid | null;
  /** This node or anything under it. */
  readonly underNode: Uuid | null;
  /** Any of these streams. */
  readonly streams: readonly Uuid[] | null;
  readonly type: string | null;
}

export interface ProjectionReads {
  /** What is in a folder, some at a time and in no order; a child may come twice. */
  children(parent: Uuid, position: number, some: (children: readonly TreeChild[]) => void): Promise<void>;
  subtree(root: Uuid, position: number): Promise<readonly TreeSecret[]>;
  /** The next folders in `parent` after a node, as far as was folded: what is asked again later. */
  foldersAfter(parent: Uuid, after: Uuid, limit: number): Promise<readonly TreeChild[]>;
  /** Secrets that live under any of the folders: their nodes from the folder downwards, itself last. */
  livingUnder(folders: readonly Uuid[], position: number, limit: number): Promise<readonly TreeSecret[]>;
  auditPositions(search: AuditSearch): Promise<readonly number[]>;
}
