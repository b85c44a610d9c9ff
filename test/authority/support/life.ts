/** Lives of an authority: any events of lane 1, each of them one that the head of the ledger would have let through. */
import fc from 'fast-check';
import type { Authority } from '../../../src/authority/authority.js';
import { NO_MOUNT } from '../../../src/authority/mounts.js';
import { mountSettingsName } from '../../../src/authority/settings.js';
import { type Uuid, uuidText } from '../../../src/crypto/bytes.js';
import { sha256 } from '../../../src/crypto/prf.js';
import type { Facts } from '../../../src/domain/facts.js';
import type { Header } from '../../../src/domain/header.js';
import type { StoredEvent } from '../../../src/ledger/event.js';
import { laneOne } from './events.js';

export interface Lived {
  readonly event: StoredEvent;
  readonly header: Header;
}

interface Draft {
  readonly streamId: Uuid;
  readonly facts?: Facts;
  readonly own?: object;
  readonly actor?: Uuid;
  /** It has a body: who an entity is. */
  readonly keyId?: Uuid;
}

interface Chosen {
  /** One of them; undefined where there is none. */
  readonly of: <T>(values: Iterable<T>) => T | undefined;
  /** A name of a few. */
  readonly name: string;
  /** Below. */
  readonly below: (most: number) => number;
  /** Of this event alone. */
  readonly fresh: Uuid;
  /** µs */
  readonly now: number;
}

export const START_US = 1_700_000_000_000_000;
const SECOND_US = 1_000_000;

const idOf = (what: string): Uuid => uuidText(sha256(Buffer.from(what)).subarray(0, 16));
const hexOf = (what: string): string => sha256(Buffer.from(what)).toString('hex');

const PATHS = { secret: ['secret/', 'kv/', 'team/kv/'], auth: ['auth/a/', 'auth/b/', 'auth/c/d/'] } as const;

const authMounts = ({ mounts }: Authority) => mounts.all.filter(({ kind }) => kind === 'auth');

const freePath = ({ mounts }: Authority, kind: 'secret' | 'auth', chosen: Chosen): string | undefined =>
  chosen.of(PATHS[kind].filter(path => mounts.all.every(mount => mount.path !== path)));

const kindOf = (kind: string): 'secret' | 'auth' => (kind === 'auth' ? 'auth' : 'secret');

const settings = (chosen: Chosen, { config }: Authority, name: string, own: object): Draft | null => {
  const gone = chosen.below(3) === 0;
  if (gone && config.get(name) === null) return null;
  return { streamId: idOf(`config ${name}`), own: { name, settings: gone ? null : own } };
};

const keystore = (authority: Authority, own: object): Draft => ({
  streamId: idOf('keystore'),
  own: { change: 'any', ...own },
  facts: {
    generation: (authority.keystore?.generation ?? 0) + 1,
    slots_digest: hexOf(`slots ${authority.position}`),
    term: authority.terms.all.findLast(({ activatedAt }) => activatedAt !== null)?.term ?? 1,
    checks: [[1, hexOf('check')]],
  },
});

