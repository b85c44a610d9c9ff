/** uvu suites that cannot be forgotten: a suite without `.run()` passes with zero tests, so this calls it. */
import { suite, type Test } from 'uvu';
import { cleanUp } from './cleanup.js';

export const describe = (title: string, define: (test: Test) => void): void => {
  const test = suite(title);
  define(test);
  test.after(cleanUp);
  test.run();
};
