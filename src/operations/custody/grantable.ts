/** Which policies an administrator may be given, and by whom. */
import type { Uuid } from '../../crypto/bytes.js';
import { refuse } from '../app.js';
import type { Caller } from '../authorise.js';
import { normalPolicies } from '../tokens/new-token.js';

const POLICIES_MAX = 256;

/** Said, never assumed: an administrator may do what the policies say. Only root makes somebody root. */
export const grantable = (caller: Caller, policies: readonly string[]): readonly string[] => {
  const granted = normalPolicies(policies, true);
  if (policies.length === 0)
    refuse({ kind: 'invalid', message: 'name the policies of the administrator: root for everything' });
  if (granted.length > POLICIES_MAX || granted.some(policy => policy.length > POLICIES_MAX))
    refuse({ kind: 'invalid', message: 'an administrator has 256 policies at most, each of 256 characters at most' });
  if (granted.includes('root') && !caller.token.policies.includes('root'))
    refuse({ kind: 'invalid', message: 'root administrators may not be made without the caller being root' });
  return granted;
};

/** What opens the ledger to who has it, whatever policies say, is given out by root alone. */
export const requireRootCaller = (caller: Caller, what: string): void => {
  if (!caller.token.policies.includes('root')) refuse({ kind: 'invalid', message: `only root ${what}` });
};

/** Who is root is changed, replaced and removed by root alone: else whoever may manage slots could be rid of all of them. */
export const requireRootOverRoot = (caller: Caller, entity: Uuid | null, what: string): void => {
  const known = entity === null ? undefined : caller.session.authority.entities.get(entity);
  if (known?.policies.includes('root') === true) requireRootCaller(caller, what);
};
