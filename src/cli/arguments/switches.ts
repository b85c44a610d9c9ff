/** Options that are on or off, said in full because what is not said stays as it is. Shaped for commander's `argParser`. */
import { InvalidArgumentError } from 'commander';

export const trueOrFalse = (text: string): boolean => {
  if (text === 'true' || text === 'false') return text === 'true';
  throw new InvalidArgumentError('It is true or false.');
};
