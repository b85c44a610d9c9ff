/**
 * How one may prove who one is, each as the request that does it. What proves it comes from a file, from stdin or from a
 * hidden question; it is never an argument.
 */
import { readSecretLine } from '../arguments/text-input.js';
import type { Cli } from '../cli.js';
import type { Call } from '../client.js';
import { badInput } from '../exit-codes.js';
import { askHidden } from '../terminal/prompt.js';

export const METHODS = ['admin', 'userpass', 'approle'] as const;
export type Method = (typeof METHODS)[number];

export interface Proving {
  readonly method: Method;
  /** Where the method is mounted, below `auth/`. */
  readonly path?: string;
  readonly passwordFile?: string;
  readonly roleId?: string;
  readonly secretIdFile?: string;
}

/** Where each is mounted when nobody says another place. */
const PATHS: Readonly<Record<Method, string>> = {
  admin: 'administrators',
  userpass: 'userpass',
  approle: 'approle',
};

const read = (cli: Cli, file: string | undefined, question: string, flag: string): Promise<string> =>
  file === undefined
    ? askHidden(cli.terminal, question, `In a script use ${flag} FILE, or - for stdin`)
    : readSecretLine(file, cli.terminal.stdin);

/** The request that logs in; it carries no token. */
export const loginCall = async (cli: Cli, name: string | undefined, proving: Proving): Promise<Call> => {
  const { method, roleId, passwordFile, secretIdFile } = proving;
  const mount = ['auth', ...(proving.path ?? PATHS[method]).split('/').filter(part => part !== ''), 'login'];
  if (method === 'approle') {
    if (name !== undefined) throw badInput('a role is known by its id: leave the name out, and give --role-id');
    if (roleId === undefined) throw badInput('--method approle needs --role-id');
    if (passwordFile !== undefined) throw badInput('--method approle has no password: give --secret-id-file');
    const secret_id = await read(cli, secretIdFile, 'Secret id', '--secret-id-file');
    return { method: 'POST', path: mount, body: JSON.stringify({ role_id: roleId, secret_id }) };
  }
  if (name === undefined) throw badInput(`--method ${method} needs a name`);
  if (roleId !== undefined || secretIdFile !== undefined)
    throw badInput('--role-id and --secret-id-file go with --method approle');
  const password = await read(cli, passwordFile, `Password of ${name}`, '--password-file');
  return { method: 'POST', path: [...mount, name], body: JSON.stringify({ password }) };
};
