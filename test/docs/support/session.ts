/**
 * Runs a page's blocks as a reader would: one shell for the whole page, beside a real `tally dev` on a folder and a port of
 * its own. `npx tally` is the command that was built here; 127.0.0.1:8200 is that server.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Block, Page } from './pages.js';

const MAIN = fileURLToPath(new URL('../../../src/cli/main.js', import.meta.url));
const READY_MS = 60_000;

export interface Ran {
  readonly block: Block;
  /** Of the last command of the block that failed; 0 when none did. */
  readonly code: number;
  readonly output: string;
  /** What the page says that it prints. */
  readonly expected: string | null;
}

export const isRunnable = ({ info }: Block): boolean => /^sh run\b/.test(info);

export const wantedCode = ({ info }: Block): number => Number(/\bexit=(\d+)/.exec(info)?.[1] ?? '0');

const environment = (folder: string): NodeJS.ProcessEnv => ({ PATH: process.env.PATH, HOME: folder });

interface Server {
  readonly address: string;
  stop(): Promise<void>;
}

const ended = (child: ChildProcess): Promise<number | null> =>
  new Promise(resolve => {
    child.once('error', () => resolve(null));
    child.once('close', resolve);
  });

const startServer = async (folder: string): Promise<Server> => {
  const env = { ...environment(folder), TALLYSTICK_LISTEN: '127.0.0.1:0' };
  const child = spawn(process.execPath, [MAIN, 'dev'], { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
  const end = ended(child);
  let said = '';
  let over = false;
  child.stderr.setEncoding('utf8').on('data', text => {
    said += text;
  });
  void end.then(() => {
    over = true;
  });
  for (const until = Date.now() + READY_MS; !said.includes('Tallystick is ready on '); await pause(50))
    if (over || Date.now() > until) {
      child.kill('SIGKILL');
      throw new Error(`tally dev did not become ready: ${said}`);
    }
  const address = /ready on (\S+)/.exec(said)?.[1] ?? '';
  return {
    address,
    stop: async () => {
      child.kill('SIGTERM');
      await end;
    },
  };
};

/** Whoever notes the time waits for the second to pass, so that what was before it is before it. */
const WAIT = 'sleep 1.1\n';

const scriptOf = (blocks: readonly Block[], address: string): string =>
  [
    'npx() { shift; "$NODE" "$MAIN" "$@"; }',
    'set -o pipefail',
    "trap 'failed=$?' ERR",
    ...blocks.map((block, index) => {
      const text = block.text.replaceAll('http://127.0.0.1:8200', address);
      const around = text.includes('$(date') ? WAIT : '';
      return `${around}failed=0\n{\n${text}\n} > "$OUT/${index}" 2>&1\necho "$failed" > "$OUT/${index}.code"\n${around}`;
    }),
  ].join('\n');

/** What stands right behind a block as `text output`. */
const expectedOf = (page: Page, block: Block): string | null => {
  const next = page.blocks[page.blocks.indexOf(block) + 1];
  return next?.info === 'text output' ? next.text : null;
};

/** Runs all blocks marked `sh run`, in order. A block that never came to run has no output and the code 255. */
export const runPage = async (page: Page): Promise<readonly Ran[]> => {
  const blocks = page.blocks.filter(isRunnable);
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-docs-'));
  // As root the server drops to another user, who must be able to walk through.
  chmodSync(folder, 0o711);
  try {
    const server = await startServer(folder);
    try {
      writeFileSync(join(folder, 'page.sh'), scriptOf(blocks, server.address));
      const env = { ...environment(folder), NODE: process.execPath, MAIN, OUT: folder };
      await ended(spawn('bash', ['page.sh'], { cwd: folder, env, stdio: 'ignore' }));
    } finally {
      await server.stop();
    }
    const read = (name: string): string =>
      existsSync(join(folder, name)) ? readFileSync(join(folder, name), 'utf8') : '';
    return blocks.map((block, index) => ({
      block,
      code: Number(read(`${index}.code`).trim() || '255'),
      output: read(String(index)),
      expected: expectedOf(page, block),
    }));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
};

const linesOf = (text: string): string[] =>
  text
    .trimEnd()
    .split('\n')
    .map(line => line.trim().replaceAll(/\s+/g, ' '));

/** Line for line; `…` stands for anything within a line, and the width of columns does not count. Null: it fits. */
export const misfit = (expected: string, output: string): string | null => {
  const [wanted, found] = [linesOf(expected), linesOf(output)];
  for (const [index, line] of wanted.entries()) {
    const pattern = line
      .split('…')
      .map(part => part.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*');
    const actual = found[index];
    if (actual === undefined) return `"${line}" is missing`;
    if (!new RegExp(`^${pattern}$`).test(actual)) return `"${actual}" is not "${line}"`;
  }
  return found.length > wanted.length ? `"${found[wanted.length]}" is not on the page` : null;
};
