/** A store without a past: whatever is written is destroyed by the command that takes its place, or takes it away. */
import fc from 'fast-check';
import * as assert from 'uvu/assert';
import type { MountSettings } from '../../src/domain/secret/decide.js';
import { decideInTurn, erasing, replacing } from '../../src/domain/secret/sequence.js';
import { evolve, exists, initial, type SecretState } from '../../src/domain/secret/state.js';
import { describe } from '../support/describe.js';

const MOUNT: MountSettings = {
  ...{ maxVersions: 1, casRequired: false, metadataCasRequired: false, deleteVersionAfter: -1 },
};

interface Run {
  readonly state: SecretState;
  /** Stream versions of writes whose keys are still there. */
  readonly kept: readonly number[];
  readonly types: readonly string[];
}

const step = ({ state, kept }: Run, kind: 'replace' | 'erase', recordedAt: number): Run => {
  const steps = kind === 'replace' ? replacing(state) : erasing(state);
  const decided = decideInTurn(steps, state, MOUNT, recordedAt);
  assert.is(decided._tag, 'Right');
  if (decided._tag === 'Left') throw new Error('rejected');
  assert.equal(
    decided.right.map(({ type }) => type),
    steps.map(({ type }) => type),
  );
  let at = state;
  const keys = new Set(kept);
  for (const event of decided.right) {
    at = evolve(at, { ...event, streamVersion: at.streamVersion + 1, recordedAt });
    if (event.type === 'secret.written') keys.add(at.streamVersion);
    for (const gone of event.destroys) assert.ok(keys.delete(gone), `${gone} had a key`);
  }
  return { state: at, kept: [...keys], types: decided.right.map(({ type }) => type) };
};

const run = (kinds: readonly ('replace' | 'erase')[]): Run =>
  kinds.reduce<Run>((before, kind, i) => step(before, kind, i + 1), { state: initial, kept: [], types: [] });

describe('a store that keeps no past', test => {
  test('writes first, then destroys what it replaces', () => {
    assert.equal(run(['replace']).types, ['secret.written']);
    assert.equal(run(['replace', 'replace']).types, ['secret.destroyed', 'secret.written']);
  });

  test('destroys what it takes away, and takes nothing away twice', () => {
    assert.equal(run(['replace', 'erase']).types, ['secret.destroyed', 'secret.removed']);
    assert.equal(run(['erase']).types, []);
    assert.equal(run(['replace', 'erase', 'erase']).types, []);
    assert.equal(run(['replace', 'erase', 'replace']).types, ['secret.written']);
  });

  test('has one key while there is a value and none otherwise, however often it changes', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('replace', 'erase'), { maxLength: 150 }), kinds => {
        const { state, kept } = run(kinds);
        const there = kinds.at(-1) === 'replace';
        assert.is(exists(state), there);
        assert.equal(kept, there ? [state.head?.written] : []);
        assert.equal((state.live ?? []).filter(({ destroyed }) => !destroyed).length, there ? 1 : 0);
      }),
    );
  });
});
