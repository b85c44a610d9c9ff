import * as assert from 'uvu/assert';
import type { SecretCommand } from '../../src/domain/secret/commands.js';
import { planRestore } from '../../src/domain/secret/restore.js';
import { START, stateAfter, write } from '../support/decider.js';
import { describe } from '../support/describe.js';

const LATER = START + 1_000_000_000;

const plan = (before: readonly SecretCommand[], since: readonly SecretCommand[], destroyed: readonly number[] = []) =>
  planRestore({
    past: stateAfter(before),
    pastUs: START + before.length * 1_000_000,
    now: stateAfter([...before, ...since]),
    nowUs: LATER,
    destroyed: streamVersion => destroyed.includes(streamVersion),
  });

describe('restoring a secret to how it was', test => {
  test('does nothing when nothing changed', () => assert.is(plan([write(false)], []).change, 'unchanged'));
  test('removes what was not there', () => assert.equal(plan([], [write(false)]).steps, [{ kind: 'remove' }]));
  test('undeletes what was merely deleted', () =>
    assert.equal(plan([write(false)], [{ kind: 'delete', versions: null }]).steps, [{ kind: 'undelete', version: 1 }]));
  test('copies the value under a new version number', () =>
    assert.equal(plan([write(false)], [write(true)]).steps, [{ kind: 'copy', source: 1, deletionTime: 0 }]));
  test('brings back a removed key with its settings', () => {
    const limit: SecretCommand = { kind: 'configure', settings: { maxVersions: 3 }, metadataCas: null };
    const { change, steps } = plan([limit, write(true)], [{ kind: 'remove' }]);
    assert.is(change, 'create');
    assert.equal(
      steps.map(step => step.kind),
      ['copy', 'configure'],
    );
  });
  test('deletes what was deleted then', () => {
    const deleted: SecretCommand = { kind: 'delete', versions: null };
    assert.equal(
      plan([write(false), deleted], [write(true)]).steps.map(step => step.kind),
      ['copy', 'delete'],
    );
    assert.equal(
      plan([write(false), deleted], [{ kind: 'undelete', versions: [1] }]).steps.map(step => step.kind),
      ['delete'],
    );
  });
  test('says what was destroyed since, and does not touch it', () => {
    assert.is(plan([write(false)], [{ kind: 'destroy', versions: [1] }]).change, 'unrecoverable');
    assert.is(plan([write(false)], [write(true), { kind: 'destroy', versions: [1] }], [1]).change, 'unrecoverable');
  });
  test('loses nothing where the value was destroyed already then, and still is the current one', () => {
    const gone: readonly SecretCommand[] = [write(false), { kind: 'destroy', versions: [1] }];
    const limit: SecretCommand = { kind: 'configure', settings: { maxVersions: 3 }, metadataCas: null };
    assert.is(plan(gone, [], [1]).change, 'unchanged');
    assert.equal(
      plan(gone, [limit], [1]).steps.map(step => step.kind),
      ['configure'],
    );
    assert.is(plan(gone, [write(true)], [1]).change, 'unrecoverable');
  });
  test('makes a key of metadata only what it was', () => {
    const annotate: SecretCommand = { kind: 'annotate', settings: {}, metadataCas: null };
    assert.equal(
      plan([annotate], [write(true)]).steps.map(step => step.kind),
      ['remove', 'annotate'],
    );
    assert.equal(
      plan([annotate], [{ kind: 'remove' }]).steps.map(step => step.kind),
      ['annotate'],
    );
  });
});
