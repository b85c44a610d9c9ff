/** To whom shares are encrypted, and how they are given and shown: the same for init, slots, rekey and generate-root. */
import { type Command, Option } from 'commander';
import * as t from 'io-ts';
import { readSecretLine, readTextFile } from '../../arguments/text-input.js';
import type { Cli } from '../../cli.js';
import { badInput } from '../../exit-codes.js';
import { oneLine } from '../../terminal/escape.js';
import { askHidden } from '../../terminal/prompt.js';

export interface HolderOptions {
  readonly pgpKey?: readonly string[];
  readonly ageRecipient?: readonly string[];
}

const several = (text: string, before: readonly string[] | undefined): readonly string[] => [...(before ?? []), text];

export const withHolders = (command: Command): Command =>
  command
    .addOption(
      new Option('--pgp-key <file>', 'encrypt a share to this PGP public key; once for each share').argParser(several),
    )
    .addOption(
      new Option('--age-recipient <recipient>', 'encrypt a share to this age recipient; once for each share')
        .argParser(several)
        .conflicts('pgpKey'),
    );

/** A PGP key is sent as the dialect wants it, base64 of its bytes; an armored one goes as it is. */
export const pgpKeyText = async (file: string): Promise<string> => {
  const text = (await readTextFile(file)).trim();
  if (text === '') throw badInput(`the file ${file} is empty`);
  return text.startsWith('-----BEGIN') ? text : text.replace(/\s+/g, '');
};

export const holderFields = async ({ pgpKey, ageRecipient }: HolderOptions): Promise<object> => ({
  ...(pgpKey === undefined ? {} : { pgp_keys: await Promise.all(pgpKey.map(pgpKeyText)) }),
  ...(ageRecipient === undefined ? {} : { age_recipients: ageRecipient }),
});

export interface ShareOptions {
  readonly keyFile?: string;
}

export const withShare = (command: Command): Command =>
  command.addOption(new Option('--key-file <file>', 'the share is in this file; - is stdin'));

export const shareOf = (cli: Cli, { keyFile }: ShareOptions, question: string): Promise<string> =>
  keyFile === undefined
    ? askHidden(cli.terminal, question, 'In a script use --key-file FILE (- is stdin)').then(text => text.trim())
    : readSecretLine(keyFile, cli.terminal.stdin);

export const Keys = t.partial({ keys: t.array(t.string), keys_base64: t.array(t.string) });

/** Shown once: in hex as they are, or in base64 where each is encrypted. */
export const printShares = async (cli: Cli, shown: t.TypeOf<typeof Keys>, encrypted: boolean): Promise<void> => {
  const keys = (encrypted ? shown.keys_base64 : shown.keys) ?? [];
  for (const [i, key] of keys.entries())
    await cli.terminal.print(`${encrypted ? 'Encrypted share' : 'Share'} ${i + 1}   ${oneLine(key)}`);
};
