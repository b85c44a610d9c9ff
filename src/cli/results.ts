/**
 * Results for scripts. An answer of the server is printed as it came, number by number, with the ledger position put in
 * front: `jq .data.data.password` works as with `vault kv get -format=json`.
 */
import * as t from 'io-ts';
import { E } from '../fp.js';
import type { Answer } from './client.js';
import { harmlessJson } from './terminal/escape.js';
import type { Terminal } from './terminal/terminal.js';

/** JSON as it is, but for what a terminal would obey. */
export const printJsonText = (terminal: Terminal, json: string): Promise<void> => terminal.print(harmlessJson(json));

/** One JSON document on one line. */
export const printJson = (terminal: Terminal, value: unknown): Promise<void> =>
  printJsonText(terminal, JSON.stringify(value));

export const printAnswer = async (terminal: Terminal, answer: Answer): Promise<void> => {
  const body = answer.text.trim();
  if (body === '') return printJson(terminal, { position: answer.position });
  const position = answer.position === null ? '' : `"position":${answer.position}${body === '{}' ? '' : ','}`;
  await printJsonText(terminal, body.startsWith('{') ? `{${position}${body.slice(1).trimStart()}` : body);
};

const Warnings = t.type({ warnings: t.array(t.string) });

/** What the server warns of goes to the person, whatever the command prints. */
export const passWarnings = (terminal: Terminal, answer: Answer): void => {
  try {
    const decoded = Warnings.decode(JSON.parse(answer.text));
    if (E.isRight(decoded)) for (const warning of decoded.right.warnings) terminal.warn(warning);
  } catch {
    // No body, or none that is JSON: nothing is warned of.
  }
};

/** Where a change stands in the ledger, for people. */
export const recordedAt = (answer: Answer): string =>
  answer.position === null ? '' : ` · ledger position ${answer.position}`;
