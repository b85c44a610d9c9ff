import { describe } from '../support/describe.js';
import { killAt, STEPS } from './rotation.js';

describe('a rotation of terms under load, killed at every step', test => {
  test('goes on where it was, and ends with everything readable', () => killAt(STEPS));
});
