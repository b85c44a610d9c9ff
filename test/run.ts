/**
 * The test runner: one PostgreSQL server for all files, each file in a process of its own, three at a time.
 *
 *   node dist/test/run.js [--crash] [word …]      only files whose path holds one of the words; --crash: only test/crash
 *
 * The last line is `N passed, N failed`; the exit code is 0 only if everything passed and nothing was missing.
 */
import { chmodSync, existsSync, mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { packageRoot } from '../src/package-root.js';
import { makeTemplate } from './support/database.js';
import { startServer } from './support/server.js';
import { killAll, type Outcome, runFile } from './support/test-file.js';

/** More than processors: files wait for servers, clocks and each other much of the time. */
const AT_ONCE = 3;
const FILE_TIMEOUT_MS = 120_000;
const CRASH_TIMEOUT_MS = 900_000;
/** Fewer test files than this in the source tree: somebody lost them. */
const FILES_MIN = 120;

const built = dirname(fileURLToPath(import.meta.url));

/** Test files by their source, so that a file that was not built is missed and a stale built one is not run. */
const sources = (): string[] =>
  readdirSync(join(packageRoot, 'test'), { recursive: true, encoding: 'utf8' })
    .filter(path => path.endsWith('.test.ts'))
    .sort((a, b) => Number(isLong(b)) - Number(isLong(a)) || (a < b ? -1 : 1));

/** Whole programs, killed and started again, take longest: first, so that nobody waits for the last of them alone. */
const isLong = (path: string): boolean => path.startsWith('program/') || path.startsWith('custody/');

const choose = (all: readonly string[], crash: boolean, words: readonly string[]): string[] =>
  all
    .filter(path => (crash ? path.startsWith('crash/') : !path.startsWith('crash/') && !path.startsWith('bench/')))
    .filter(path => words.length === 0 || words.some(word => path.includes(word)));

const say = (line: string): void => void process.stdout.write(`${line}\n`);

const report = (path: string, outcome: Outcome): void => {
  const { passed, failed, skipped, seconds, trouble, output } = outcome;
  const numbers = [`${passed} passed`, failed > 0 ? `${failed} failed` : '', skipped > 0 ? `${skipped} skipped` : ''];
  say(
    `${failed === 0 ? 'ok  ' : 'FAIL'} ${path}  ${numbers.filter(text => text !== '').join(', ')}  ${seconds.toFixed(1)} s`,
  );
  if (failed === 0) return;
  say(output.trimEnd());
  if (trouble !== null) say(`${path} ${trouble}`);
};

const runAll = async (files: readonly string[], env: NodeJS.ProcessEnv, timeoutMs: number): Promise<Outcome[]> => {
  const queue = [...files];
  const outcomes: Outcome[] = [];
  const worker = async (): Promise<void> => {
    for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
      const outcome = await runFile(join(built, path.replace(/ts$/, 'js')), env, timeoutMs);
      report(`test/${path}`, outcome);
      outcomes.push(outcome);
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, worker));
  return outcomes;
};

/** Takes away, in the opposite order, whatever was started; once. */
const undo: (() => Promise<void> | void)[] = [];
const undoAll = async (): Promise<void> => {
  for (let step = undo.pop(); step !== undefined; step = undo.pop()) await step();
};

const main = async (): Promise<number> => {
  const flags = process.argv.slice(2);
  const crash = flags.includes('--crash');
  const words = flags.filter(flag => !flag.startsWith('--'));
  const all = sources();
  const files = choose(all, crash, words);
  const unbuilt = files.filter(path => !existsSync(join(built, path.replace(/ts$/, 'js'))));
  if (all.length < FILES_MIN) return refuse(`only ${all.length} test files were found in ${packageRoot}/test`);
  if (files.length === 0) return refuse('no test file fits');
  if (unbuilt.length > 0) return refuse(`not built: ${unbuilt.join(', ')}`);

  // 0711: a server that had to drop root's privileges must be able to walk through.
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-run-'));
  undo.push(() => rmSync(folder, { recursive: true, force: true }));
  chmodSync(folder, 0o711);
  process.env.TMPDIR = folder;
  const server = await startServer();
  undo.push(server.stop);
  const template = await makeTemplate(server.url);
  undo.push(template.drop);
  say(`${files.length} files, on ${server.what} (${relative(process.cwd(), built) || '.'})`);

  const env = { ...process.env, TEST_SERVER_URL: server.url, TEST_TEMPLATE: template.name };
  const outcomes = await runAll(files, env, crash ? CRASH_TIMEOUT_MS : FILE_TIMEOUT_MS);
  const sum = (of: 'passed' | 'failed'): number => outcomes.reduce((count, outcome) => count + outcome[of], 0);
  await undoAll();
  say(`${sum('passed')} passed, ${sum('failed')} failed`);
  return sum('failed') === 0 ? 0 : 1;
};

const refuse = (why: string): number => {
  say(why);
  say('0 passed, 1 failed');
  return 1;
};

for (const name of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
  process.once(name, () => {
    killAll();
    void undoAll().finally(() => process.exit(130));
  });

main().then(
  code => process.exit(code),
  async (error: unknown) => {
    killAll();
    await undoAll();
    say(error instanceof Error ? (error.stack ?? error.message) : String(error));
    say('0 passed, 1 failed');
    process.exit(1);
  },
);
