/**
 * A token of a certificate is renewed over a connection that shows a certificate of the same holder, one that the role
 * would still let in: expired, revoked or re-bound means no renewal. The mount may switch that off.
 */
import { E } from '../../../fp.js';
import { aliasId, entityOfAlias } from '../entity.js';
import { mountSettings } from '../mount-config.js';
import { type RenewalRule, roleStands } from '../renewal-rule.js';
import { configOf } from './config.js';
import { aliasOf, clientOf } from './known-client.js';

export const certificateStands: RenewalRule = renewing => {
  const { session, context, mount, token } = renewing;
  const standing = roleStands(renewing);
  if (standing._tag === 'Left' || configOf(mountSettings(session, mount, 'config')).disable_binding) return standing;
  const client = clientOf(session, context, mount, token.role, new Date(session.ports.nowMs()));
  if (typeof client === 'string') return E.left({ kind: 'invalid', message: client });
  return entityOfAlias(session, aliasId(session, mount, aliasOf(client)))?.id === token.entity
    ? standing
    : E.left({
        kind: 'invalid',
        message: 'client identity during renewal not matching client identity used during login',
      });
};
