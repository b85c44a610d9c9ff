/**
 * `npm run test:clients`: clients of other languages, unmodified, against a real server. Skipped with a word where their
 * language or package is missing; nothing of it is needed to build or run Tallystick.
 */
import { spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { SignJWT } from 'jose';
import { packageRoot } from '../../src/package-root.js';

const say = (line: string): void => void process.stdout.write(`${line}\n`);
const works = (command: string, args: readonly string[]): boolean => spawnSync(command, args).status === 0;

/** A public key in PEM, and a JWT that its other half signed. */
const signed = async (): Promise<readonly [pem: string, jwt: string]> => {
  const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwt = await new SignJWT({ sub: 'ada', aud: 'tallystick' })
    .setProtectedHeader({ alg: 'ES256' })
    .setIssuedAt()
    .setExpirationTime('5m')
    .sign(privateKey);
  return [String(publicKey.export({ type: 'spki', format: 'pem' })), jwt];
};

/** A Python that has hvac: the one that is there, or an environment of its own made in `folder`. */
const pythonWithHvac = (folder: string): string | null => {
  if (!works('python3', ['--version'])) {
    say('skipped: there is no python3');
    return null;
  }
  if (works('python3', ['-c', 'import hvac'])) return 'python3';
  const own = join(folder, 'python');
  const python = join(own, 'bin', 'python');
  if (works('python3', ['-m', 'venv', own]) && works(python, ['-m', 'pip', 'install', '--quiet', 'hvac']))
    return python;
  say('skipped: hvac is not there and could not be installed');
  return null;
};

const startServer = async (folder: string) => {
  const main = join(packageRoot, 'dist', 'src', 'cli', 'main.js');
  const data = join(folder, 'data');
  const child = spawn(process.execPath, [main, 'server'], {
    env: {
      ...process.env,
      TALLYSTICK_DATA: data,
      TALLYSTICK_LISTEN: '127.0.0.1:0',
      TALLYSTICK_ERASURE_KEY: `file:${join(data, 'erasure-keys')}`,
      TALLYSTICK_LOG: 'error',
      DATABASE_URL: '',
    },
    stdio: ['ignore', 'ignore', 'pipe'],
  });
  let said = '';
  child.stderr.on('data', chunk => (said += String(chunk)));
  for (let waited = 0; waited < 60_000; waited += 50) {
    const address = /listens on (\S+)/.exec(said)?.[1];
    if (address !== undefined) return { child, address };
    if (child.exitCode !== null) break;
    await sleep(50);
  }
  child.kill('SIGKILL');
  throw new Error(`the server did not start: ${said}`);
};

const folder = mkdtempSync(join(tmpdir(), 'tallystick-clients-'));
let code = 0;
try {
  const python = pythonWithHvac(folder);
  if (python === null) say('0 passed, 0 failed');
  else {
    const { child, address } = await startServer(folder);
    const story = join(packageRoot, 'test', 'clients', 'hvac_story.py');
    const ran = spawn(python, [story, address, ...(await signed())], { stdio: 'inherit' });
    code = await new Promise(resolve => ran.once('exit', status => resolve(status ?? 1)));
    const ended = new Promise(resolve => child.once('exit', resolve));
    child.kill('SIGTERM');
    await ended;
  }
} finally {
  rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
}
process.exitCode = code;
