/**
 * What `tally put` writes, gathered from its sources into the JSON text of one object:
 * `key=-` stdin · `key=@file` · `key=?` a hidden question · `key=value` visible to other processes, so warned of once ·
 * or the whole object at once: `@file.json`, or `-`. A backslash makes the next character ordinary: `key=\@name`, `key=\-`.
 * Texts are kept byte for byte; errors name the key, never what it was to hold.
 */
import { badInput } from '../exit-codes.js';
import { askHidden } from '../terminal/prompt.js';
import type { Terminal } from '../terminal/terminal.js';
import { isObjectText } from './json-text.js';
import { readStdin, readTextFile } from './text-input.js';

const FORMS = 'Give key=- (stdin), key=@file, key=? (asked for), key=value, or the whole object: @file.json or -';

type Source =
  | { readonly from: 'stdin' }
  | { readonly from: 'question' }
  | { readonly from: 'file'; readonly path: string }
  | { readonly from: 'argument'; readonly text: string };

const sourceOf = (text: string): Source => {
  if (text === '-') return { from: 'stdin' };
  if (text === '?') return { from: 'question' };
  if (text.startsWith('@')) return { from: 'file', path: text.slice(1) };
  return { from: 'argument', text: /^\\[@?-]/.test(text) ? text.slice(1) : text };
};

interface Pair {
  readonly key: string;
  readonly source: Source;
}

const pairOf = (argument: string, index: number): Pair => {
  const equals = argument.indexOf('=');
  if (equals < 1) throw badInput(`value ${index + 1} is not of the form key=…`, FORMS);
  return { key: argument.slice(0, equals), source: sourceOf(argument.slice(equals + 1)) };
};

const pairsOf = (given: readonly string[]): readonly Pair[] => {
  const pairs = given.map(pairOf);
  const keys = pairs.map(pair => pair.key);
  const twice = keys.find((key, index) => keys.indexOf(key) !== index);
  if (twice !== undefined) throw badInput(`the key "${twice}" is given twice`);
  if (pairs.filter(pair => pair.source.from === 'stdin').length > 1) throw badInput('stdin can give only one value');
  return pairs;
};

const readSource = async ({ key, source }: Pair, terminal: Terminal): Promise<string> => {
  switch (source.from) {
    case 'stdin': {
      const text = await readStdin(terminal.stdin);
      if (/^[^\n]*\n$/.test(text)) {
        terminal.warn(`the value of "${key}" ends with a line end and is stored with it; printf %s leaves it out`);
      }
      return text;
    }
    case 'question':
      return askHidden(terminal, `Value of ${key}`, `In a script use ${key}=- or ${key}=@file`);
    case 'file':
      return readTextFile(source.path, `the file of "${key}"`);
    case 'argument':
      return source.text;
  }
};

const wholeObject = async (argument: string, terminal: Terminal): Promise<string> => {
  const text = argument === '-' ? await readStdin(terminal.stdin) : await readTextFile(argument.slice(1));
  if (!isObjectText(text))
    throw badInput('what was given is not one JSON object', 'It looks like this: {"user": "app", "password": "…"}');
  return text.trim();
};

/** The JSON text of the object to write. */
export const gatherValue = async (given: readonly string[], terminal: Terminal): Promise<string> => {
  const [only] = given;
  if (only === undefined) throw badInput('there is nothing to write', FORMS);
  const isWhole = (argument: string): boolean => argument === '-' || argument.startsWith('@');
  if (given.some(isWhole)) {
    if (given.length > 1) throw badInput('a whole object (@file.json or -) stands alone', FORMS);
    return wholeObject(only, terminal);
  }
  const pairs = pairsOf(given);
  if (pairs.some(pair => pair.source.from === 'argument')) {
    terminal.warn(
      'key=value can be seen by every process of this machine and stays in the shell history; key=? asks, key=- reads stdin',
    );
  }
  // Built as text, one member after the other: a key such as __proto__ is a key like any other.
  const parts: string[] = [];
  for (const pair of pairs)
    parts.push(`${JSON.stringify(pair.key)}:${JSON.stringify(await readSource(pair, terminal))}`);
  return `{${parts.join(',')}}`;
};
