import * as fc from 'fast-check';
import * as assert from 'uvu/assert';
import { type ErasurePlan, endOfTerm, fullyErased } from '../../src/domain/erasure/fully-erased.js';
import { stateOf, type Term } from '../../src/domain/erasure/terms.js';
import { describe } from '../support/describe.js';

const DAY = 86_400_000_000;
const PLAN: ErasurePlan = { erasable: true, rotateEvery: 30 * DAY, backupRetention: 35 * DAY };
const START = 1_764_000_000_000_000;

const term = (life: Partial<Term> = {}): Term => ({
  ...{ term: 1, preparedAt: START, activatedAt: START, followedAt: null },
  ...{ rewrappedAt: null, endedAt: null, destroyedAt: null },
  ...life,
});

describe('the end of a term', test => {
  test('is planned from the schedule while the term is active', () =>
    assert.is(endOfTerm(term(), PLAN), START + 65 * DAY));
  test('is not planned when nobody rotates by schedule', () =>
    assert.is(endOfTerm(term(), { ...PLAN, rotateEvery: 0 }), null));
  test('is planned once the next term is active, whoever rotated', () =>
    assert.is(endOfTerm(term({ followedAt: START + DAY }), { ...PLAN, rotateEvery: 0 }), START + 36 * DAY));
  test('comes when backups from before the last key was wrapped again have expired', () =>
    assert.is(endOfTerm(term({ followedAt: START + DAY, rewrappedAt: START + 2 * DAY }), PLAN), START + 37 * DAY));
  test('never comes where erasure keys are none', () =>
    assert.is(endOfTerm(term(), { ...PLAN, erasable: false }), null));
  test('was when it was recorded', () => assert.is(endOfTerm(term({ destroyedAt: START + 9 }), PLAN), START + 9));
});

describe('a destroyed key is fully erased', test => {
  test('by the end of the last term that wrapped it, if that is first', () => {
    const last = term({ followedAt: START + DAY, rewrappedAt: START + 2 * DAY });
    const erased = fullyErased(last, START + 10 * DAY, PLAN);
    assert.is(erased.on, START + 37 * DAY);
    assert.is(erased.by, 'term');
    assert.is(erased.backupsExpire, START + 45 * DAY);
  });
  test('by the expiry of the last backup that holds its row, if that is first', () => {
    const erased = fullyErased(term(), START + DAY, PLAN);
    assert.is(erased.on, START + 36 * DAY);
    assert.is(erased.by, 'backups');
    assert.is(erased.termEnds, START + 65 * DAY);
  });
  test('by the backups alone where erasure keys are none, and that is confirmed by nobody', () => {
    const erased = fullyErased(term(), START, { ...PLAN, erasable: false });
    assert.equal(
      [erased.on, erased.by, erased.termEnds, erased.confirmedAt],
      [START + 35 * DAY, 'backups', null, null],
    );
  });
  test('is confirmed by the end of the term and by nothing before', () => {
    assert.is(fullyErased(term({ endedAt: START + 3 }), START, PLAN).confirmedAt, null);
    assert.is(fullyErased(term({ endedAt: START + 3, destroyedAt: START + 5 }), START, PLAN).confirmedAt, START + 5);
  });
  test('on the earlier of the two dates, always', () => {
    const moment = fc.integer({ min: 0, max: 10_000 * DAY });
    fc.assert(
      fc.property(moment, fc.option(moment), moment, moment, fc.boolean(), (copy, ended, every, kept, erasable) => {
        const plan = { erasable, rotateEvery: every, backupRetention: kept };
        const { on, termEnds, backupsExpire } = fullyErased(term({ destroyedAt: ended }), copy, plan);
        assert.is(on, Math.min(termEnds ?? Number.POSITIVE_INFINITY, backupsExpire));
      }),
    );
  });
});

describe("a term's state", test => {
  const steps = [
    ['prepared', { activatedAt: null }],
    ['active', {}],
    ['rewrapping', { followedAt: 1 }],
    ['grace', { followedAt: 1, rewrappedAt: 2 }],
    ['ended', { followedAt: 1, rewrappedAt: 2, endedAt: 3 }],
    ['destroyed', { followedAt: 1, rewrappedAt: 2, endedAt: 3, destroyedAt: 4 }],
  ] as const;
  for (const [state, life] of steps) test(`is ${state}`, () => assert.is(stateOf(term(life)), state));
});
