/** uvu suites that cannot be forgotten: a suite without `.run()` passes with zero tests, so this calls it. */
import { suite, type Test } from 'uvu';

export const describe = (title: string, define: (test: Test) => void): void => {
  const test = suite(title);
  define(test);
  test.run();
};
