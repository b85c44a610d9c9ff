/** Why something may not be destroyed now: a legal hold first, then a retention rule. Asked at the head of the ledger. */
import type { Authority } from '../../authority/authority.js';
import type { Mount } from '../../authority/mounts.js';
import type { Uuid } from '../../crypto/bytes.js';
import type { NodePath } from '../../nexus/node-names.js';
import { rfc3339 } from '../ledger/head.js';

export interface Kept {
  readonly outcome: 'held' | 'retained';
  /** For whoever wanted it destroyed: which rule, and what ends it. */
  readonly why: string;
}

/** The mount, the folders and the secret of one path: what a hold on any of them covers. */
export const nodesOf = (mount: Mount, path: NodePath): ReadonlySet<Uuid> =>
  new Set([mount.id, ...path.steps.map(step => step.node)]);

/** `youngest` µs: when the newest of what would be destroyed was written. Null: nothing is in the way. */
export const whyKept = (
  { holds, retention }: Pick<Authority, 'holds' | 'retention'>,
  nodes: ReadonlySet<Uuid>,
  youngest: number,
  atUs: number,
): Kept | null => {
  const hold = holds.over(nodes);
  if (hold !== null)
    return {
      outcome: 'held',
      why: `the legal hold ${hold.name} covers it: nothing under it can be destroyed until it is lifted`,
    };
  const rule = retention.over(nodes);
  const until = youngest + (rule?.minimumAge ?? 0) * 1_000_000;
  if (rule === null || until <= atUs) return null;
  return {
    outcome: 'retained',
    why: `the retention rule ${rule.name} keeps it until ${rfc3339(until)}: its newest part must be ${rule.minimumAge} seconds old`,
  };
};
