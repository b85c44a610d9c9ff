/**
 * `~/.tallystick/token`: one token for each server that this user logged in to. A token is only ever sent to the server
 * that gave it, so pointing the command at another address cannot hand it over.
 */
import { join } from 'node:path';
import * as t from 'io-ts';
import { E } from '../fp.js';
import { CliError, ExitCode } from './exit-codes.js';
import { readPrivateFile, writePrivateFile } from './private-file.js';

const SavedLogins = t.type({ tokens: t.record(t.string, t.string) });
type SavedLogins = t.TypeOf<typeof SavedLogins>;

export const savedLoginPath = (home: string): string => join(home, '.tallystick', 'token');

const parse = (text: string): unknown => {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
};

const read = async (path: string): Promise<SavedLogins> => {
  const text = await readPrivateFile(path);
  if (text === null) return { tokens: {} };
  const logins = SavedLogins.decode(parse(text));
  if (E.isRight(logins)) return logins.right;
  throw new CliError(ExitCode.badInput, `${path} is not a login file of this program`, 'Remove it and log in again.');
};

/** The token that `address` gave this user; `null` when there is none. */
export const readSavedToken = async (home: string, address: string): Promise<string | null> => {
  const { tokens } = await read(savedLoginPath(home));
  return Object.hasOwn(tokens, address) ? (tokens[address] ?? null) : null;
};

/** Keeps the token for this address and leaves the other servers' alone. */
export const saveToken = async (home: string, address: string, token: string): Promise<string> => {
  const path = savedLoginPath(home);
  const { tokens } = await read(path);
  await writePrivateFile(path, `${JSON.stringify({ tokens: { ...tokens, [address]: token } }, null, 2)}\n`);
  return path;
};
