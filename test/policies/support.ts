/** Policies from text, for tests that are about what they mean. */
import { type Acl, compile, type Decision } from '../../src/policies/acl.js';
import { parsePolicy } from '../../src/policies/parse.js';
import type { Capability, Policy } from '../../src/policies/policy.js';
import type { Identity } from '../../src/policies/templates.js';

export const policyOf = (text: string, name = 'test'): Policy => {
  const parsed = parsePolicy(name, text);
  if (parsed._tag === 'Left') throw new Error(parsed.left.message);
  return parsed.right;
};

export const faultOf = (text: string): string => {
  const parsed = parsePolicy('test', text);
  if (parsed._tag === 'Right') throw new Error('this text was accepted');
  return parsed.left.message;
};

/** `{ 'secret/*': 'read list' }` as a policy. */
export const rulesOf = (rules: Readonly<Record<string, string>>, name = 'test'): Policy =>
  policyOf(
    JSON.stringify({
      path: Object.fromEntries(Object.entries(rules).map(([path, words]) => [path, { capabilities: split(words) }])),
    }),
    name,
  );

const split = (words: string): string[] => words.split(' ').filter(word => word !== '');

export const aclOf = (rules: Readonly<Record<string, string>>, identity: Identity | null = null): Acl =>
  compile([rulesOf(rules)], identity);

export const allows = (acl: Acl, capability: Capability, path: string): boolean =>
  acl.check({ capability, path }).allowed;

/** The path of the rule that decided, null if there is none. */
export const decidedBy = (acl: Acl, capability: Capability, path: string): string | null =>
  (acl.check({ capability, path }) satisfies Decision).rule?.path ?? null;
