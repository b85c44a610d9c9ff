/** What every command is given: the world it runs in, and the one way to reach a server. */
import type { CommonOptions } from './arguments/options.js';
import { type Client, openClient } from './client.js';
import { connectionOf } from './connection.js';
import type { Environment } from './environment.js';
import type { ExitCode } from './exit-codes.js';
import type { Terminal } from './terminal/terminal.js';

export interface Cli {
  readonly environment: Environment;
  readonly terminal: Terminal;
  /** ms since 1970 */
  readonly now: () => number;
  /** For a command that worked and still has something to tell by its exit code. */
  readonly endWith: (code: ExitCode) => void;
}

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

/** Runs the work with a client and closes it. Warns when a token is about to travel in the clear. */
export const withClient = async <A>(
  cli: Cli,
  options: CommonOptions,
  work: (client: Client) => Promise<A>,
): Promise<A> => {
  const connection = await connectionOf(cli.environment, options);
  const url = new URL(connection.address);
  if (url.protocol === 'http:' && !LOOPBACK.test(url.hostname)) {
    cli.terminal.warn(`${connection.address} is not encrypted: everyone on the way can read the token and the values`);
  }
  const client = openClient(connection, options.timeout * 1_000);
  try {
    return await work(client);
  } finally {
    await client.close();
  }
};
