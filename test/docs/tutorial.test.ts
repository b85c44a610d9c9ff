/** The tutorial, as a newcomer goes through it; and what it means that an answer fits. */
import * as assert from 'uvu/assert';
import { describe } from '../support/describe.js';
import { describePage } from './support/page-suite.js';
import { misfit } from './support/session.js';

describePage('docs/tutorials/first-secret.md', 12);

describe('the comparison with what a page shows', test => {
  test('takes … for anything within a line, and no notice of widths', () => {
    assert.is(misfit('A  B\n…  done · position …', 'A    B\n12 x  done · position 7\n'), null);
  });
  test('sees another word, a missing line and one too many', () => {
    assert.is(misfit('version 1', 'version 2'), '"version 2" is not "version 1"');
    assert.is(misfit('a\nb', 'a'), '"b" is missing');
    assert.is(misfit('a', 'a\nb'), '"b" is not on the page');
  });
});
