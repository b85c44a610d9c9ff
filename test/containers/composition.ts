/** docker-compose.yml as a test brings it up: under a name, images and a port of its own, and gone afterwards. */
import { type SpawnSyncReturns, spawn, spawnSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { packageRoot } from '../../src/package-root.js';

export interface Ended {
  readonly code: number | null;
  readonly output: string;
}

const BASE_IMAGES = ['postgres:15', 'node:20-bookworm-slim'];

const quick = (command: string, ...args: string[]): SpawnSyncReturns<string> =>
  spawnSync(command, args, { encoding: 'utf8', timeout: 10_000 });

/** The command that speaks compose here, version 2 first; null: none, or no engine, or images that would have to be pulled. */
const composeCommand = (): readonly string[] | null => {
  if (BASE_IMAGES.some(image => quick('docker', 'image', 'inspect', image).status !== 0)) return null;
  if (quick('docker', 'compose', 'version').status === 0) return ['docker', 'compose'];
  return quick('docker-compose', 'version').status === 0 ? ['docker-compose'] : null;
};

const run = ([command = '', ...args]: readonly string[], env: NodeJS.ProcessEnv): Promise<Ended> =>
  new Promise(resolve => {
    const child = spawn(command, args, { cwd: packageRoot, env, stdio: ['ignore', 'pipe', 'pipe'] });
    const chunks: Buffer[] = [];
    child.stdout.on('data', chunk => chunks.push(chunk));
    child.stderr.on('data', chunk => chunks.push(chunk));
    child.once('error', error => resolve({ code: null, output: error.message }));
    child.once('close', code => resolve({ code, output: Buffer.concat(chunks).toString('utf8') }));
  });

export class Composition {
  readonly #name = `tallystick-test-${randomBytes(4).toString('hex')}`;
  readonly #env: NodeJS.ProcessEnv;

  private constructor(readonly command: readonly string[]) {
    this.#env = {
      ...process.env,
      TALLYSTICK_IMAGE: 'tallystick-test',
      TALLYSTICK_POSTGRES_IMAGE: 'tallystick-postgres-test',
      // A free port of the loopback.
      TALLYSTICK_PUBLISH: '127.0.0.1:',
    };
  }

  /** Null where it cannot be tried. */
  static here(): Composition | null {
    const command = composeCommand();
    return command === null ? null : new Composition(command);
  }

  /** Compose itself; throws with what it printed when it fails. */
  async compose(...args: string[]): Promise<string> {
    const { code, output } = await run([...this.command, '-p', this.#name, ...args], this.#env);
    if (code !== 0) throw new Error(`compose ${args.join(' ')} ended with ${code}: ${output.slice(-2000)}`);
    return output;
  }

  /** A shell line in a running service; its output and exit code, whatever it is. */
  inside(service: string, line: string): Promise<Ended> {
    return run([...this.command, '-p', this.#name, 'exec', '-T', service, 'sh', '-c', line], this.#env);
  }

  docker(...args: string[]): Promise<Ended> {
    return run(['docker', ...args.map(arg => arg.replaceAll('PROJECT', this.#name))], this.#env);
  }

  async address(): Promise<string> {
    const place = (await this.compose('port', 'tallystick', '8200')).trim();
    return `http://${place}`;
  }

  async remove(): Promise<void> {
    await run([...this.command, '-p', this.#name, '--profile', 'restore', 'down', '-v', '--remove-orphans'], this.#env);
  }
}

/** Until `ready` answers something; throws after a while. */
export const eventually = async <T>(what: string, seconds: number, ready: () => Promise<T | null>): Promise<T> => {
  const until = performance.now() + seconds * 1000;
  for (;;) {
    const found = await ready().catch(() => null);
    if (found !== null) return found;
    if (performance.now() > until) throw new Error(`${what}: not within ${seconds} s`);
    await new Promise(resolve => setTimeout(resolve, 500));
  }
};
