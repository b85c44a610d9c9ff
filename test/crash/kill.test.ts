import { describe } from '../support/describe.js';
import { killRepeatedly } from './story.js';

describe('twenty kills under write load', test => {
  test('of the server lose nothing that was acknowledged', () => killRepeatedly('server', 20));
  test('of PostgreSQL lose nothing that was acknowledged', () => killRepeatedly('postgres', 20));
});
