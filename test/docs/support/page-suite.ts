/** A suite of one page: its blocks run in their order against a real server, with the answers that the page shows. */
import * as assert from 'uvu/assert';
import { describe } from '../../support/describe.js';
import { readPage } from './pages.js';
import { isRunnable, misfit, type Ran, runPage, wantedCode } from './session.js';

/** `least`: fewer blocks than this, and a marker was lost. */
export const describePage = (path: string, least: number): void =>
  describe(path, test => {
    const page = readPage(path);
    const blocks = page.blocks.filter(isRunnable);
    let ran: readonly Ran[] = [];

    test.before(async () => {
      ran = await runPage(page);
    });

    test('has blocks that are run', () => {
      assert.ok(blocks.length >= least, `${blocks.length} blocks`);
    });

    for (const [index, block] of blocks.entries())
      test(`line ${block.line} does what it says`, () => {
        const { code = 255, output = '', expected = null } = ran[index] ?? {};
        assert.is(code, wantedCode(block), output);
        if (expected !== null) assert.is(misfit(expected, output), null, output);
      });
  });
