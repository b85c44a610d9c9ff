/** The names in a value without what they hold (vault-wire.md §4.9). */
import { type JsonTree, objectText } from './members.js';

/** Every leaf is null, and so is an object that is empty or lies deeper than `depth` levels; 0 or less: all levels. */
export const subkeys = (value: JsonTree, depth: number): string => level(value, depth, 1);

const level = ({ members }: JsonTree, depth: number, at: number): string =>
  objectText(
    [...(members ?? [])].map(([name, member]): [string, string] => [
      name,
      member.members === null || member.members.size === 0 || at === depth ? 'null' : level(member, depth, at + 1),
    ]),
  );
