/** What a rotation waits for, in operator's words. */
import type { NodeReport } from '../../nexus/node-report.js';
import type { Copy } from './copies.js';

const listed = (names: readonly string[]): string => [...new Set(names)].sort().join(', ');

export const waitingForNodes = (term: number, lacking: readonly NodeReport[]): string | null =>
  lacking.length === 0
    ? null
    : `term ${term} waits for ${listed(lacking.map(({ node }) => node))}: its erasure key is not there yet`;

export const waitingForCopies = (term: number, left: readonly Copy[]): string | null =>
  left.length === 0
    ? null
    : `term ${term} has ended, and copies of its erasure key are left: ${listed(left.map(({ kind, holder }) => `${kind} ${holder}`))}`;
