/**
 * Logging in with a role id and a secret id (vault-wire.md §11.1). A role id that does not exist takes the same work and
 * the same words as a secret id that is wrong. A secret id with a count is spent in the commit that makes the token:
 * decided at the head of the ledger, so that n uses are n logins, on however many nodes at once.
 */
import type { Role, SecretId } from '../../../authority/logins.js';
import { type Uuid, ZERO_UUID } from '../../../crypto/bytes.js';
import { randomUuid7 } from '../../../crypto/random.js';
import type { Header } from '../../../domain/header.js';
import type { Failure } from '../../../failure.js';
import { sealEvent } from '../../../keys/event-sealer.js';
import type { Session } from '../../../nexus/session.js';
import { type App, refuse, sessionOf } from '../../app.js';
import { operation } from '../../operation.js';
import { addressAllowed, cidrsWithin } from '../../tokens/cidrs.js';
import type { Companion } from '../../tokens/index.js';
import { Attempt } from '../attempt.js';
import { aliasId } from '../entity.js';
import { logIn, type Proof } from '../log-in.js';
import { authMount } from '../records.js';
import type { AppRoleOperations } from './contract.js';
import { findSecretId } from './credentials.js';
import { appRole } from './roles.js';
import { expired } from './secret-ids.js';
import { ROLE_ID_CHARACTERS_MAX } from './settings.js';

const WRONG = 'invalid role or secret ID';
/** It was made when the role allowed more. */
const WIDER = "'token_bound_cidrs' of the secret ID are no subset of the role's: make a new one";

export const loginOperation = (app: App): Pick<AppRoleOperations, 'login'> => ({
  login: operation('logging in', async (context, { mount: path, roleId, secretId: text }) => {
    const session = sessionOf(app);
    await session.reader.refresh();
    const mount = authMount(session, path);
    if (roleId === '') refuse({ kind: 'invalid', message: 'missing role_id' });
    // One that no role can have is tried under one name, whatever it is.
    const name = roleId.length > ROLE_ID_CHARACTERS_MAX ? '' : roleId;
    const attempt = new Attempt({ app, session, context, mount, name: aliasId(session, mount, name) });
    const role = session.authority.roles.byRoleId(mount.id, name);
    const settings = role === null ? null : appRole(role);
    if (text === '' && settings?.bind_secret_id !== false)
      attempt.refused('credentials', { kind: 'invalid', message: 'missing secret_id' });
    const found = await findSecretId(session, role?.id ?? ZERO_UUID, text);
    if (role === null || settings === null) return attempt.wrong('credentials', WRONG);
    const secretId = settings.bind_secret_id ? found : null;
    if (settings.bind_secret_id && (secretId === null || !usable(secretId, session.now())))
      return attempt.wrong('credentials', WRONG);
    refuseAddress(attempt, secretId?.cidrs ?? [], 'through CIDR restrictions on the secret ID');
    refuseAddress(attempt, settings.secret_id_bound_cidrs, 'by CIDR restrictions on the role');
    if (!cidrsWithin(settings.token_bound_cidrs, secretId?.tokenCidrs ?? []))
      attempt.refused('bound-cidr', { kind: 'bad-credentials', message: WIDER });
    return logIn(attempt, {
      ...{ alias: settings.role_id, kind: 'machine', entityName: `approle-${role.name}` },
      ...{ settings, displayName: 'approle', role: role.name },
      meta: { ...secretId?.meta, role_name: role.name },
      ...(secretId === null || secretId.tokenCidrs.length === 0 ? {} : { boundCidrs: secretId.tokenCidrs }),
      ...spending(session, role, secretId),
    });
  }),
});

const usable = (secretId: SecretId, nowUs: number): boolean =>
  !expired(secretId, nowUs) && (secretId.uses === 0 || secretId.usesLeft > 0);

const refuseAddress = (attempt: Attempt, cidrs: readonly string[], how: string): void => {
  const { address } = attempt.of.context.from;
  if (addressAllowed(cidrs, address)) return;
  const message = `source address ${JSON.stringify(address)} unauthorized ${how}`;
  attempt.refused('bound-cidr', { kind: 'bad-credentials', message });
};

/** What is asked and done at the head: the role stands as it was read, and the secret id has a use left, which goes. */
const spending = (
  session: Session,
  role: Role,
  secretId: SecretId | null,
): Pick<Proof, 'check' | 'with' | 'deleteKeys'> => {
  const { roles, secretIds } = session.authority;
  const moved = (): Failure | null => (roles.get(role.id) === role ? null : { kind: 'busy', retryAfterSeconds: 1 });
  if (secretId === null) return { check: moved };
  const now = (): SecretId | null => secretIds.get(secretId.id);
  return {
    check: ({ recordedAt }) => {
      const left = now();
      return left === null || !usable(left, recordedAt) ? { kind: 'bad-credentials', message: WRONG } : moved();
    },
    ...(secretId.uses === 0
      ? {}
      : {
          with: (header: Header, actor: Uuid): readonly Companion[] => [
            {
              sealed: spent(session, secretId, header, actor),
              facts: () => {
                const left = (now()?.usesLeft ?? 0) - 1;
                return left > 0 ? { uses: left } : {};
              },
            },
          ],
          deleteKeys: () => (now()?.usesLeft === 1 ? [secretId.credential] : []),
        }),
  };
};

const spent = (session: Session, secretId: SecretId, header: Header, actor: Uuid) =>
  sealEvent(session.custody, {
    eventId: randomUuid7(session.ports.nowMs()),
    streamId: secretId.id,
    type: 'secretid.spent',
    lane: 1,
    actor,
    header: { ...header, role: secretId.role, accessor: secretId.accessor },
  });
