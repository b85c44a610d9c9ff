/** The runner believes a test file only if it says how many tests passed, and that these were all. */
import * as assert from 'uvu/assert';
import { describe } from '../support/describe.js';
import { judge, runFile } from '../support/test-file.js';

const printed = (total: number, passed: number, skipped = 0): string =>
  `  some output\n  Total:     ${total}\n\u001b[32m  Passed:    ${passed}\u001b[39m\n  Skipped:   ${skipped}\n  Duration:  1ms\n\n`;

describe('a test file', test => {
  test('passes when all its tests did', () => {
    assert.equal(judge(printed(3, 3, 1), 0, null), { passed: 3, failed: 0, skipped: 1, trouble: null });
  });

  test('fails with each test that did not pass, also when uvu saw no error in it', () => {
    assert.is(judge(printed(3, 1), 1, null).failed, 2);
    assert.is(judge(printed(3, 0), 0, null).failed, 3);
  });

  test('fails when it ran nothing, said nothing, ended badly or too late', () => {
    assert.is(judge(printed(0, 0), 0, null).trouble, 'ran no test');
    assert.is(judge('', 0, null).trouble, 'printed no total');
    assert.is(judge(printed(2, 2), 1, null).trouble, 'ended with exit code 1');
    assert.is(judge(printed(2, 2), null, null).trouble, 'ended with exit code of a signal');
    assert.is(judge(printed(2, 2), null, 5000).trouble, 'did not end within 5 s');
    for (const outcome of [judge('', 0, null), judge(printed(2, 2), 1, null)]) assert.is(outcome.failed, 1);
  });

  test('is judged by the last numbers that it prints', () => {
    assert.is(judge(`${printed(9, 9)}${printed(2, 1)}`, 1, null).failed, 1);
  });

  test('that does not exist fails', async () => {
    const outcome = await runFile('/nowhere/none.test.js', process.env, 5000);
    assert.is(outcome.trouble, 'printed no total');
    assert.is(outcome.failed, 1);
  });
});
