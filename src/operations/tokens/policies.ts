/**
 * Which policies a child token gets (vault-wire.md §10.2): a role's rules where there is one, else its parent's, or a part
 * of them; only sudo goes beyond, and root comes from root alone. Pure.
 */
import { globMatches } from '../../domain/glob.js';
import type { Failure } from '../../failure.js';
import { E, type Either } from '../../fp.js';
import type { TokenRole } from './contract.js';
import { normalPolicies } from './new-token.js';

export interface PolicyWish {
  readonly asked: readonly string[];
  readonly noDefault: boolean;
  readonly parent: readonly string[];
  readonly sudo: boolean;
  readonly role: TokenRole | null;
  readonly type: 'service' | 'batch';
}

/** Those that the server gives to tokens of its own making. */
const INTERNAL = ['response-wrapping', 'control-group'];

export const grantPolicies = (wish: PolicyWish): Either<Failure, readonly string[]> => {
  const granted = allowed(wish);
  return granted._tag === 'Left' ? E.left({ kind: 'invalid', message: granted.left }) : granted;
};

const allowed = (wish: PolicyWish): Either<string, readonly string[]> => {
  const granted = wish.role === null ? byParent(wish) : byRole(wish, wish.role);
  if (granted._tag === 'Left') return granted;
  const internal = granted.right.find(name => INTERNAL.includes(name));
  if (internal !== undefined) return E.left(`cannot assign policy ${JSON.stringify(internal)}`);
  if (granted.right.includes('root') && !wish.parent.includes('root'))
    return E.left('root tokens may not be created without parent token being root');
  if (granted.right.includes('root') && wish.type === 'batch') return E.left('batch tokens cannot be root tokens');
  return granted;
};

const byParent = ({ asked, noDefault, parent, sudo }: PolicyWish): Either<string, readonly string[]> => {
  if (asked.length === 0) return E.right(parent);
  if (sudo) return E.right(normalPolicies(asked, !noDefault));
  const wanted = normalPolicies(asked, false);
  if (!wanted.every(name => parent.includes(name))) return E.left('child policies must be subset of parent');
  return E.right(normalPolicies(wanted, !noDefault && parent.includes('default')));
};

/** Of these, what a role gives to whoever may make tokens by it, whatever they have themselves. */
export const givenBy = (role: TokenRole, names: readonly string[]): readonly string[] => {
  const wish = { noDefault: true, parent: [], sudo: false, role, type: 'service' as const };
  return names.filter(name => grantPolicies({ ...wish, asked: [name] })._tag === 'Right');
};

/** A role that says nothing of policies gives none: what its caller has is then the bound, as without a role. */
const byRole = (wish: PolicyWish, role: TokenRole): Either<string, readonly string[]> => {
  const noDefault = wish.noDefault || role.tokenNoDefaultPolicy;
  if (!saysPolicies(role)) return byParent({ ...wish, noDefault });
  const { asked, parent } = wish;
  const addDefault = !noDefault;
  const limited = role.allowedPolicies.length > 0 || role.allowedPoliciesGlob.length > 0;
  const allowed = normalPolicies(role.allowedPolicies, addDefault);
  const wanted = normalPolicies(asked.length > 0 ? asked : limited ? role.allowedPolicies : parent, addDefault);
  const fits = (name: string): boolean => allowed.includes(name) || matches(role.allowedPoliciesGlob, name);
  if (limited && !wanted.every(fits))
    return E.left(
      `token policies (${listed(wanted)}) must be subset of the role's allowed policies (${listed(allowed)}) or glob policies (${listed(role.allowedPoliciesGlob)})`,
    );
  const refused = wanted.find(
    name => normalPolicies(role.disallowedPolicies, false).includes(name) || matches(role.disallowedPoliciesGlob, name),
  );
  return refused === undefined
    ? E.right(wanted)
    : E.left(`token policy ${JSON.stringify(refused)} is disallowed by this role`);
};

const saysPolicies = (role: TokenRole): boolean =>
  [role.allowedPolicies, role.allowedPoliciesGlob, role.disallowedPolicies, role.disallowedPoliciesGlob].some(
    names => names.length > 0,
  );

/** As Go prints a list: ["a" "b"]. */
const listed = (names: readonly string[]): string => `[${names.map(name => JSON.stringify(name)).join(' ')}]`;

const matches = (globs: readonly string[], name: string): boolean =>
  globs.some(glob => globMatches(glob.toLowerCase(), name));
