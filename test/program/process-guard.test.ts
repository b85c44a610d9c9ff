/** Doors of the process: refused where somebody opened one, closed where that can be done from inside. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as assert from 'uvu/assert';
import { packageRoot } from '../../src/package-root.js';
import { openDoor } from '../../src/process-guard.js';
import { whenSuiteEnds } from '../support/cleanup.js';
import { testDatabase } from '../support/database.js';
import { describe } from '../support/describe.js';

const main = join(packageRoot, 'dist', 'src', 'cli', 'main.js');

const start = (nodeOptions: readonly string[], command: string, env: NodeJS.ProcessEnv): ChildProcess => {
  const folder = mkdtempSync(join(tmpdir(), 'tallystick-guard-'));
  const child = spawn(process.execPath, [...nodeOptions, main, command], {
    env: { ...process.env, TALLYSTICK_DATA: folder, TALLYSTICK_LISTEN: '127.0.0.1:0', ...env },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  whenSuiteEnds(() => {
    child.kill('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  });
  return child;
};

const said = async (child: ChildProcess): Promise<{ code: number | null; text: string }> => {
  let text = '';
  child.stderr?.on('data', chunk => (text += String(chunk)));
  const code = await new Promise<number | null>(resolve => child.once('exit', resolve));
  return { code, text };
};

describe('a door of the process', test => {
  test('is seen in options and variables, and nothing is seen where there is none', () => {
    for (const option of ['--inspect', '--inspect-brk=0.0.0.0:9229', '--heapsnapshot-signal=SIGUSR2', '--import=x.mjs'])
      assert.match(openDoor({}, [option]) ?? '', new RegExp(option.replace(/=.*/, '')), option);
    for (const options of ['--require x.js', '-r x.js', '--tls-keylog=/tmp/x', '--max-old-space-size=99 --cpu-prof'])
      assert.ok(openDoor({ NODE_OPTIONS: options }, []), options);
    // Node takes underscores for dashes, and quotes anywhere in the variable.
    for (const options of ['--tls_keylog=/tmp/x', '--heap_prof', '--tls-"keylog"=/tmp/x', '"--cpu-prof"'])
      assert.ok(openDoor({ NODE_OPTIONS: options }, []), options);
    assert.ok(openDoor({}, ['--trace_tls']));
    assert.ok(openDoor({ NODE_DEBUG: 'http' }, []));
    assert.ok(openDoor({ NODE_TLS_REJECT_UNAUTHORIZED: '0' }, []));
    assert.is(openDoor({ NODE_OPTIONS: '--max-old-space-size=512 --enable-source-maps', NODE_DEBUG: '' }, []), null);
    assert.is(openDoor({}, ['--max-semi-space-size=32']), null);
  });

  test('keeps a server from starting, which says what to take away', async () => {
    const { code, text } = await said(start(['--inspect=127.0.0.1:0'], 'server', {}));
    assert.is(code, 3, text);
    assert.match(text, /--inspect, which opens this process/);
  });

  test('is closed from inside: no inspector by signal, and a core file would hold nothing', async () => {
    const child = start([], 'server', { DATABASE_URL: (await testDatabase()).url });
    let text = '';
    child.stderr?.on('data', chunk => (text += String(chunk)));
    while (!/listens on|could not start/.test(text)) await new Promise(resolve => setTimeout(resolve, 20));
    assert.match(text, /listens on/);
    if (process.platform === 'linux')
      assert.match(readFileSync(`/proc/${child.pid}/coredump_filter`, 'utf8'), /^0+\n$/);
    child.kill('SIGUSR1');
    await new Promise(resolve => setTimeout(resolve, 300));
    assert.not.match(text, /Debugger listening/);
    assert.is(child.exitCode, null);
    child.kill('SIGTERM');
    await new Promise(resolve => child.once('exit', resolve));
  });
});
