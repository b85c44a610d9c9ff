/**
 * `tally login`: proves who one is and keeps the token for this server in a file of one's own (mode 0600). A password, a
 * secret id or a token is asked for, or comes by a file or stdin; it is never an argument.
 */
import { Command, Option } from 'commander';
import * as t from 'io-ts';
import { type CommonOptions, withConnection } from '../arguments/options.js';
import { readSecretLine } from '../arguments/text-input.js';
import { type Cli, withClient } from '../cli.js';
import { type Client, openClient } from '../client.js';
import { badInput, CliError, ExitCode } from '../exit-codes.js';
import { ask, enveloped } from '../requests.js';
import { printJson } from '../results.js';
import { saveToken } from '../saved-login.js';
import { oneLine } from '../terminal/escape.js';
import { askHidden } from '../terminal/prompt.js';
import { loginCall, METHODS, type Proving } from './login-methods.js';

interface Options extends CommonOptions, Partial<Proving> {
  readonly tokenFile?: string;
}

const LoginAnswer = t.type({ auth: t.type({ client_token: t.string }) });
const Self = enveloped(
  t.intersection([
    t.type({ display_name: t.string, policies: t.array(t.string) }),
    t.partial({ accessor: t.string, expire_time: t.union([t.string, t.null]) }),
  ]),
);

const tokenByMethod = async (cli: Cli, client: Client, name: string | undefined, proving: Proving): Promise<string> => {
  const call = await loginCall(cli, name, proving);
  const answer = await client.call(call);
  // The dialect says 400 for what is wrong; to a script that is a denial, not bad input.
  if (answer.status === 400)
    throw new CliError(
      ExitCode.denied,
      proving.method === 'approle' ? 'wrong role id or secret id' : 'wrong name or password',
      'After five wrong ones it is locked for a while.',
    );
  if (answer.status === 403)
    throw new CliError(
      ExitCode.denied,
      proving.method === 'approle' ? 'this role cannot log in now' : 'this name cannot log in now',
      'After five wrong tries it is locked for a while; or it may not log in from here.',
    );
  const { value } = await ask({ ...client, call: async () => answer }, call, LoginAnswer);
  return value.auth.client_token;
};

const tokenByHand = async (cli: Cli, options: Options): Promise<string> => {
  const token =
    options.tokenFile === undefined
      ? await askHidden(cli.terminal, 'Token', 'In a script use --token-file FILE, or - for stdin')
      : await readSecretLine(options.tokenFile, cli.terminal.stdin);
  if (!/^[\x21-\x7e]+$/.test(token.trim())) throw badInput('that is not a token');
  return token.trim();
};

export const loginCommand = (cli: Cli): Command =>
  withConnection(new Command('login'))
    .description('log in and keep the login in ~/.tallystick/token')
    .argument('[name]', 'an administrator or a user; without one, and without a method, a token is asked for')
    .addOption(new Option('--method <method>', 'how to log in; a name alone is an administrator').choices(METHODS))
    .addOption(new Option('--path <path>', 'where the method is mounted, if elsewhere than usual'))
    .addOption(new Option('--role-id <id>', 'with --method approle'))
    .addOption(new Option('--secret-id-file <file>', 'the secret id is in this file; - is stdin'))
    .addOption(new Option('--password-file <file>', 'the password is in this file; - is stdin').conflicts('tokenFile'))
    .addOption(new Option('--token-file <file>', 'log in with the token in this file; - is stdin'))
    .action(async (name: string | undefined, options: Options) =>
      withClient(cli, options, async client => {
        const byHand = name === undefined && options.method === undefined;
        if (byHand && options.passwordFile !== undefined) throw badInput('--password-file needs a name');
        if (byHand && (options.roleId ?? options.secretIdFile ?? options.path) !== undefined)
          throw badInput('say which --method that is for');
        if (!byHand && options.tokenFile !== undefined)
          throw badInput('a token says itself whose it is: leave name and method out');
        const { method = 'admin' } = options;
        const token = byHand
          ? await tokenByHand(cli, options)
          : await tokenByMethod(cli, client, name, { ...options, method });

        // Looked up before it is kept: what is in the file worked once.
        const mine = openClient({ ...client.connection, token, tokenFrom: 'this login' }, options.timeout * 1_000);
        try {
          const { value } = await ask(mine, { method: 'GET', path: ['auth', 'token', 'lookup-self'] }, Self);
          const { display_name, policies, accessor, expire_time } = value.data;
          const { address } = client.connection;
          const file = await saveToken(cli.environment.home, address, token);
          if (cli.environment.token !== null) {
            cli.terminal.warn(`${cli.environment.token.from} is set and is used instead of this login`);
          }
          if (options.json === true) {
            return await printJson(cli.terminal, { address, display_name, policies, accessor, expire_time, file });
          }
          await cli.terminal.print(
            `Logged in to ${address} as ${oneLine(display_name)} (${oneLine(policies.join(', '))}); kept in ${file}`,
          );
        } finally {
          await mine.close();
        }
      }),
    );
