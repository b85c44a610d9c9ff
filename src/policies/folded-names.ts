/**
 * Names that the server reads without regard to case: of policies, and of roles and users of auth methods. A request for
 * `sys/policies/acl/ADMIN` is about the policy `admin`, so a rule about `admin` has to decide it: behind these prefixes, paths
 * and patterns are compared in lower case.
 */
import type { Segment } from './pattern.js';

const POLICIES = [
  ['sys', 'policies', 'acl'],
  ['sys', 'policy'],
];
/** Behind a mount's path, which has any number of segments, and keeps its case. */
const IN_AUTH: readonly Segment[] = ['role', 'users', 'login'];

const BEHIND = /^(?:sys\/(?:policies\/acl|policy)|auth\/(?:[^/]+\/)+?(?:role|users|login))\//;

export const foldPath = (path: string): string => {
  const kept = BEHIND.exec(path)?.[0].length;
  return kept === undefined ? path : path.slice(0, kept) + path.slice(kept).toLowerCase();
};

/** Of a pattern; with `sys/+/acl/Admin` the policy is meant, too. */
export const foldSegments = (segments: readonly Segment[]): readonly Segment[] => {
  const kept = segments[0] === 'sys' ? behindPolicies(segments) : segments[0] === 'auth' ? behindMount(segments) : 0;
  if (kept === 0) return segments;
  return segments.map((segment, place) => (place < kept ? segment : (segment?.toLowerCase() ?? null)));
};

/** How many segments lead there; 0: elsewhere. */
const behindPolicies = (segments: readonly Segment[]): number =>
  POLICIES.find(
    prefix =>
      segments.length > prefix.length &&
      prefix.every((word, place) => segments[place] === null || segments[place] === word),
  )?.length ?? 0;

const behindMount = (segments: readonly Segment[]): number =>
  segments.findIndex((segment, place) => place > 1 && (segment === null || IN_AUTH.includes(segment))) + 1;
