/**
 * `exec:/path/to/program?arg=…`: an operator's program that wraps and unwraps. It is run with its fixed arguments and `wrap`
 * or `unwrap` behind them; bytes come on stdin and go out on stdout, raw. Nothing secret is in its arguments or environment.
 */
import { spawn } from 'node:child_process';
import { concat, wipe } from '../crypto/bytes.js';
import { CIPHERTEXT_BYTES_MAX, type Kms, KmsError } from './kms.js';

export interface ExecSettings {
  /** Absolute. */
  readonly program: string;
  readonly args: readonly string[];
  readonly timeoutMs: number;
}

/** Of sysexits.h: the program says that trying again is worth while. */
const TEMPORARY = 75;
const DENIED = 77;
/** What its environment holds, and no more: no setting of this server, no credential. */
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' };

export const execKms = (uri: string, settings: ExecSettings): Kms => ({
  uri,
  wrap: key => run(uri, settings, 'wrap', key),
  unwrap: ciphertext => run(uri, settings, 'unwrap', ciphertext),
});

const run = (uri: string, settings: ExecSettings, verb: 'wrap' | 'unwrap', input: Buffer): Promise<Buffer> =>
  new Promise((resolve, reject) => {
    const { program, args, timeoutMs } = settings;
    // In a group of its own, so that what it started ends with it.
    const child = spawn(program, [...args, verb], {
      ...{ cwd: '/', detached: true, env: ENVIRONMENT, stdio: ['pipe', 'pipe', 'ignore'] },
    });
    const parts: Buffer[] = [];
    let length = 0;
    let over = false;
    const end = (): void => {
      if (child.pid === undefined) return;
      try {
        process.kill(-child.pid, 'SIGKILL');
      } catch {
        // It has ended by itself.
      }
    };
    const settle = (trouble: KmsError | null): void => {
      if (over) return;
      over = true;
      clearTimeout(timer);
      end();
      if (trouble === null) resolve(concat(...parts));
      else reject(trouble);
      wipe(...parts);
    };
    const timer = setTimeout(
      () => settle(new KmsError('away', `${uri}: the program did not end within ${timeoutMs / 1000} s`)),
      timeoutMs,
    );
    child.on('error', () => settle(new KmsError('refused', `${uri}: the program cannot be started`)));
    child.stdout.on('data', (part: Buffer) => {
      parts.push(part);
      length += part.length;
      if (length > CIPHERTEXT_BYTES_MAX)
        settle(new KmsError('refused', `${uri}: the program wrote more than ${CIPHERTEXT_BYTES_MAX} bytes`));
    });
    // A program that does not read its input says by its exit code what it wants to say.
    child.stdin.on('error', () => undefined);
    child.on('close', code => settle(code === 0 ? null : failed(uri, code)));
    child.stdin.end(input);
  });

const failed = (uri: string, code: number | null): KmsError => {
  const trouble = code === TEMPORARY ? 'away' : code === DENIED ? 'denied' : 'refused';
  return new KmsError(trouble, `${uri}: the program failed (${code === null ? 'ended by a signal' : `exit ${code}`})`);
};
