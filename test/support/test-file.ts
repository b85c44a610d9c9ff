/** Runs one test file in a process group of its own and reads the numbers that uvu prints. */
import { spawn } from 'node:child_process';

export interface Outcome {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  readonly seconds: number;
  /** Why it counts as failed beyond single tests; null when nothing is wrong with the file itself. */
  readonly trouble: string | null;
  readonly output: string;
}

const running = new Set<number>();

/** Ends every group that still runs, at once. */
export const killAll = (): void => {
  for (const pid of running) killGroup(pid);
};

const killGroup = (pid: number): void => {
  try {
    process.kill(-pid, 'SIGKILL');
  } catch {
    // Gone already.
  }
};

export const runFile = async (path: string, env: NodeJS.ProcessEnv, timeoutMs: number): Promise<Outcome> => {
  const startedAt = performance.now();
  const child = spawn(process.execPath, ['--enable-source-maps', path], {
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env,
  });
  const { pid } = child;
  if (pid !== undefined) running.add(pid);
  const chunks: Buffer[] = [];
  child.stdout.on('data', chunk => chunks.push(chunk));
  child.stderr.on('data', chunk => chunks.push(chunk));
  let late = false;
  const timer = setTimeout(() => {
    late = true;
    if (pid !== undefined) killGroup(pid);
  }, timeoutMs);
  const code = await new Promise<number | null>(resolve => {
    child.once('error', () => resolve(null));
    // 'exit' and not 'close': a grandchild that holds the pipe open must not hold up the run.
    child.once('exit', number => setTimeout(() => resolve(number), 20));
  });
  clearTimeout(timer);
  // Whatever the file started and left behind.
  if (pid !== undefined) {
    killGroup(pid);
    running.delete(pid);
  }
  const output = Buffer.concat(chunks).toString('utf8');
  const seconds = (performance.now() - startedAt) / 1000;
  return { ...judge(output, code, late ? timeoutMs : null), seconds, output };
};

/** Reads the last of each number: output of the tests themselves may hold such words too. */
export const judge = (
  output: string,
  code: number | null,
  lateAfterMs: number | null,
): Pick<Outcome, 'passed' | 'failed' | 'skipped' | 'trouble'> => {
  const total = lastNumber(output, 'Total');
  const passed = lastNumber(output, 'Passed') ?? 0;
  const skipped = lastNumber(output, 'Skipped') ?? 0;
  // A suite whose `before` throws runs nothing and reports no error: what did not pass has failed.
  const failed = (total ?? 0) - passed;
  if (lateAfterMs !== null) return wrong(`did not end within ${lateAfterMs / 1000} s`);
  if (total === null) return wrong('printed no total');
  if (total === 0) return wrong('ran no test');
  if (code !== 0 && failed === 0) return wrong(`ended with exit code ${code ?? 'of a signal'}`);
  return { passed, failed, skipped, trouble: null };

  function wrong(trouble: string) {
    return { passed, failed: failed + 1, skipped, trouble };
  }
};

const lastNumber = (output: string, word: string): number | null => {
  // Colours stand between the word and the number.
  const plain = output.replaceAll(/\u001b\[\d+m/g, '');
  const found = [...plain.matchAll(new RegExp(`^  ${word}: +(\\d+)$`, 'gm'))].at(-1)?.[1];
  return found === undefined ? null : Number(found);
};
