/** Options that several commands share, each defined once with its one meaning. */
import { type Command, Option } from 'commander';
import { wholeNumber } from './numbers.js';

export interface CommonOptions {
  readonly address?: string;
  readonly caCert?: string;
  readonly timeout: number;
  readonly json?: boolean;
}

export const withConnection = (command: Command): Command =>
  command
    .addOption(new Option('--address <url>', 'the server (else TALLYSTICK_ADDR, VAULT_ADDR, dev.json)'))
    .addOption(new Option('--ca-cert <file>', 'PEM file of the only authorities to trust'))
    .addOption(
      new Option('--timeout <seconds>', 'how long to wait for an answer').argParser(wholeNumber(1)).default(60),
    )
    .addOption(new Option('--json', 'print JSON for scripts'));

export interface MomentFlags {
  readonly at?: string;
  readonly position?: number;
}

export const withMoment = (command: Command): Command =>
  command
    .addOption(
      new Option('--at <time>', 'as of then: RFC 3339, unix seconds, or how long ago (10m, 2h30m)').conflicts(
        'position',
      ),
    )
    .addOption(new Option('--position <n>', 'as of this position of the ledger').argParser(wholeNumber(0)));

/** Why a change is made: kept with it in the audit trail. */
export interface ReasonOptions {
  readonly reason?: string;
  readonly ticket?: string;
  readonly idempotencyKey?: string;
}

/** `repeatable`: the server honours an idempotency key there. */
export const withReason = (command: Command, { repeatable } = { repeatable: true }): Command => {
  command
    .addOption(new Option('--reason <text>', 'why, for the audit trail'))
    .addOption(new Option('--ticket <id>', 'the ticket that asked for it, for the audit trail'));
  return repeatable
    ? command.addOption(new Option('--idempotency-key <key>', 'the same key sent again changes nothing a second time'))
    : command;
};
