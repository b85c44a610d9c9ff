/** `tally operator …`: what the person who runs the server does. */
import { Command } from 'commander';
import type { Cli } from '../../cli.js';
import { generateRootCommand } from './generate-root.js';
import { initCommand } from './init.js';
import { passwordCommand } from './password.js';
import { recoverCommand } from './recover.js';
import { rekeyCommand } from './rekey.js';
import { rotateCommand } from './rotate.js';
import { slotCommand } from './slot.js';
import { statusCommand } from './status.js';
import { sealCommand, unsealCommand } from './unseal.js';

export const operatorCommand = (cli: Cli): Command =>
  new Command('operator')
    // `rotate` has options and commands below it: what stands behind a command is for that one.
    .enablePositionalOptions()
    .description('run the server: create, unseal, seal, look')
    .addCommand(initCommand(cli))
    .addCommand(unsealCommand(cli))
    .addCommand(sealCommand(cli))
    .addCommand(statusCommand(cli))
    .addCommand(passwordCommand(cli))
    .addCommand(slotCommand(cli))
    .addCommand(rekeyCommand(cli))
    .addCommand(rotateCommand(cli))
    .addCommand(generateRootCommand(cli))
    .addCommand(recoverCommand(cli));
