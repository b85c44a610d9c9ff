/** given(…events).when(command).thenEvents(…types) for secrets: the events that are given are decided first, as they would be. */
import * as assert from 'uvu/assert';
import type { SecretCommand } from '../../src/domain/secret/commands.js';
import { type Decision, decide, type MountSettings } from '../../src/domain/secret/decide.js';
import { evolve, initial, type SecretState } from '../../src/domain/secret/state.js';

export const NO_SETTINGS: MountSettings = {
  maxVersions: 0,
  casRequired: false,
  metadataCasRequired: false,
  deleteVersionAfter: 0,
};
/** µs: each command is decided a second after the one before. */
export const START = 1_764_000_000_000_000;
const SECOND = 1_000_000;

export const write = (exists: boolean, cas: number | null = null): SecretCommand => ({
  kind: 'write',
  cas,
  prepared: { exists },
});

/** The state after commands, each of which must be accepted. */
export const stateAfter = (commands: readonly SecretCommand[], mount = NO_SETTINGS): SecretState =>
  commands.reduce<SecretState>((state, command, i) => {
    const decision = decide(command, state, mount, START + i * SECOND);
    if (decision._tag === 'Left') throw new Error(`given: ${decision.left.kind}`);
    return decision.right.reduce(
      (before, { type, facts }) =>
        evolve(before, { type, facts, streamVersion: before.streamVersion + 1, recordedAt: START + i * SECOND }),
      state,
    );
  }, initial);

export const given = (...commands: readonly SecretCommand[]) => ({
  when: (command: SecretCommand, mount = NO_SETTINGS) => {
    const state = stateAfter(commands);
    const decision: Decision = decide(command, state, mount, START + commands.length * SECOND);
    return {
      thenEvents: (...types: readonly string[]): void => {
        assert.is(decision._tag, 'Right', decision._tag === 'Left' ? decision.left.kind : '');
        if (decision._tag === 'Right')
          assert.equal(
            decision.right.map(event => event.type),
            types,
          );
      },
      thenFacts: (expected: Readonly<Record<string, unknown>>): void => {
        assert.is(decision._tag, 'Right');
        const facts = decision._tag === 'Right' ? decision.right.at(-1)?.facts : undefined;
        for (const [name, value] of Object.entries(expected)) assert.equal(facts?.[name], value, name);
      },
      thenRejects: (kind: string): void => {
        assert.is(decision._tag === 'Left' ? decision.left.kind : 'accepted', kind);
      },
    };
  },
});
