/** `--wrap-ttl`: how long an answer is kept for whoever brings its token. */
import { Option } from 'commander';
import { badInput } from '../exit-codes.js';

const duration = (text: string): string => {
  if (!/^(?=.*[1-9])(?:\d+|(?:\d+(?:\.\d+)?(?:ms|[hmsd]))+)$/.test(text))
    throw badInput(`${text} is not how long something may last`, 'It looks like this: 90s, 10m, 1h30m');
  return text;
};

export const wrapTtlOption = (flags: string, description: string): Option =>
  new Option(flags, description).argParser(duration);

export const wrapHeader = (ttl: string | undefined): Readonly<Record<string, string>> =>
  ttl === undefined ? {} : { 'x-vault-wrap-ttl': ttl };
