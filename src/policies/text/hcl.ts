/**
 * The part of HCL 1 that policies are written in: blocks with bare or quoted labels, assignments, strings, heredocs,
 * numbers, booleans, lists and objects, three kinds of comments. Line breaks mean nothing, commas between members are
 * optional, a comma after the last item of a list is fine. There is no interpolation: `${` is text.
 *
 * Our own, because what npm offers is the Go parser compiled to megabytes of WebAssembly or is no longer maintained, and
 * none of it gives positions and bounds. Every character is looked at a bounded number of times.
 */
import { Scanner } from './scanner.js';
import { DEPTH_MAX, type Member, type Node, wellFormed } from './tree.js';

const BLANKS = /[ \t\r\n]+/y;
const IDENTIFIER = /[\p{L}_][\p{L}\p{N}_.-]*/uy;
const NUMBER = /-?(?:0[xX][0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?)(?![\p{L}\p{N}_])/uy;
const ANCHOR = /[\p{L}\p{N}_]+/uy;

/** The whole text: the members of an object without its braces. */
export const readHcl = (text: string): Node => {
  const scanner = new Scanner(text);
  const at = scanner.at;
  const found = members(scanner, 0, '');
  return { kind: 'object', members: found, at };
};

const blanks = (scanner: Scanner): void => {
  for (;;) {
    scanner.match(BLANKS);
    if (scanner.peek() === '#' || scanner.startsWith('//')) scanner.skipLine();
    else if (scanner.startsWith('/*')) comment(scanner);
    else return;
  }
};

const comment = (scanner: Scanner): void => {
  const start = scanner.at;
  scanner.skip(2);
  while (!scanner.startsWith('*/')) {
    if (scanner.done) throw scanner.fault('this comment has no end', start);
    scanner.skip();
  }
  scanner.skip(2);
};

/** Up to `closing`, which is '' for the end of the text. */
const members = (scanner: Scanner, depth: number, closing: '}' | ''): Member[] => {
  const found: Member[] = [];
  if (depth > DEPTH_MAX) throw scanner.fault(`nested deeper than ${DEPTH_MAX} levels`);
  for (;;) {
    blanks(scanner);
    if (scanner.done && closing !== '') throw scanner.fault('a block or object has no closing "}"');
    if (scanner.done || (closing !== '' && scanner.takes(closing))) return found;
    found.push(member(scanner, depth));
    blanks(scanner);
    scanner.takes(',');
  }
};

const member = (scanner: Scanner, depth: number): Member => {
  const at = scanner.at;
  const [key = '', ...labels] = keys(scanner);
  if (scanner.takes('{')) {
    const start = scanner.at;
    const value: Node = { kind: 'object', members: members(scanner, depth + 1, '}'), at: start };
    return { key, labels, value, at };
  }
  if (labels.length > 0) throw scanner.fault(`expected "{": ${scanner.found}`);
  if (!scanner.takes('=')) throw scanner.fault(`expected "=" or "{" after ${JSON.stringify(key)}: ${scanner.found}`);
  return { key, labels, value: value(scanner, depth + 1), at };
};

/** One or more names, bare or quoted, up to `=` or `{`. */
const keys = (scanner: Scanner): string[] => {
  const found: string[] = [];
  for (let name = nextName(scanner); name !== null; name = nextName(scanner)) {
    found.push(name);
    blanks(scanner);
  }
  if (found.length === 0) throw scanner.fault(`expected a name: ${scanner.found}`);
  return found;
};

const nextName = (scanner: Scanner): string | null =>
  scanner.peek() === '"' ? scanner.quoted() : scanner.match(IDENTIFIER) || null;

const value = (scanner: Scanner, depth: number): Node => {
  blanks(scanner);
  const at = scanner.at;
  if (depth > DEPTH_MAX) throw scanner.fault(`nested deeper than ${DEPTH_MAX} levels`);
  if (scanner.takes('{')) return { kind: 'object', members: members(scanner, depth + 1, '}'), at };
  if (scanner.takes('[')) return { kind: 'list', items: items(scanner, depth), at };
  if (scanner.peek() === '"') return { kind: 'scalar', value: scanner.quoted(), at };
  if (scanner.startsWith('<<')) return { kind: 'scalar', value: heredoc(scanner), at };
  const number = scanner.match(NUMBER);
  if (number !== '') return { kind: 'scalar', value: numberOf(number), at };
  const word = scanner.match(IDENTIFIER);
  if (word !== 'true' && word !== 'false')
    throw scanner.fault(word === '' ? `expected a value: ${scanner.found}` : 'a word needs double quotes here', at);
  return { kind: 'scalar', value: word === 'true', at };
};

const numberOf = (text: string): number => (/^-0[xX]/.test(text) ? -Number(text.slice(1)) : Number(text));

const items = (scanner: Scanner, depth: number): Node[] => {
  const found: Node[] = [];
  for (;;) {
    blanks(scanner);
    if (scanner.takes(']')) return found;
    found.push(value(scanner, depth + 1));
    blanks(scanner);
    if (!scanner.takes(',') && scanner.peek() !== ']') throw scanner.fault(`expected "," or "]": ${scanner.found}`);
  }
};

/** `<<WORD` up to a line of that word alone; `<<-WORD` takes the common indentation away. */
const heredoc = (scanner: Scanner): string => {
  const start = scanner.at;
  scanner.skip(2);
  const indented = scanner.takes('-');
  const anchor = scanner.match(ANCHOR);
  scanner.takes('\r');
  if (anchor === '' || !scanner.takes('\n')) throw scanner.fault('expected a word and a new line after "<<"', start);
  const lines: string[] = [];
  for (;;) {
    const from = scanner.offset;
    scanner.skipLine();
    const line = scanner.text.slice(from, scanner.offset);
    if (line.trim() === anchor) return wellFormed((indented ? unindented(lines) : lines).join(''));
    if (!scanner.takes('\n')) throw scanner.fault(`this heredoc has no line that says ${anchor}`, start);
    lines.push(`${line}\n`);
  }
};

const unindented = (lines: readonly string[]): string[] => {
  const widths = lines.filter(line => line.trim() !== '').map(line => line.length - line.trimStart().length);
  const common = widths.reduce((least, width) => Math.min(least, width), Number.POSITIVE_INFINITY);
  return lines.map(line => (line.trim() === '' ? '\n' : line.slice(common)));
};
