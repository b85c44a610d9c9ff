/** Tables for people: columns under headings, no lines drawn, nothing that a copied cell would drag along. */
import Table from 'cli-table3';
import { oneLine } from './escape.js';
import type { Terminal } from './terminal.js';

const PLAIN = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: '  ',
} as const;

export type Cell = string | number | null | undefined;

const shown = (cell: Cell, show: (text: string) => string): string =>
  cell === null || cell === undefined || cell === '' ? '-' : show(String(cell));

/** `show` makes a cell safe: the default is one line; only a secret's own value may have more. */
export const printTable = async (
  terminal: Terminal,
  head: readonly string[],
  rows: readonly (readonly Cell[])[],
  show: (text: string) => string = oneLine,
): Promise<void> => {
  const table = new Table({
    head: head.map(terminal.bold),
    chars: PLAIN,
    style: { head: [], border: [], 'padding-left': 0, 'padding-right': 0 },
  });
  for (const row of rows) table.push(row.map(cell => shown(cell, show)));
  await terminal.print(table.toString().replace(/[ ]+$/gm, ''));
};

/** One thing's facts, a line each. */
export const printFacts = async (terminal: Terminal, facts: readonly (readonly [string, Cell])[]): Promise<void> => {
  const width = Math.max(...facts.map(([name]) => name.length));
  for (const [name, value] of facts) {
    await terminal.print(`${terminal.bold(name.padEnd(width))}  ${shown(value, oneLine)}`);
  }
};
