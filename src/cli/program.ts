/** The tree of commands, in the order in which a newcomer meets them. */
import { Command } from 'commander';
import type { Cli } from './cli.js';
import { auditCommand } from './commands/audit.js';
import { accessCommand, canCommand } from './commands/can.js';
import { eraseCommand } from './commands/erase.js';
import { erasureCommand, erasuresCommand } from './commands/erasure.js';
import { getCommand } from './commands/get.js';
import { historyCommand } from './commands/history.js';
import { holdCommand, retentionCommand } from './commands/hold.js';
import { keysCommand } from './commands/keys.js';
import { ledgerCommand } from './commands/ledger.js';
import { listCommand } from './commands/list.js';
import { loginCommand } from './commands/login.js';
import { metadataCommand } from './commands/metadata.js';
import { mountCommand } from './commands/mount.js';
import { operatorCommand } from './commands/operator/index.js';
import { patchCommand } from './commands/patch.js';
import { policyCommand } from './commands/policy.js';
import { projectionCommand } from './commands/projection.js';
import { putCommand } from './commands/put.js';
import { restoreCommand } from './commands/restore.js';
import { demoCommand, devCommand, projectorCommand, serverCommand } from './commands/run.js';
import { deleteCommand, destroyCommand, undeleteCommand } from './commands/versions.js';
import { unwrapCommand, wrapCommand } from './commands/wrapping.js';

const ENVIRONMENT = `
Environment:
  TALLYSTICK_ADDR, VAULT_ADDR        the server's address
  TALLYSTICK_TOKEN, VAULT_TOKEN      the token (else the saved login, else a local dev server's)
  TALLYSTICK_CACERT, VAULT_CACERT    PEM file of the only authorities to trust
  TALLYSTICK_DATA                    the data folder of a local dev server (./.tallystick)
  NO_COLOR                           no colours

Exit codes:
  0 ok · 1 unexpected failure · 2 sealed or not initialised · 3 bad input or usage · 4 denied · 5 nothing there
  6 conflict · 7 unreachable or busy · 8 differences found · 9 a plan shown, not applied`;

export const buildProgram = (cli: Cli, version: string): Command =>
  new Command('tally')
    .description('Tallystick: a secrets ledger. Every change is kept, traceable and reversible.')
    .version(version, '-V, --version', 'print the version')
    // So that `tally get PATH --version 3` means the secret's version.
    .enablePositionalOptions()
    .addHelpText('after', ENVIRONMENT)
    .addCommand(devCommand(cli).helpGroup('Start:'))
    .addCommand(demoCommand(cli).helpGroup('Start:'))
    .addCommand(loginCommand(cli).helpGroup('Start:'))
    .addCommand(putCommand(cli).helpGroup('Secrets:'))
    .addCommand(patchCommand(cli).helpGroup('Secrets:'))
    .addCommand(getCommand(cli).helpGroup('Secrets:'))
    .addCommand(listCommand(cli).helpGroup('Secrets:'))
    .addCommand(deleteCommand(cli).helpGroup('Secrets:'))
    .addCommand(undeleteCommand(cli).helpGroup('Secrets:'))
    .addCommand(destroyCommand(cli).helpGroup('Secrets:'))
    .addCommand(metadataCommand(cli).helpGroup('Secrets:'))
    .addCommand(mountCommand(cli).helpGroup('Secrets:'))
    .addCommand(wrapCommand(cli).helpGroup('Secrets:'))
    .addCommand(unwrapCommand(cli).helpGroup('Secrets:'))
    .addCommand(eraseCommand(cli).helpGroup('Erasure:'))
    .addCommand(erasuresCommand(cli).helpGroup('Erasure:'))
    .addCommand(erasureCommand(cli).helpGroup('Erasure:'))
    .addCommand(holdCommand(cli).helpGroup('Erasure:'))
    .addCommand(retentionCommand(cli).helpGroup('Erasure:'))
    .addCommand(policyCommand(cli).helpGroup('Access:'))
    .addCommand(canCommand(cli).helpGroup('Access:'))
    .addCommand(accessCommand(cli).helpGroup('Access:'))
    .addCommand(historyCommand(cli).helpGroup('Time:'))
    .addCommand(restoreCommand(cli).helpGroup('Time:'))
    .addCommand(auditCommand(cli).helpGroup('Time:'))
    .addCommand(serverCommand(cli).helpGroup('Operate:'))
    .addCommand(projectorCommand(cli).helpGroup('Operate:'))
    .addCommand(operatorCommand(cli).helpGroup('Operate:'))
    .addCommand(keysCommand(cli).helpGroup('Operate:'))
    .addCommand(ledgerCommand(cli).helpGroup('Operate:'))
    .addCommand(projectionCommand(cli).helpGroup('Operate:'));
