/** `tally operator recover`: a backup of the ledger, the newest key export and the erasure list give a working server. */
import { Command, Option } from 'commander';
import type { Cli } from '../../cli.js';
import { start } from '../run.js';

export const recoverCommand = (cli: Cli): Command =>
  new Command('recover')
    .description('put the newest key export into a restored database; no server of the ledger may run meanwhile')
    .requiredOption('--from <folder>', 'the folder with the key export and the erasure list beside it')
    .addOption(new Option('--erasure-list <file>', 'another erasure list, such as that of a node; both are taken'))
    .addOption(
      new Option(
        '--accept-older-database',
        'go on although the backup ends before the export: what lies between is lost',
      ),
    )
    .addOption(new Option('--data <folder>', "this node's data folder (else TALLYSTICK_DATA, ./.tallystick)"))
    .action(start(cli, '../../recover.js', 'runRecover'));
