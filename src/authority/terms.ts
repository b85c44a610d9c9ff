/** Terms of erasure keys and the copies of those keys, as lane 1 records them: what a rotation goes on from after any crash. */
import type { Term } from '../domain/erasure/terms.js';
import type { Header } from '../domain/header.js';
import type { StoredEvent } from '../ledger/event.js';
import * as shape from './shapes.js';

/** A copy of one term's erasure key for recipients who keep it elsewhere. */
export interface Escrow {
  readonly id: string;
  readonly term: number;
  readonly recipients: readonly string[];
  /** Of the file, hex. */
  readonly sha256: string;
  /** µs */
  readonly madeAt: number;
}

/** Somebody reported that a copy of a term's erasure key is no more. */
export interface CopyGone {
  readonly term: number;
  /** A node's name, or an escrow's id. */
  readonly holder: string;
  /** µs */
  readonly at: number;
}

export class TermTable {
  readonly #terms = new Map<number, Term>();
  readonly #escrows = new Map<string, Escrow>();
  readonly #gone: CopyGone[] = [];
  readonly #holders = new Map<number, ReadonlySet<string>>();
  readonly #wrapped = new Map<number, string>();

  get(term: number): Term | null {
    return this.#terms.get(term) ?? null;
  }

  /** From the oldest. */
  get all(): readonly Term[] {
    return [...this.#terms.values()].sort((a, b) => a.term - b.term);
  }

  /** Made and not yet active; at most one. */
  get prepared(): Term | null {
    return this.all.find(({ activatedAt, endedAt }) => activatedAt === null && endedAt === null) ?? null;
  }

  escrowsOf(term: number): readonly Escrow[] {
    return [...this.#escrows.values()].filter(escrow => escrow.term === term);
  }

  /** Copies of the term's key that are reported as destroyed. */
  goneOf(term: number): readonly CopyGone[] {
    return this.#gone.filter(gone => gone.term === term);
  }

  /** Nodes that had a copy of the term's erasure key when it became the active one, or when it ended. */
  holdersOf(term: number): ReadonlySet<string> {
    return this.#holders.get(term) ?? new Set();
  }

  /** SHA-256 (hex) of what a key service gave an ended term's key for; null: none did. */
  wrappedOf(term: number): string | null {
    return this.#wrapped.get(term) ?? null;
  }

  keystoreChanged(event: StoredEvent, header: Header): void {
    const { recordedAt: at } = event;
    // The first term begins with the ledger, without a preparation of its own.
    if (this.#terms.size === 0) {
      const { term } = shape.read(shape.TermFacts, event.facts, event);
      this.#terms.set(term, newTerm(term, at, at));
    }
    const { rewrapped, ended, holders, wrapped, escrow, copy_gone } = shape.read(shape.TermChangeHeader, header, event);
    if (rewrapped !== undefined) this.#change(rewrapped, { rewrappedAt: at });
    if (ended !== undefined) {
      this.#change(ended, { endedAt: at });
      this.#hold(ended, holders ?? []);
      if (wrapped !== undefined) this.#wrapped.set(ended, wrapped);
    }
    if (escrow !== undefined) this.#escrows.set(escrow.id, { ...escrow, madeAt: at });
    if (copy_gone !== undefined) this.#gone.push({ ...copy_gone, at });
  }

  wasPrepared(event: StoredEvent): void {
    const { term } = shape.read(shape.TermFacts, event.facts, event);
    this.#terms.set(term, newTerm(term, event.recordedAt, null));
  }

  wasActivated(event: StoredEvent, header: Header): void {
    const { holders } = shape.read(shape.TermHoldersHeader, header, event);
    const { term } = shape.read(shape.TermFacts, event.facts, event);
    const at = event.recordedAt;
    for (const { term: before, activatedAt, followedAt } of this.#terms.values())
      if (activatedAt !== null && followedAt === null) this.#change(before, { followedAt: at });
    this.#change(term, { activatedAt: at });
    this.#hold(
      term,
      (holders ?? []).flatMap(({ node, keeps }) => (keeps === true ? [node] : [])),
    );
  }

  wasDestroyed(event: StoredEvent): void {
    this.#change(shape.read(shape.TermFacts, event.facts, event).term, { destroyedAt: event.recordedAt });
  }

  #hold(term: number, nodes: readonly string[]): void {
    this.#holders.set(term, new Set([...this.holdersOf(term), ...nodes]));
  }

  #change(term: number, change: Partial<Term>): void {
    const before = this.#terms.get(term);
    if (before !== undefined) this.#terms.set(term, { ...before, ...change });
  }
}

const newTerm = (term: number, preparedAt: number, activatedAt: number | null): Term => ({
  ...{ term, preparedAt, activatedAt },
  ...{ followedAt: null, rewrappedAt: null, endedAt: null, destroyedAt: null },
});
