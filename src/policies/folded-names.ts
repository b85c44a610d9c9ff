/**
 * Names that the server reads without regard to case: those of policies. `sys/policies/acl/ADMIN` writes the policy `admin`,
 * so a rule about `admin` has to decide it: behind these prefixes, paths and patterns are compared in lower case.
 */
import type { Segment } from './pattern.js';

const PREFIXES = [
  ['sys', 'policies', 'acl'],
  ['sys', 'policy'],
];
const TEXTS = PREFIXES.map(prefix => `${prefix.join('/')}/`);

export const foldPath = (path: string): string =>
  TEXTS.some(prefix => path.startsWith(prefix)) ? path.toLowerCase() : path;

/** Of a pattern; with `sys/+/acl/Admin` the policy is meant, too. */
export const foldSegments = (segments: readonly Segment[]): readonly Segment[] =>
  segments[0] === 'sys' && PREFIXES.some(prefix => isBehind(prefix, segments))
    ? segments.map(segment => segment?.toLowerCase() ?? null)
    : segments;

const isBehind = (prefix: readonly string[], segments: readonly Segment[]): boolean =>
  segments.length > prefix.length &&
  prefix.every((word, place) => segments[place] === null || segments[place] === word);
