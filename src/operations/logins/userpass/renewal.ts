/** A token of a userpass mount is renewed as long as the user is there and would get the same policies. */
import { E } from '../../../fp.js';
import { normalPolicies } from '../../tokens/new-token.js';
import type { RenewalRule } from '../renewal-rule.js';
import { authStream } from '../streams.js';
import { lifetimeOf, TokenSettings } from '../token-settings.js';

export const loginStands: RenewalRule = ({ session, mount, token }) => {
  const name = token.role ?? '';
  const login = session.authority.logins.get(authStream(session, 'login', mount.id, name));
  if (login === null || !TokenSettings.is(login.settings))
    return E.left({ kind: 'invalid', message: `user ${JSON.stringify(name)} does not exist during renewal` });
  const { token_policies, token_no_default_policy } = login.settings;
  const now = normalPolicies(token_policies, !token_no_default_policy);
  return now.join() === token.policies.join()
    ? E.right(lifetimeOf(login.settings))
    : E.left({ kind: 'invalid', message: 'policies have changed, not renewing' });
};
