/**
 * uvu suites that cannot be forgotten: a suite without `.run()` passes with zero tests, so this calls it. And hooks whose
 * failure is heard: uvu drops what a hook throws, and then reports no failure.
 */
import { suite, type Test } from 'uvu';
import { cleanUp } from './cleanup.js';

type Hook = Parameters<Test['before']>[0];

const heard =
  (title: string, hook: Hook): Hook =>
  async state => {
    try {
      await hook(state);
    } catch (error) {
      process.exitCode = 1;
      console.error(`FAIL  a hook of "${title}":`, error);
      throw error;
    }
  };

export const describe = (title: string, define: (test: Test) => void): void => {
  const test = suite(title);
  const { before, after } = test;
  test.before = Object.assign((hook: Hook) => before(heard(title, hook)), { each: before.each });
  test.after = Object.assign((hook: Hook) => after(heard(title, hook)), { each: after.each });
  define(test);
  test.after(cleanUp);
  test.run();
};
