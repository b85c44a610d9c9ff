/**
 * `tally dev`, `server`, `projector` and `demo`: the programs behind the command. Loaded only when asked for, so that the
 * client commands carry neither a database driver nor a web server.
 */
import { Command, Option } from 'commander';
import type { Cli } from '../cli.js';
import { CliError, ExitCode } from '../exit-codes.js';

type Options = Readonly<Record<string, string | boolean | undefined>>;
type Program = (options: Options) => Promise<number>;

const isProgram = (value: unknown): value is Program => typeof value === 'function';

const isExitCode = (code: number): code is ExitCode => Object.values<number>(ExitCode).includes(code);

const load = async (module: string, name: string): Promise<Program> => {
  const loaded: Record<string, unknown> = await import(module);
  const program = loaded[name];
  if (isProgram(program)) return program;
  throw new CliError(ExitCode.unexpected, `${name} is not part of this build`);
};

/** Runs a program of the server's side and ends as it says. */
export const start =
  (cli: Cli, module: string, name: string) =>
  async (options: Options): Promise<void> => {
    const program = await load(module, name);
    const code = await program(options);
    cli.endWith(isExitCode(code) ? code : ExitCode.unexpected);
  };

const listening = (command: Command): Command =>
  command
    .addOption(new Option('--listen <host:port>', 'where to listen (else TALLYSTICK_LISTEN, 127.0.0.1:8200)'))
    .addOption(new Option('--data <folder>', "this node's data folder (else TALLYSTICK_DATA, ./.tallystick)"));

export const devCommand = (cli: Cli): Command =>
  listening(new Command('dev'))
    .description('a ready server for this machine: its own PostgreSQL, initialised, unsealed, kept between starts')
    .action(start(cli, '../../main.js', 'runDev'));

export const serverCommand = (cli: Cli): Command =>
  listening(new Command('server'))
    .addOption(new Option('--workers <n>', 'processes that share the port (else TALLYSTICK_WORKERS, 1)'))
    .description('a server for others; starts sealed. DATABASE_URL names its PostgreSQL')
    .action(start(cli, '../../main.js', 'runServer'));

export const projectorCommand = (cli: Cli): Command =>
  new Command('projector')
    .description('projection workers on their own; they hold no keys')
    .addOption(new Option('--data <folder>', "this node's data folder (else TALLYSTICK_DATA, ./.tallystick)"))
    .action(start(cli, '../../main.js', 'runProjector'));

export const demoCommand = (cli: Cli): Command =>
  new Command('demo')
    .description('the whole story in one run against a throw-away server')
    .action(start(cli, '../../demo/main.js', 'runDemo'));
