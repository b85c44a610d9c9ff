/** Numbers on the command line: whole, decimal, within what the ledger counts. The error names the option, for commander. */
import { InvalidArgumentError } from 'commander';

/** A whole number of at least `least`. Shaped for commander's `argParser`. */
export const wholeNumber =
  (least: number) =>
  (text: string): number => {
    const value = Number(text);
    if (!/^\d{1,16}$/.test(text) || !Number.isSafeInteger(value) || value < least) {
      throw new InvalidArgumentError(`It must be a whole number, at least ${least}.`);
    }
    return value;
  };

/** `1,3,4`; given twice, the lists are joined. */
export const versionList = (text: string, before: readonly number[] | undefined): readonly number[] => [
  ...new Set([...(before ?? []), ...text.split(',').map(part => wholeNumber(1)(part.trim()))]),
];
