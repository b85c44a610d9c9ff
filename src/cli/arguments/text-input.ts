/**
 * Secrets that come in by a file or by stdin, so that they never stand among the arguments of a process, where every user
 * of the machine can read them. No error ever shows what was read.
 */
import { readFile } from 'node:fs/promises';
import type { Readable } from 'node:stream';
import { badInput } from '../exit-codes.js';

/** What the server takes as one request's body. */
const BYTES_MAX = 32 * 1024 * 1024;

/** Text, or an error: bytes that are not UTF-8 would be stored as something else without a word. */
const asText = (bytes: Uint8Array, source: string): string => {
  if (bytes.length > BYTES_MAX) throw badInput(`${source} is larger than 32 MiB`);
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw badInput(`${source} is not UTF-8 text`, 'Store bytes as base64: base64 < FILE | tally put PATH key=-');
  }
};

/** `called`: how an error speaks of it, where even its name may be a secret that somebody mistyped. */
export const readTextFile = async (path: string, called = `the file ${path}`): Promise<string> => {
  const bytes = await readFile(path).catch((error: unknown) => {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown error';
    throw badInput(`${called} cannot be read (${code})`);
  });
  return asText(bytes, called);
};

export const readStdin = async (stdin: Readable & { readonly isTTY?: boolean }): Promise<string> => {
  if (stdin.isTTY === true)
    throw badInput('nothing is piped into stdin', 'For a hidden question use key=? instead of key=-');
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of stdin) {
    const bytes: Uint8Array = typeof chunk === 'string' ? Buffer.from(chunk) : chunk;
    size += bytes.length;
    chunks.push(bytes);
    if (size > BYTES_MAX) break;
  }
  return asText(Buffer.concat(chunks), 'stdin');
};

/** A password, key or code in a file (`-`: stdin): one line, without its line end. */
export const readSecretLine = async (path: string, stdin: Readable & { readonly isTTY?: boolean }): Promise<string> => {
  const line = (path === '-' ? await readStdin(stdin) : await readTextFile(path)).replace(/\r?\n$/, '');
  const source = path === '-' ? 'stdin' : `the file ${path}`;
  if (line === '') throw badInput(`${source} is empty`);
  if (/[\r\n]/.test(line)) throw badInput(`${source} has more than one line`);
  return line;
};