/** What may come next, by its name: the event's type, and a word where one type has several forms. Null: it may not. */
const STEPS = {
  'entity.created': (authority, chosen) => {
    const mount = chosen.of(authMounts(authority));
    const alias = mount === undefined ? null : { mount: mount.id, id: idOf(`alias ${mount.id} ${chosen.name}`) };
    if (alias !== null && authority.entities.byAlias(alias.id) !== null) return null;
    return {
      ...{ streamId: chosen.fresh, keyId: chosen.fresh },
      own: { kind: 'person', policies: [chosen.name], ...(alias === null ? {} : { aliases: [alias] }) },
    };
  },
  'entity.changed': ({ entities }, chosen) => {
    const entity = chosen.of(entities.values());
    return entity === undefined ? null : { streamId: entity.id, own: { kind: entity.kind, policies: [chosen.name] } };
  },
  'entity.removed': ({ entities }, chosen) => {
    const entity = chosen.of(entities.values());
    return entity === undefined ? null : { streamId: entity.id };
  },
  'mount.enabled': (authority, chosen) => {
    const kind = chosen.below(2) === 0 ? 'secret' : 'auth';
    const path = freePath(authority, kind, chosen);
    if (path === undefined) return null;
    const number = authority.mounts.highestNumber + 1;
    return { streamId: chosen.fresh, facts: { number }, own: { mount: { path, kind, type: 'any' } } };
  },
  'mount.tuned': ({ mounts }, chosen) => {
    const mount = chosen.of(mounts.all);
    const config = { default_lease_ttl: chosen.below(100) };
    return mount === undefined ? null : { streamId: mount.id, own: { mount: { description: chosen.name, config } } };
  },
  'mount.moved': (authority, chosen) => {
    const mount = chosen.of(authority.mounts.all);
    const path = mount === undefined ? undefined : freePath(authority, kindOf(mount.kind), chosen);
    return mount === undefined || path === undefined ? null : { streamId: mount.id, own: { mount: { path } } };
  },
  'mount.disabled': ({ mounts }, chosen) => {
    const mount = chosen.of(mounts.all);
    return mount === undefined || chosen.below(2) === 0 ? null : { streamId: mount.id };
  },
  'policy.written': (_, chosen) => ({
    streamId: idOf(`policy ${chosen.name}`),
    own: { name: chosen.name, text: `path "secret/${chosen.below(9)}/{{identity.entity.id}}" { policy = "read" }` },
  }),
  'policy.removed': ({ policies }, chosen) => {
    const name = chosen.of(policies.names());
    return name === undefined ? null : { streamId: idOf(`policy ${name}`), own: { name } };
  },
  'role.written': (authority, chosen) => {
    const mount = chosen.of([...authMounts(authority).map(({ id }) => id), NO_MOUNT]) ?? NO_MOUNT;
    const streamId = idOf(`role ${mount} ${chosen.name}`);
    const role_id = `id-${chosen.below(3)}`;
    const holder = authority.roles.byRoleId(mount, role_id);
    if (mount !== NO_MOUNT && holder !== null && holder.id !== streamId) return null;
    const own = mount === NO_MOUNT ? { orphan: chosen.below(2) === 0 } : { role_id, token_policies: [chosen.name] };
    return { streamId, own: { auth_mount: mount, name: chosen.name, settings: own } };
  },
  'role.removed': ({ roles }, chosen) => {
    const role = chosen.of(roles.values());
    return role === undefined ? null : { streamId: role.id, own: { auth_mount: role.mount, name: role.name } };
  },
  'login.written': (authority, chosen) => {
    const mount = chosen.of(authMounts(authority));
    if (mount === undefined) return null;
    const streamId = idOf(`login ${mount.id} ${chosen.name}`);
    const credential = chosen.below(2) === 0 ? chosen.fresh : authority.logins.get(streamId)?.credential;
    const own = { auth_mount: mount.id, name: chosen.name, settings: { token_ttl: chosen.below(9) } };
    return { streamId, own: { ...own, ...(credential ? { credential } : {}) } };
  },
  'login.removed': ({ logins }, chosen) => {
    const login = chosen.of(logins.values());
    return login === undefined ? null : { streamId: login.id, own: { auth_mount: login.mount, name: login.name } };
  },
  'secretid.created': ({ roles }, chosen) => {
    const role = chosen.of([...roles.values()].filter(({ mount }) => mount !== NO_MOUNT));
    if (role === undefined) return null;
    const uses = chosen.below(4);
    return {
      streamId: chosen.fresh,
      facts: { ...(uses === 0 ? {} : { uses }), expires_at: chosen.now + chosen.below(60) * SECOND_US },
      own: { auth_mount: role.mount, role: role.name, accessor: chosen.fresh, credential: chosen.fresh },
    };
  },
  'secretid.spent': ({ secretIds }, chosen) => {
    const secretId = chosen.of([...secretIds.values()].filter(({ usesLeft }) => usesLeft > 0));
    if (secretId === undefined) return null;
    const facts = secretId.usesLeft === 1 ? {} : { uses: secretId.usesLeft - 1 };
    return { streamId: secretId.id, facts, own: { role: secretId.role, accessor: secretId.accessor } };
  },
  'secretid.removed': ({ secretIds }, chosen) => {
    const secretId = chosen.of(secretIds.values());
    if (secretId === undefined) return null;
    const { id: streamId, mount: auth_mount, role, accessor } = secretId;
    return { streamId, own: { auth_mount, role, accessor } };
  },
  'token.created': (authority, chosen) => {
    const { tokens, entities } = authority;
    const parent = chosen.below(3) === 0 ? undefined : chosen.of(tokens.all(chosen.now));
    const mount = parent === undefined ? chosen.of(authMounts(authority)) : undefined;
    const entity = chosen.of(entities.values());
    const [ttl, uses] = [chosen.below(60), chosen.below(4)];
    return {
      ...{ streamId: chosen.fresh, ...(entity === undefined ? {} : { actor: entity.id }) },
      facts: {
        token_hash: hexOf(chosen.fresh),
        ...(parent === undefined ? {} : { parent: parent.id }),
        ...(ttl === 0 ? {} : { expires_at: chosen.now + ttl * SECOND_US }),
      },
      own: {
        ...{ accessor: hexOf(chosen.fresh).slice(0, 24), policies: [chosen.name, 'default'] },
        ...{ display_name: chosen.name, creation_path: 'auth/token/create', method: 'any', meta: { of: chosen.name } },
        ...(uses === 0 ? {} : { uses }),
        ...(mount === undefined ? { bound_cidrs: ['10.0.0.0/8'] } : { auth_mount: mount.id, role: chosen.name }),
      },
    };
  },
  'token.renewed': ({ tokens }, chosen) => {
    const token = chosen.of([...tokens.all(chosen.now)].filter(({ expiresAt }) => expiresAt !== 0));
    if (token === undefined) return null;
    return { streamId: token.id, facts: { expires_at: chosen.now + (1 + chosen.below(60)) * SECOND_US } };
  },
  'token.spent': ({ tokens }, chosen) => {
    const token = chosen.of([...tokens.all(chosen.now)].filter(({ usesLeft }) => usesLeft > 0));
    if (token === undefined) return null;
    return { streamId: token.id, facts: token.usesLeft === 1 ? {} : { uses: token.usesLeft - 1 } };
  },
  'token.revoked': ({ tokens }, chosen) => {
    const token = chosen.of(tokens.all(chosen.now));
    return token === undefined ? null : { streamId: token.id, facts: chosen.below(2) === 0 ? {} : { tree: true } };
  },
  'quota.written': (_, chosen) => ({
    streamId: idOf(`quota ${chosen.name}`),
    own: { name: chosen.name, settings: { rate: chosen.below(9) } },
  }),
  'quota.removed': ({ quotas }, chosen) => {
    const [name] = chosen.of(quotas.entries()) ?? [];
    return name === undefined ? null : { streamId: idOf(`quota ${name}`), own: { name } };
  },
  'config.changed': (authority, chosen) => settings(chosen, authority, chosen.name, { on: chosen.below(2) === 0 }),
  'config.changed of a mount': (authority, chosen) => {
    const mount = chosen.of(authMounts(authority));
    if (mount === undefined) return null;
    return settings(chosen, authority, mountSettingsName(mount.id, chosen.name), { on: chosen.below(2) === 0 });
  },
  'config.changed of a retention': (authority, chosen) => {
    const scope = { mount: idOf('mount'), node: idOf(`node ${chosen.below(2)}`), path: 'secret/' };
    return settings(chosen, authority, `retention/${chosen.name}`, { ...scope, minimum_age: chosen.below(99) });
  },
  'hold.placed': ({ holds }, chosen) => {
    if (holds.get(chosen.name) !== null) return null;
    const hold = { name: chosen.name, mount: idOf('mount'), node: idOf(`node ${chosen.below(2)}`), path: 'secret/' };
    return { streamId: idOf(`hold ${chosen.name}`), own: { hold, reason: 'any' } };
  },
  'hold.lifted': ({ holds }, chosen) => {
    const hold = chosen.of(holds.values());
    return hold === undefined ? null : { streamId: idOf(`hold ${hold.name}`), own: { hold: { name: hold.name } } };
  },
  'keystore.changed with a slot': (authority, chosen) => {
    const removed = chosen.below(2) === 0 ? chosen.of(authority.slots.keys()) : undefined;
    const slot = {
      id: chosen.fresh,
      kind: 1,
      name: `slot-${chosen.below(99)}`,
      entity: idOf('x'),
      login_key: idOf('y'),
    };
    return keystore(authority, { added: [slot], ...(removed === undefined ? {} : { removed: [removed] }) });
  },
  'keystore.changed with shares': (authority, chosen) =>
    keystore(authority, { backup: chosen.below(2) === 0 ? null : { key: chosen.fresh, nonce: hexOf(chosen.name) } }),
  'keystore.changed with a root': (authority, chosen) => {
    const [generation, first_epoch] = [authority.rootGeneration + 1, authority.epoch + 1];
    return keystore(authority, { root: { generation, first_epoch, snapshot: chosen.below(authority.position + 1) } });
  },
  'keystore.changed with a term': (authority, chosen) => {
    const term = chosen.of(authority.terms.all)?.term;
    if (term === undefined) return null;
    const escrow = { id: chosen.fresh, term, recipients: [chosen.name], sha256: hexOf(chosen.name) };
    const ended = { ended: term, holders: [chosen.name], wrapped: hexOf(chosen.name) };
    const copy_gone = { term, holder: chosen.name };
    return keystore(authority, [{ rewrapped: term }, ended, { escrow }, { copy_gone }][chosen.below(4)] ?? {});
  },
  'term.prepared': ({ terms }) =>
    terms.prepared !== null || terms.all.length === 0
      ? null
      : { streamId: idOf('keystore'), facts: { term: (terms.all.at(-1)?.term ?? 0) + 1 } },
  'term.activated': ({ terms }, chosen) =>
    terms.prepared === null
      ? null
      : {
          ...{ streamId: idOf('keystore'), facts: { term: terms.prepared.term } },
          own: { holders: [{ node: chosen.name, keeps: chosen.below(2) === 0 }] },
        },
  'term.destroyed': ({ terms }, chosen) => {
    const term = chosen.of(terms.all.filter(({ endedAt, destroyedAt }) => endedAt !== null && destroyedAt === null));
    return term === undefined ? null : { streamId: idOf('keystore'), facts: { term: term.term } };
  },
  'epoch.opened': authority => ({ streamId: idOf('keystore'), facts: { epoch: authority.epoch + 1 } }),
  'epoch.retired': ({ epochs, position }, chosen) => {
    const open = epochs.all.filter(({ epoch, retired }) => retired === null && epoch !== epochs.newest?.epoch);
    const epoch = chosen.of(open)?.epoch;
    if (epoch === undefined) return null;
    return { streamId: idOf('keystore'), facts: { epoch }, own: { key: chosen.fresh, snapshot: position } };
  },
} satisfies Readonly<Record<string, (authority: Authority, chosen: Chosen) => Draft | null>>;

