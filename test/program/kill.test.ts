import { killRepeatedly } from '../crash/story.js';
import { describe } from '../support/describe.js';

describe('two kills under write load', test => {
  test('of the server lose nothing that was acknowledged', () => killRepeatedly('server', 2));
  test('of PostgreSQL lose nothing that was acknowledged', () => killRepeatedly('postgres', 2));
});
