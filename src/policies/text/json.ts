/** A policy as JSON (RFC 8259, and HCL's escapes in strings), with positions and with every one of several equal keys. */
import { Scanner } from './scanner.js';
import { DEPTH_MAX, type Member, type Node } from './tree.js';

const BLANKS = /[ \t\r\n]+/y;
const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const WORD = /[a-z]+/y;
const WORDS: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

export const readJson = (text: string): Node => {
  const scanner = new Scanner(text);
  const node = value(scanner, 0);
  scanner.match(BLANKS);
  if (!scanner.done) throw scanner.fault(`text after the JSON value: ${scanner.found}`);
  return node;
};

const value = (scanner: Scanner, depth: number): Node => {
  scanner.match(BLANKS);
  const at = scanner.at;
  if (depth > DEPTH_MAX) throw scanner.fault(`nested deeper than ${DEPTH_MAX} levels`);
  if (scanner.takes('{')) return { kind: 'object', members: members(scanner, depth), at };
  if (scanner.takes('[')) return { kind: 'list', items: items(scanner, depth), at };
  if (scanner.peek() === '"') return { kind: 'scalar', value: scanner.quoted(), at };
  const number = scanner.match(NUMBER);
  if (number !== '') return { kind: 'scalar', value: Number(number), at };
  const word = WORDS.get(scanner.match(WORD));
  if (word === undefined) throw scanner.fault(`expected a JSON value: ${scanner.found}`, at);
  return { kind: 'scalar', value: word, at };
};

const members = (scanner: Scanner, depth: number): Member[] => {
  const found: Member[] = [];
  scanner.match(BLANKS);
  if (scanner.takes('}')) return found;
  for (;;) {
    scanner.match(BLANKS);
    const at = scanner.at;
    if (scanner.peek() !== '"') throw scanner.fault(`expected a key in double quotes: ${scanner.found}`);
    const key = scanner.quoted();
    scanner.match(BLANKS);
    if (!scanner.takes(':')) throw scanner.fault(`expected ":" after the key: ${scanner.found}`);
    found.push({ key, labels: [], value: value(scanner, depth + 1), at });
    scanner.match(BLANKS);
    if (scanner.takes('}')) return found;
    if (!scanner.takes(',')) throw scanner.fault(`expected "," or "}": ${scanner.found}`);
  }
};

const items = (scanner: Scanner, depth: number): Node[] => {
  const found: Node[] = [];
  scanner.match(BLANKS);
  if (scanner.takes(']')) return found;
  for (;;) {
    found.push(value(scanner, depth + 1));
    scanner.match(BLANKS);
    if (scanner.takes(']')) return found;
    if (!scanner.takes(',')) throw scanner.fault(`expected "," or "]": ${scanner.found}`);
  }
};