export interface Step {
  readonly what: keyof typeof STEPS;
  readonly a: number;
  readonly b: number;
  readonly c: number;
}

const words = Object.keys(STEPS) as (keyof typeof STEPS)[];
/** What others wait for, and what they live by. */
const often = ['role.written', 'secretid.created', 'secretid.created', 'secretid.spent', 'token.created'] as const;

export const step: fc.Arbitrary<Step> = fc.record({
  what: fc.constantFrom(...words, ...often, ...often),
  a: fc.nat({ max: 9999 }),
  b: fc.nat({ max: 9999 }),
  c: fc.nat({ max: 2 }),
});

/** What the step comes to, where `authority` is now; null: nothing. It is not folded. */
export const lived = (authority: Authority, { what, a, b, c }: Step): Lived | null => {
  const position = authority.position + 1;
  const now = START_US + position * SECOND_US;
  const draft: Draft | null = STEPS[what](authority, {
    of: values => [...values].at(a % Math.max(1, [...values].length)),
    name: `name-${c}`,
    below: most => b % most,
    fresh: idOf(`fresh ${position}`),
    now,
  });
  if (draft === null) return null;
  const { streamId, facts = {}, own = {}, actor = null, keyId = null } = draft;
  const event = { ...laneOne(what.split(' ')[0] ?? '', streamId, now, facts), position, actor, keyId };
  return { event: { ...event, eventId: idOf(`event ${position}`) }, header: { v: 1, at: now, ...own } };
};

/** The first of every ledger. */
export const created: Lived = {
  event: laneOne('ledger.created', idOf('ledger'), START_US),
  header: { v: 1, at: START_US },
};
