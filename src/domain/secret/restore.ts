/**
 * What brings a secret back to how it was (events.md §2): a pure comparison of then and now, giving steps that append new
 * events. History is not rewritten; what was destroyed since stays destroyed and is named.
 */
import type { Settings } from './commands.js';
import type { Head } from './head.js';
import { exists, isGone, type SecretState } from './state.js';

export type RestoreStep =
  | { readonly kind: 'remove' }
  /** The write with that stream version again, under a new version number. µs, 0 = never. */
  | { readonly kind: 'copy'; readonly source: number; readonly deletionTime: number }
  | { readonly kind: 'delete' }
  | { readonly kind: 'undelete'; readonly version: number }
  | { readonly kind: 'configure'; readonly settings: Settings }
  /** The annotation with that stream version again; null clears. */
  | { readonly kind: 'annotate'; readonly source: number | null; readonly settings: Settings };

export type RestoreChange =
  | 'create'
  | 'update'
  | 'delete'
  | 'undelete'
  | 'remove'
  | 'metadata'
  | 'unchanged'
  | 'unrecoverable';

export interface Restore {
  readonly change: RestoreChange;
  readonly detail: string | null;
  readonly steps: readonly RestoreStep[];
}

export interface Compared {
  readonly past: SecretState;
  /** µs: what "now" was then. */
  readonly pastUs: number;
  readonly now: SecretState;
  readonly nowUs: number;
  /** Whether the key of the event with that stream version was destroyed by now. */
  readonly destroyed: (streamVersion: number) => boolean;
}

const UNCHANGED: Restore = { change: 'unchanged', detail: null, steps: [] };

export const planRestore = (compared: Compared): Restore => {
  const { past, now } = compared;
  if (past.head === null || !exists(past))
    return exists(now) ? { change: 'remove', detail: 'it was not there', steps: [{ kind: 'remove' }] } : UNCHANGED;
  if (past.head.version === 0) return metadataOnly(past.head, compared);
  const value = valueSteps(past.head, compared);
  if (value.change === 'unrecoverable') return value;
  const metadata = metadataSteps(past.head, exists(now) ? now.head : null, compared);
  if (metadata.steps.length === 0) return value;
  const change = value.change === 'unchanged' ? 'metadata' : value.change;
  return { change, detail: value.detail ?? metadata.detail, steps: [...value.steps, ...metadata.steps] };
};

const metadataOnly = (then: Head, compared: Compared): Restore => {
  const { now } = compared;
  const hasVersions = exists(now) && now.head !== null && now.head.version > 0;
  const before = exists(now) && !hasVersions ? now.head : null;
  const metadata = metadataSteps(then, before, compared);
  // A key that exists with default settings and no annotation has to be made by some event: settings say so.
  const steps =
    metadata.steps.length === 0 && before === null
      ? [{ kind: 'configure' as const, settings: settingsOf(then) }]
      : metadata.steps;
  const all = [...(hasVersions ? [{ kind: 'remove' as const }] : []), ...steps];
  return all.length === 0 ? UNCHANGED : { change: 'metadata', detail: metadata.detail, steps: all };
};

const valueSteps = (then: Head, { pastUs, now, nowUs, destroyed }: Compared): Restore => {
  const head = exists(now) ? now.head : null;
  const goneThen = isGone(then, pastUs);
  const goneNow = head !== null && isGone(head, nowUs);
  const same = head !== null && head.written === then.written;
  if (same) {
    if (then.destroyed) return UNCHANGED;
    if (head.destroyed) return { change: 'unrecoverable', detail: 'its value was destroyed since', steps: [] };
    if (goneThen === goneNow) return UNCHANGED;
    return goneThen
      ? { change: 'delete', detail: 'it was deleted', steps: [{ kind: 'delete' }] }
      : { change: 'undelete', detail: null, steps: [{ kind: 'undelete', version: head.version }] };
  }
  if (then.destroyed) return { change: 'unrecoverable', detail: 'its value was destroyed already then', steps: [] };
  if (destroyed(then.written)) return { change: 'unrecoverable', detail: 'its value was destroyed since', steps: [] };
  // An expiry that lay ahead then is kept if it still lies ahead; one that has passed would make the restored value vanish.
  const deletionTime = !goneThen && then.deletionTime > nowUs ? then.deletionTime : 0;
  const copy: RestoreStep = { kind: 'copy', source: then.written, deletionTime };
  if (goneThen) return { change: 'delete', detail: 'it was deleted', steps: [copy, { kind: 'delete' }] };
  return { change: head === null ? 'create' : 'update', detail: `version ${then.version} again`, steps: [copy] };
};

const settingsOf = (head: Head): Required<Settings> => ({
  maxVersions: head.maxVersions,
  casRequired: head.casRequired,
  deleteVersionAfter: head.deleteVersionAfter,
  metadataCasRequired: head.metadataCasRequired,
});

/** `now` null: the key is not there, or will be removed first, and begins with nothing. */
const metadataSteps = (
  then: Head,
  now: Head | null,
  { destroyed }: Compared,
): { readonly detail: string | null; readonly steps: readonly RestoreStep[] } => {
  const settings = settingsOf(then);
  const lost = then.annotated !== 0 && destroyed(then.annotated);
  const annotatedNow = now?.annotated ?? 0;
  if (then.annotated !== annotatedNow && !lost)
    return {
      detail: null,
      steps: [{ kind: 'annotate', source: then.annotated === 0 ? null : then.annotated, settings }],
    };
  const before = now === null ? null : settingsOf(now);
  const differs = (Object.keys(settings) as (keyof Settings)[]).some(
    name => settings[name] !== (before?.[name] ?? (typeof settings[name] === 'number' ? 0 : false)),
  );
  const detail = lost ? 'its custom metadata was destroyed since' : null;
  return { detail, steps: differs ? [{ kind: 'configure', settings }] : [] };
};
