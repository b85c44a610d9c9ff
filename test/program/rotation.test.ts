import { killAt } from '../crash/rotation.js';
import { describe } from '../support/describe.js';

describe('a rotation of terms under load', test => {
  test('goes on after a kill in the midst of wrapping keys again', () => killAt(['in the midst of wrapping again']));
});
