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

/** Marked, so that it is equal to no name that keeps its case: no request's path has this character. */
const folded = <S extends Segment>(segment: S): S | string =>
  segment === null || segment === '' ? segment : `\0${segment.toLowerCase()}`;

export const foldPath = (path: string): string => {
  const kept = BEHIND.exec(path)?.[0].length;
  return kept === undefined ? path : path.slice(0, kept) + path.slice(kept).split('/').map(folded).join('/');
};

/**
 * A pattern's segments as a path is compared with them. With `sys/+/Admin` the policy `admin` is meant, and the mount `Admin`:
 * where a `+` stands for what leads to such names, there is a form for each.
 */
export const foldedForms = (segments: readonly Segment[]): readonly (readonly Segment[])[] => {
  const leads = [...policyLeads(segments), ...authLeads(segments)];
  if (leads.length === 0) return [segments];
  const forms = leads.map(({ kept }) => segments.map((each, place) => (place < kept ? each : folded(each))));
  const all = leads.some(({ sure }) => sure) ? forms : [segments, ...forms];
  return [...new Map(all.map(form => [JSON.stringify(form), form])).values()];
};

interface Lead {
  /** How many segments lead there. */
  readonly kept: number;
  /** Nothing else matches the pattern. */
  readonly sure: boolean;
}

const policyLeads = (segments: readonly Segment[]): readonly Lead[] =>
  POLICIES.filter(
    prefix =>
      segments.length > prefix.length &&
      prefix.every((word, place) => segments[place] === null || segments[place] === word),
  ).map(prefix => ({ kept: prefix.length, sure: !segments.slice(0, prefix.length).includes(null) }));

function* authLeads(segments: readonly Segment[]): Iterable<Lead> {
  const [first] = segments;
  if (first !== 'auth' && first !== null) return;
  for (let place = 2; place < segments.length - 1; place += 1) {
    const segment = segments[place] ?? null;
    const sure = IN_AUTH.includes(segment);
    if (sure || segment === null) yield { kept: place + 1, sure: sure && first !== null };
    if (sure) return;
  }
}
