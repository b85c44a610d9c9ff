/**
 * Secret ids of a role (vault-wire.md §11.3). The text of one is in the answer that made it and nowhere else: the event
 * says under which accessor, networks, time and count, and a sealed key row holds the keyed hash.
 */
import type { SecretId } from '../../../authority/logins.js';
import type { Mount } from '../../../authority/mounts.js';
import type { Capability } from '../../../authority/permission.js';
import { randomUuid4 } from '../../../crypto/random.js';
import type { Session } from '../../../nexus/session.js';
import { type App, refuse, sessionOf } from '../../app.js';
import { authorise } from '../../authorise.js';
import { changeAuthority, type Preceding } from '../../authority-change.js';
import { operation } from '../../operation.js';
import type { RequestContext } from '../../request.js';
import { authMount, lower, type Place, recordOf } from '../records.js';
import { authStream } from '../streams.js';
import type { AppRoleOperations, SecretIdDetail, SecretIdNamed } from './contract.js';
import { credentialRow, findSecretId } from './credentials.js';
import { appRole } from './roles.js';
import { newSecretId } from './secret-id-rules.js';
import type { AppRoleSettings } from './settings.js';

type SecretIds = Pick<
  AppRoleOperations,
  'createSecretId' | 'listSecretIds' | 'lookupSecretId' | 'removeSecretId' | 'tidy'
>;

const SECRET_IDS_MAX = 10_000;
/** Each new one takes up to so many with it that expired. */
const EXPIRED_WITH_EACH = 8;
const EXPIRED_WITH_TIDY = 500;
const SECOND_US = 1_000_000;

interface Found {
  readonly session: Session;
  readonly mount: Mount;
  readonly name: string;
  readonly role: AppRoleSettings;
}

/** After lane 1 was folded for this request. */
const roleAt = (session: Session, place: Place): Found => {
  const { mount: path, name } = lower(place);
  const mount = authMount(session, path);
  const record = recordOf(session, 'role', mount, name);
  return { session, mount, name, role: appRole(record ?? refuse({ kind: 'absent' })) };
};

const roleStream = ({ session, mount, name }: Found) => authStream(session, 'role', mount.id, name);

/** Of this role, and not expired; null: no such one. */
const named = async (found: Found, which: SecretIdNamed): Promise<SecretId | null> => {
  const { session, mount, name } = found;
  const secretId =
    'secretId' in which
      ? await findSecretId(session, roleStream(found), which.secretId)
      : session.authority.secretIds.get(authStream(session, 'secretid', mount.id, which.accessor.slice(0, 256)));
  const ours = secretId !== null && secretId.mount === mount.id && secretId.role === name;
  return ours && !expired(secretId, session.now()) ? secretId : null;
};

export const expired = ({ expiresAt }: SecretId, nowUs: number): boolean => expiresAt !== 0 && expiresAt <= nowUs;

const removal = (session: Session, { id, mount, role, accessor }: SecretId): Preceding => ({
  ...{ type: 'secretid.removed', streamId: id, own: { auth_mount: mount, role, accessor } },
  needed: () => session.authority.secretIds.get(id) !== null,
});

const credentialsOf = (secretIds: readonly SecretId[]) => secretIds.map(({ credential }) => credential);

