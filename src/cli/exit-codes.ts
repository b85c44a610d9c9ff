/**
 * How a `tally` command ends. The numbers are for scripts and for ever: docs/reference/cli.md lists them, and a code
 * never changes its meaning.
 */
export const ExitCode = {
  ok: 0,
  /** The server failed, or this program did. */
  unexpected: 1,
  /** The server is sealed or not initialised (`operator status` ends so as well, as `vault status` does). */
  sealed: 2,
  /** The command line, a value or a time is wrong; the server was not asked, or refused the request as malformed. */
  badInput: 3,
  /** Not logged in, or this login may not do that. */
  denied: 4,
  /** Nothing is there: no such secret, version, field or plan. */
  absent: 5,
  /** Someone was first: check-and-set did not match, a plan is out of date, or a legal hold stands against it. */
  conflict: 6,
  /** No answer, or "try again later". */
  unreachable: 7,
  /** A check found differences, a projection has stopped, or a restore left out what cannot be recovered. */
  differences: 8,
  /** A restore or an erasure has changes to make, was not told `--yes`, and changed nothing. */
  notApplied: 9,
  /** `operator recover`: what is given does not fit together. Nothing was changed. */
  noLedger: 20,
  damagedExport: 21,
  foreignExport: 22,
  databaseOlder: 23,
  exportOlder: 24,
  erasureListMissing: 25,
  /** Ctrl-C at a question. */
  interrupted: 130,
} as const;

export type ExitCode = (typeof ExitCode)[keyof typeof ExitCode];

/**
 * The one error that a command ends with on purpose. `message` says what is wrong, `hint` what to do about it; neither
 * ever holds a value, a password or a token.
 */
export class CliError extends Error {
  override readonly name = 'CliError';

  constructor(
    readonly exitCode: ExitCode,
    message: string,
    readonly hint: string | null = null,
  ) {
    super(message);
  }
}

export const badInput = (message: string, hint: string | null = null): CliError =>
  new CliError(ExitCode.badInput, message, hint);
