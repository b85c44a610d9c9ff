#!/usr/bin/env node
/**
 * The `tally` command. Parses, runs, and turns whatever happened into one line for the person and one exit code for the
 * script; the only place in `cli/` that reads the clock.
 */
import { readFileSync } from 'node:fs';
import tab from '@bomb.sh/tab/commander';
import { type Command, CommanderError } from 'commander';
import type { Cli } from './cli.js';
import { type Environment, readEnvironment } from './environment.js';
import { CliError, ExitCode } from './exit-codes.js';
import { buildProgram } from './program.js';
import { oneLine } from './terminal/escape.js';
import { openTerminal } from './terminal/terminal.js';

/** The nearest package.json upwards that is this package's: built into whatever folder, the program finds it. */
const packageVersion = (): string => {
  for (let folder = new URL('.', import.meta.url); ; folder = new URL('..', folder)) {
    try {
      const found: unknown = JSON.parse(readFileSync(new URL('package.json', folder), 'utf8'));
      if (typeof found === 'object' && found !== null && 'name' in found && found.name === 'tallystick') {
        return 'version' in found ? String(found.version) : 'unknown';
      }
    } catch {
      // Not in this folder.
    }
    if (folder.pathname === '/') return 'unknown';
  }
};

/** commander's words, without a value that stands in the option itself (`--x=V`, `-xV`): a mistyped one must not put a password into a log. */
const withoutValues = (message: string): string =>
  message
    .replace(/^error: /, '')
    .replace(/'(-[^'=]*)=.*'/s, "'$1=…'")
    .replace(/'(-[^-'])[^'].*'/s, "'$1…'");

/** Every command of the tree throws instead of exiting, and speaks through our one voice. */
const quiet = (command: Command): void => {
  command.exitOverride().configureOutput({ outputError: () => {} });
  for (const child of command.commands) quiet(child);
};

interface Ending {
  readonly code: ExitCode;
  readonly message: string | null;
  readonly hint: string | null;
}

const endingOf = (error: unknown): Ending => {
  if (error instanceof CliError) return { code: error.exitCode, message: error.message, hint: error.hint };
  if (error instanceof CommanderError) {
    // Help that was asked for is a success; help because the command was incomplete has been shown already.
    if (error.exitCode === 0) return { code: ExitCode.ok, message: null, hint: null };
    const shown = error.code === 'commander.help';
    return {
      code: ExitCode.badInput,
      message: shown ? null : withoutValues(error.message),
      hint: shown ? null : 'See: tally --help, or --help after the command',
    };
  }
  // Where and of what kind, but not its message: that may quote what the program was given.
  const name = error instanceof Error ? error.name : typeof error;
  const place = error instanceof Error ? (/^\s+at .*$/m.exec(error.stack ?? '')?.[0].trim() ?? '') : '';
  return {
    code: ExitCode.unexpected,
    message: `unexpected failure in this program: ${name} ${place}`.trimEnd(),
    hint: 'Please report it.',
  };
};

const run = async (environment: Environment, argv: readonly string[]): Promise<ExitCode> => {
  const terminal = openTerminal(environment.colour);
  let code: ExitCode = ExitCode.ok;
  const endWith = (ending: ExitCode): void => {
    code = ending;
  };
  const cli: Cli = { environment, terminal, now: Date.now, endWith };
  const program = buildProgram(cli, packageVersion());
  tab(program, { completionCommandName: 'completion' });
  quiet(program);
  try {
    await program.parseAsync(argv);
    return code;
  } catch (error) {
    const ending = endingOf(error);
    if (ending.message !== null) {
      terminal.note(
        argv.includes('--json')
          ? JSON.stringify({ error: ending.message, hint: ending.hint, exit: ending.code })
          : `tally: ${oneLine(ending.message)}${ending.hint === null ? '' : `\n  ${oneLine(ending.hint)}`}`,
      );
    }
    return ending.code;
  }
};

// Set, not called: what is still on its way to a pipe is written first.
process.exitCode = await run(readEnvironment(), process.argv);