export const secretIdOperations = (app: App): SecretIds => ({
  createSecretId: operation('making a secret id', async (context, { mount: path, name: roleName, ...wanted }) => {
    const session = sessionOf(app);
    const [op, capability] = ['secretid.create', 'update'] as const;
    const caller = await authorise(app, session, context, { op, capability });
    const found = roleAt(session, { mount: path, name: roleName });
    const { mount, name, role } = found;
    const { secretIds } = session.authority;
    const { text, uses, ttlSeconds } = newSecretId(role, wanted);
    const ended = [...secretIds.ofRole(mount.id, name)].filter(each => expired(each, session.now()));
    if (secretIds.countOfRole(mount.id, name) - ended.length >= SECRET_IDS_MAX)
      refuse({ kind: 'invalid', message: 'this role has 10,000 secret ids already: destroy some, or let them expire' });
    const accessor = randomUuid4();
    const streamId = authStream(session, 'secretid', mount.id, accessor);
    const credential = credentialRow(session, roleStream(found), streamId, text);
    const record = recordOf(session, 'role', mount, name);
    const same = wanted.secretId === null ? null : await findSecretId(session, roleStream(found), text);
    if (same !== null && !expired(same, session.now()))
      refuse({ kind: 'invalid', message: 'SecretID is already registered' });
    const { revision } = secretIds;
    const old = [...(same === null ? [] : [same]), ...ended.filter(each => each !== same).slice(0, EXPIRED_WITH_EACH)];
    const { position } = await changeAuthority(app, caller, context, {
      ...{ op, capability, type: 'secretid.created', streamId, mount },
      own: {
        ...{ auth_mount: mount.id, role: name, accessor, credential: credential.keyId },
        ...(Object.keys(wanted.meta).length === 0 ? {} : { meta: wanted.meta }),
        ...(ttlSeconds === 0 ? {} : { ttl: ttlSeconds }),
        ...(wanted.cidrs.length === 0 ? {} : { cidrs: wanted.cidrs }),
        ...(wanted.tokenCidrs.length === 0 ? {} : { token_cidrs: wanted.tokenCidrs }),
      },
      facts: recordedAt => ({
        ...(ttlSeconds === 0 ? {} : { expires_at: recordedAt + ttlSeconds * SECOND_US }),
        ...(uses === 0 ? {} : { uses }),
      }),
      // Made under the role as it was read; one that was chosen must be new still.
      unless: () =>
        recordOf(session, 'role', mount, name) !== record ||
        (wanted.secretId !== null && secretIds.revision !== revision)
          ? { kind: 'busy', retryAfterSeconds: 1 }
          : null,
      before: old.map(each => removal(session, each)),
      insertKeys: [credential],
      deleteKeys: () => credentialsOf(old),
    });
    return { position, secretId: text, accessor, ttlSeconds, uses };
  }),

  listSecretIds: operation('listing secret ids', async (context, place) => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'secretid.list', capability: 'list' });
    const { mount, name } = roleAt(session, place);
    const living = [...session.authority.secretIds.ofRole(mount.id, name)].filter(
      each => !expired(each, session.now()),
    );
    return living.length === 0 ? refuse({ kind: 'absent' }) : living.map(({ accessor }) => accessor).sort();
  }),

  lookupSecretId: operation('looking up a secret id', async (context, { named: which, ...place }) => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'secretid.lookup', capability: 'update' });
    const found = await named(roleAt(session, place), which);
    return found === null ? null : detailOf(found);
  }),

  removeSecretId: operation('destroying a secret id', async (context, { named: which, ...place }) => {
    const session = sessionOf(app);
    const op = 'secretid.remove';
    const capability: Capability = capabilityOf(context);
    const caller = await authorise(app, session, context, { op, capability });
    const role = roleAt(session, place);
    const found = await named(role, which);
    if (found === null) return { position: null, known: false };
    const { needed, ...event } = removal(session, found);
    const { position } = await changeAuthority(app, caller, context, {
      ...{ op, capability, ...event, mount: role.mount },
      unless: () => (needed() ? null : 'nothing'),
      deleteKeys: () => credentialsOf([found]),
    });
    return { position, known: true };
  }),

  tidy: operation('removing expired secret ids', async (context, { mount: path }) => {
    const session = sessionOf(app);
    const [op, capability] = ['secretid.tidy', 'update'] as const;
    const caller = await authorise(app, session, context, { op, capability });
    const mount = authMount(session, path);
    const old = [...session.authority.secretIds.of(mount.id)]
      .filter(each => expired(each, session.now()))
      .slice(0, EXPIRED_WITH_TIDY);
    const [last, ...before] = old;
    if (last === undefined) return { position: null, removed: 0 };
    const { needed, ...event } = removal(session, last);
    const { position } = await changeAuthority(app, caller, context, {
      ...{ op, capability, ...event, mount },
      unless: () => (needed() ? null : 'nothing'),
      before: before.map(each => removal(session, each)),
      deleteKeys: () => credentialsOf(old),
    });
    return { position, removed: position === null ? 0 : old.length };
  }),
});

const capabilityOf = ({ method }: RequestContext): Capability => (method === 'DELETE' ? 'delete' : 'update');

const detailOf = (secretId: SecretId): SecretIdDetail => ({
  ...{ accessor: secretId.accessor, meta: secretId.meta, cidrs: secretId.cidrs, tokenCidrs: secretId.tokenCidrs },
  ...{ ttlSeconds: secretId.ttl, expiresAt: secretId.expiresAt, usesLeft: secretId.usesLeft },
  ...{ createdAt: secretId.createdAt, updatedAt: secretId.updatedAt },
});
