/**
 * Path patterns: literal segments, `+` for one whole segment, `*` at the very end for anything that follows. `*` elsewhere
 * and `+` inside a longer segment are ordinary characters.
 *
 * What a template fills in is always literal: a value that is `+`, or that ends in `*`, does not become a wildcard, and one
 * with a slash in it (or an empty one) drops the rule, because it would reach another folder than its author saw.
 */
import { E, type Either } from '../fp.js';
import { foldedForms } from './folded-names.js';

/** Null stands for `+`. */
export type Segment = string | null;

export interface Filled {
  readonly templated: false;
  /** With `prefix`, the last one is the beginning of a segment, and anything may follow. */
  readonly segments: readonly Segment[];
  /** As paths are compared with them; mostly that alone. */
  readonly forms: readonly (readonly Segment[])[];
  readonly prefix: boolean;
  /** Without the `*` at the end. */
  readonly text: string;
  /** Of the text, as UTF-8. */
  readonly bytes: number;
  /** How many `+`. */
  readonly wildcards: number;
}

export interface Templated {
  readonly templated: true;
  /** Literal text and expressions by turns, in the order they are written: text, expression, text, …, text. */
  readonly parts: readonly string[];
}

export type Pattern = Filled | Templated;

/** Bounds, with the arrangements of `+`, what one check may cost. Paths of requests may be longer. */
export const SEGMENTS_MAX = 64;

/** Left: what is wrong, without the path. */
export const parsePattern = (path: string): Either<string, Pattern> => {
  if (path.includes('+*')) return E.left("invalid use of wildcards ('+*' is forbidden)");
  const parts = templateParts(path);
  if (parts === null) return E.left('unbalanced templating characters');
  if (path.split('/').length > SEGMENTS_MAX) return E.left(`more than ${SEGMENTS_MAX} segments`);
  return E.right(parts.length === 1 ? split([path]) : { templated: true, parts });
};

/** Null: braces that do not pair up. */
const templateParts = (path: string): string[] | null => {
  const [head = '', ...rest] = path.split('{{');
  if (head.includes('}}')) return null;
  const parts = [head];
  for (const piece of rest) {
    const [expression = '', text, ...more] = piece.split('}}');
    if (text === undefined || more.length > 0) return null;
    parts.push(expression.trim(), text);
  }
  return parts;
};

/** Which segments are a `+`: what tells apart the branches that one path can have open at once. */
export const arrangement = (pattern: Pattern): string => {
  const filled = pattern.templated ? split(pattern.parts) : pattern;
  if (filled.wildcards === 0) return '';
  return filled.segments.flatMap((segment, place) => (segment === null ? place : [])).join(' ');
};

/** Null: an expression has no value, or one that cannot stand in a path. */
export const fill = (pattern: Templated, lookUp: (expression: string) => string | null): Filled | null => {
  const parts: string[] = [];
  for (const [place, part] of pattern.parts.entries()) {
    if (place % 2 === 0) {
      parts.push(part);
      continue;
    }
    const value = lookUp(part);
    if (value === null || value === '' || value.includes('/')) return null;
    parts.push(value);
  }
  return split(parts);
};

/** `parts` by turns: written text, in which wildcards mean something, and filled-in text, in which they do not. */
const split = (parts: readonly string[]): Filled => {
  const last = parts.length - 1;
  const prefix = parts[last]?.endsWith('*') ?? false;
  const segments: Segment[] = [];
  let segment = '';
  let literal = false;
  const end = (): void => {
    segments.push(segment === '+' && !literal ? null : segment);
    segment = '';
    literal = false;
  };
  for (const [place, part] of parts.entries()) {
    if (place % 2 === 1) {
      segment += part;
      literal = true;
      continue;
    }
    const text = place === last && prefix ? part.slice(0, -1) : part;
    for (const [index, piece] of text.split('/').entries()) {
      if (index > 0) end();
      segment += piece;
    }
  }
  end();
  const whole = parts.length === 1 ? (parts[0] ?? '') : parts.join('');
  const text = prefix ? whole.slice(0, -1) : whole;
  const wildcards = segments.reduce((count, each) => (each === null ? count + 1 : count), 0);
  return {
    templated: false,
    segments,
    forms: foldedForms(segments),
    prefix,
    text,
    bytes: Buffer.byteLength(text),
    wildcards,
  };
};
