/**
 * A policy's text, checked: HCL, or JSON if its first character is a brace. Never throws, whatever the text; the time it
 * takes grows with the length of the text, which is bounded.
 */
import { E, type Either } from '../fp.js';
import type { Policy } from './policy.js';
import { RuleFault, readRules } from './read-rules.js';
import { readHcl } from './text/hcl.js';
import { readJson } from './text/json.js';
import { SyntaxFault } from './text/tree.js';

export const TEXT_BYTES_MAX = 256 * 1024;

/** `message` is shown to whoever wrote the policy: it quotes paths and words of the text, as the line does not help alone. */
export interface PolicyFault {
  readonly message: string;
  readonly line: number | null;
}

export const parsePolicy = (name: string, text: string): Either<PolicyFault, Policy> => {
  if (text === '') return fault("'policy' parameter not supplied or empty", null);
  if (Buffer.byteLength(text) > TEXT_BYTES_MAX)
    return fault(`a policy may have at most ${TEXT_BYTES_MAX / 1024} KiB of text: make two of it`, null);
  const body = text.startsWith('\ufeff') ? text.slice(1) : text;
  const language = /^\s*\{/.test(body) ? 'json' : 'hcl';
  try {
    const rules = readRules(language === 'json' ? readJson(body) : readHcl(body), language);
    const templates = rules.flatMap(({ pattern }) => (pattern.templated ? expressions(pattern.parts) : []));
    return E.right({ name, rules, templates: [...new Set(templates)].sort() });
  } catch (error) {
    if (error instanceof SyntaxFault) return fault(`failed to parse policy: ${error.message}`, error.at.line);
    if (error instanceof RuleFault) return fault(`failed to parse policy: ${error.message}`, error.line);
    throw error;
  }
};

const expressions = (parts: readonly string[]): string[] => parts.filter((_, place) => place % 2 === 1);

const fault = (message: string, line: number | null): Either<PolicyFault, never> => E.left({ message, line });
