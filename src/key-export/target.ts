/** Where exports go: a folder, in which only the newest is kept, or an operator's program. */
import { spawn } from 'node:child_process';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { readIfThere, writeWhole } from '../nexus/durable-file.js';

export type ExportPlace =
  | { readonly kind: 'folder'; readonly path: string }
  /** Run with `keys` or `erasure-list` behind its name; the content comes on stdin. Exit code 0: it is stored. */
  | { readonly kind: 'exec'; readonly program: string };

export const EXPORT_FILES = { keys: 'tallystick-keys', 'erasure-list': 'tallystick-erasure-list' } as const;
type Part = keyof typeof EXPORT_FILES;

/** What lies there already of the erasure list; a program is not asked. */
export const storedList = async (place: ExportPlace): Promise<string> =>
  place.kind === 'folder' ? ((await readIfThere(join(place.path, EXPORT_FILES['erasure-list']))) ?? '') : '';

/** Durable when it resolves; a crash leaves the old content or the new. */
export const store = async (place: ExportPlace, part: Part, content: Buffer): Promise<void> => {
  if (place.kind === 'exec') return run(place.program, part, content);
  await mkdir(place.path, { recursive: true, mode: 0o700 });
  await writeWhole(join(place.path, EXPORT_FILES[part]), content);
};

const TIMEOUT_MS = 60_000;
/** No setting of this server, no credential. */
const ENVIRONMENT = { PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin', LANG: 'C.UTF-8' };

const run = (program: string, part: Part, content: Buffer): Promise<void> =>
  new Promise((resolve, reject) => {
    const child = spawn(program, [part], { cwd: '/', env: ENVIRONMENT, stdio: ['pipe', 'ignore', 'ignore'] });
    const timer = setTimeout(() => child.kill('SIGKILL'), TIMEOUT_MS);
    const end = (trouble: string | null): void => {
      clearTimeout(timer);
      if (trouble === null) resolve();
      else reject(new ExportFailed(trouble));
    };
    child.on('error', () => end('the program cannot be started'));
    // A program that does not read its input says by its exit code what it wants to say.
    child.stdin.on('error', () => undefined);
    child.on('close', code => end(code === 0 ? null : `the program failed (${code ?? 'ended by a signal'})`));
    child.stdin.end(content);
  });

export class ExportFailed extends Error {
  override readonly name = 'ExportFailed';
}
