/**
 * A token of a login method is renewed only as long as the method would still give it: its role must be there, and what
 * the role says now bounds it from now on. Asked at the head of the ledger, so it must not wait for anything.
 */
import { E } from '../../fp.js';
import { table } from '../../table.js';
import { certificateStands } from './cert/renewal.js';
import { type RenewalRule, roleStands } from './renewal-rule.js';
import { loginStands } from './userpass/renewal.js';

/** By the mount's type: a login method more is a line more. */
const RULES = table<RenewalRule>({
  approle: roleStands,
  cert: certificateStands,
  jwt: roleStands,
  userpass: loginStands,
});

export const askMethod: RenewalRule = renewing =>
  RULES[renewing.mount.type]?.(renewing) ?? E.left({ kind: 'invalid', message: 'lease is not renewable' });
