/** What callers can ask the ledger itself, as types: the audit trail, who could do what, the head, and restores. */
import type { Capability } from '../../authority/permission.js';
import type { Moment, Op, Place } from '../request.js';

/** One line of the audit trail: headers opened, values never. Fields as in the event catalogue §5. */
export interface AuditRecord {
  readonly position: number;
  /** 0 for events; the line inside a block of recorded requests otherwise. */
  readonly index: number;
  readonly event_id: string;
  readonly type: string;
  readonly class: string;
  readonly stream_version: number;
  /** RFC 3339 UTC */
  readonly recorded_at: string;
  readonly outcome: 'ok' | 'denied' | 'failed' | 'error';
  readonly path: string | null;
  readonly actor: { readonly id: string; readonly kind: string; readonly name: string | null } | null;
  readonly [field: string]: unknown;
}

export interface EventsQuery {
  /** Only records with position > after (or, inside a block, a later index). */
  readonly after: { position: number; index: number };
  readonly limit: number;
  readonly pathPrefix: string | null;
  /** An entity's id or its name. */
  readonly actor: string | null;
  readonly type: string | null;
  readonly outcome: 'ok' | 'denied' | 'failed' | 'error' | null;
  readonly from: Moment | null;
  readonly to: Moment | null;
}

export interface EventsPage {
  readonly events: readonly AuditRecord[];
  /** Opaque: pass it back as `after`; null = the end of the ledger for now. */
  readonly next: { position: number; index: number } | null;
}

export interface LedgerHead {
  readonly position: number;
  /** lower-case hex */
  readonly root: string;
  /** RFC 3339 UTC */
  readonly recorded_at: string;
  readonly ledger_id: string;
  readonly authority_count: number;
  readonly epoch: number;
}

export type RestoreChange =
  | 'create'
  | 'update'
  | 'delete'
  | 'undelete'
  | 'remove'
  | 'metadata'
  | 'unchanged'
  | 'unrecoverable';

export interface RestorePlan {
  /** A sealed description of the plan: any node can apply it. */
  readonly plan_id: string;
  /** The moment that would be restored, as a position. */
  readonly position: number;
  readonly made_at: number;
  readonly expires_at: string;
  readonly counts: Readonly<Record<RestoreChange, number>>;
  readonly changes: readonly {
    readonly path: string;
    readonly change: RestoreChange;
    readonly detail: string | null;
  }[];
  /** How many atomic steps the plan takes (more than one only beyond 10,000 events or 64 MiB). */
  readonly steps: number;
}

/** Somebody who can act: a live token, or a login that would give one. */
export interface Holder {
  readonly actor: { readonly id: string | null; readonly kind: string; readonly name: string | null };
  readonly holds: 'token' | 'login';
  readonly accessor: string | null;
  readonly display_name: string;
  readonly policies: readonly string[];
}

export interface Access extends Holder {
  readonly capabilities: readonly string[];
}

/** With the rule that decided; `why` says what was missing. */
export interface Ruling extends Holder {
  readonly allowed: boolean;
  readonly why: string | null;
  readonly rule: { readonly policy: string; readonly path: string; readonly capability: string } | null;
}

export interface LedgerOperations {
  /** `actor`: an entity's name or id, a token's accessor, or a login's name. Allowed if any of its holders is. */
  readonly can: Op<
    { actor: string; capability: Capability; path: string; moment: Moment | null },
    {
      readonly position: number;
      readonly at: string;
      readonly capability: string;
      readonly path: string;
      readonly allowed: boolean;
      readonly holders: readonly Ruling[];
    }
  >;
  readonly access: Op<
    { path: string; moment: Moment | null },
    { readonly position: number; readonly at: string; readonly path: string; readonly holders: readonly Access[] }
  >;
  readonly head: Op<Record<never, never>, LedgerHead>;
  readonly events: Op<EventsQuery, EventsPage>;
  /** A path that ends in '/' is a folder; '/' or '' is the whole mount. */
  readonly planRestore: Op<Place & { moment: Moment }, RestorePlan>;
  readonly applyRestore: Op<{ planId: string }, { position: number; counts: Readonly<Record<string, number>> }>;
}
