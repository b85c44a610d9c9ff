/**
 * Steps on a secret in a store that keeps no past: what was written is destroyed with the command that replaces it or takes
 * it away. Pure.
 */
import { E } from '../../fp.js';
import type { Decided } from '../decision.js';
import type { SecretCommand } from './commands.js';
import { type Decision, decide, type MountSettings } from './decide.js';
import { evolve, exists, type SecretState } from './state.js';

/** A command that gives exactly one event, of that type. */
export interface Step {
  readonly type: 'secret.destroyed' | 'secret.written' | 'secret.removed';
  readonly command: SecretCommand;
}

const destroying = (state: SecretState): readonly Step[] =>
  exists(state)
    ? [{ type: 'secret.destroyed', command: { kind: 'destroy-through', keys: [state.head?.written ?? 0] } }]
    : [];

export const replacing = (state: SecretState): readonly Step[] => [
  ...destroying(state),
  { type: 'secret.written', command: { kind: 'write', cas: null, prepared: { exists: exists(state) } } },
];

/** None where there is nothing. */
export const erasing = (state: SecretState): readonly Step[] =>
  exists(state) ? [...destroying(state), { type: 'secret.removed', command: { kind: 'remove' } }] : [];

/** Each step is decided on what the ones before it leave behind. */
export const decideInTurn = (
  steps: readonly Step[],
  state: SecretState,
  mount: MountSettings,
  recordedAt: number,
): Decision => {
  const decided: Decided[] = [];
  let at = state;
  for (const { command } of steps) {
    const next = decide(command, at, mount, recordedAt);
    if (next._tag === 'Left') return next;
    for (const event of next.right) {
      decided.push(event);
      at = evolve(at, { ...event, streamVersion: at.streamVersion + 1, recordedAt });
    }
  }
  return E.right(decided);
};
