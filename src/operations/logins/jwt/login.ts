/** The login itself: a token that a believed key signed, claims that the role asks for, a token of ours. */

import { concat, type Uuid, uuidBytes } from '../../../crypto/bytes.js';
import { stream } from '../../../crypto/names.js';
import { sha256 } from '../../../crypto/prf.js';
import type { Failure } from '../../../failure.js';
import { complaintAbout } from '../../../jwt/claims.js';
import { NoKeys } from '../../../jwt/key-set.js';
import type { Claims } from '../../../jwt/verify.js';
import type { Session } from '../../../nexus/session.js';
import { type App, sessionOf } from '../../app.js';
import { operation } from '../../operation.js';
import { Attempt } from '../attempt.js';
import { aliasId } from '../entity.js';
import { logIn } from '../log-in.js';
import { mountSettings } from '../mount-config.js';
import { authMount, recordOf } from '../records.js';
import { type JwtConfig, jwtConfig } from './config.js';
import type { JwtOperations } from './contract.js';
import { holderOf, Unfit } from './holder.js';
import type { Issuers } from './issuer.js';
import { expectedBy, jwtSettings } from './settings.js';

const invalid = (message: string): Failure => ({ kind: 'invalid', message });

export const jwtLogin = (app: App, issuers: Issuers): JwtOperations['login'] =>
  operation('logging in with a JWT', async (context, { mount: path, role: asked, jwt }) => {
    const session = sessionOf(app);
    await session.reader.refresh();
    const mount = authMount(session, path);
    // Nothing is guessed here that could be locked: attempts are told apart by address alone.
    const attempt = new Attempt({ app, session, context, mount, name: aliasId(session, mount, context.from.address) });
    const config =
      jwtConfig(mountSettings(session, mount, 'config')) ??
      attempt.refused('role', invalid('could not load configuration'));
    const name = (asked === '' ? config.default_role : asked).toLowerCase();
    if (name === '') attempt.refused('role', invalid('missing role'));
    const role =
      recordOf(session, 'role', mount, name) ??
      attempt.refused('role', invalid(`role ${JSON.stringify(name.slice(0, 256))} could not be found`));
    const settings = jwtSettings(role);
    if (jwt === '') attempt.refused('token', invalid('missing token'));
    const { claims, signedText } = await verified(attempt, issuers, jwt, config);
    const complaint = complaintAbout(claims, expectedBy(settings, issuerOf(config)), Math.floor(app.nowMs() / 1000));
    if (complaint !== null) attempt.refused('claims', invalid(`error validating token: ${complaint}`));
    const { user, meta } = heldBy(attempt, () => holderOf(claims, name, settings));
    return logIn(attempt, {
      ...{ alias: user, kind: 'machine', entityName: user, displayName: `jwt-${user}`, meta, settings, role: name },
      ...(settings.single_use ? { once: onceId(session, mount.id, signedText) } : {}),
      check: () =>
        session.authority.roles.get(role.id) === role && mountSettings(session, mount, 'config') === config
          ? null
          : { kind: 'busy', retryAfterSeconds: 1 },
    });
  });

/** A token is known again by what was signed: a signature can be written in more than one way. */
const onceId = ({ custody }: Session, mount: Uuid, signedText: string): Uuid =>
  stream(custody.keyring.indexKey, custody.ledger, 'once', concat(uuidBytes(mount), sha256(Buffer.from(signedText))));

/** Whose tokens these must be: as it is configured, else the issuer whose keys were discovered; null: whoever has a key. */
const issuerOf = ({ bound_issuer, oidc_discovery_url }: JwtConfig): string | null =>
  bound_issuer !== '' ? bound_issuer : oidc_discovery_url !== '' ? oidc_discovery_url : null;

const WHY = {
  malformed: 'error validating token: this is not a signed JWT',
  'no-key': 'error validating token: error verifying token: no known key fits the token',
  signature: 'error validating token: error verifying token: no known key successfully validated the token signature',
} as const;

const verified = async (
  attempt: Attempt,
  issuers: Issuers,
  jwt: string,
  config: JwtConfig,
): Promise<{ readonly claims: Claims; readonly signedText: string }> => {
  try {
    const found = await issuers.verify(jwt, config);
    return typeof found === 'string' ? attempt.refused('token', invalid(WHY[found])) : found;
  } catch (error) {
    if (!(error instanceof NoKeys)) throw error;
    return attempt.refused('token', { kind: 'upstream', message: `error validating token: ${error.message}` });
  }
};

const heldBy = <T>(attempt: Attempt, find: () => T): T => {
  try {
    return find();
  } catch (error) {
    if (!(error instanceof Unfit)) throw error;
    return attempt.refused('claims', invalid(error.message));
  }
};
