/**
 * Permissions in time: could this actor do that, and who could do it at all — now or as of then, with the rule that
 * decided. Answers come from authority alone, as every request's authorisation does.
 */
import type { Authority } from '../../authority/authority.js';
import type { Role } from '../../authority/logins.js';
import { NO_MOUNT } from '../../authority/mounts.js';
import type { Permission } from '../../authority/permission.js';
import type { Token } from '../../authority/tokens.js';
import type { Uuid } from '../../crypto/bytes.js';
import { authorityAt } from '../../nexus/past-authority.js';
import type { Session } from '../../nexus/session.js';
import { type App, refuse, sessionOf } from '../app.js';
import { authorise } from '../authorise.js';
import { resolveMoment } from '../kv/as-of.js';
import { operation } from '../operation.js';
import type { Moment } from '../request.js';
import { givenBy } from '../tokens/policies.js';
import { roleSettings } from '../tokens/role-settings.js';
import type { Access, Holder, LedgerOperations } from './contract.js';
import { rfc3339 } from './head.js';

/** Beyond this many holders a list is of no use to a person. */
const HOLDERS_MAX = 10_000;
/** Holders that are looked at in one go. */
const SLICE = 500;

export const permissionOperations = (app: App): Pick<LedgerOperations, 'can' | 'access'> => ({
  can: operation('asking who could', async (context, { actor, capability, path, moment }) => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'ledger.can', capability: 'read' });
    const then = await authorityThen(session, moment);
    await session.entityNames.load();
    const holders = await holdersOf(session, then, actor);
    if (holders.length === 0)
      refuse({ kind: 'invalid', message: 'no such actor then: give a name, an id, or the accessor of a token' });
    const answers = holders.map(holder => answerFor(holder, capability, path));
    return {
      ...{ position: then.position, at: rfc3339(then.nowUs), capability, path },
      allowed: answers.some(({ allowed }) => allowed),
      holders: answers.sort((a, b) => Number(b.allowed) - Number(a.allowed)),
    };
  }),

  access: operation('listing who could', async (context, { path, moment }) => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'ledger.access', capability: 'read' });
    const then = await authorityThen(session, moment);
    await session.entityNames.load();
    const found = await collected(
      everyHolder(session, then),
      'ask for one actor',
      ({ shown, permission }): Access | null => {
        const capabilities = permission().capabilitiesOf(path);
        return capabilities[0] === 'deny' ? null : { ...shown, capabilities };
      },
    );
    return { position: then.position, at: rfc3339(then.nowUs), path, holders: found };
  }),
});

interface Then {
  readonly authority: Authority;
  readonly position: number;
  readonly nowUs: number;
}

const authorityThen = async (session: Session, moment: Moment | null): Promise<Then> => {
  if (moment === null) {
    await session.catchUp();
    return { authority: session.authority, position: session.known.head.size, nowUs: session.now() };
  }
  const { position, nowUs } = await resolveMoment(session, moment);
  return { authority: await authorityAt(session, position), position, nowUs };
};

interface Asked {
  readonly shown: Holder;
  /** Made when it is asked for. */
  readonly permission: () => Permission;
}

const ofToken = (session: Session, { authority }: Then, token: Token): Asked => {
  const entity = authority.entities.get(token.entity);
  return {
    shown: {
      actor: { id: token.entity, kind: entity?.kind ?? 'unknown', name: session.entityNames.nameOf(token.entity) },
      ...{ holds: 'token', accessor: token.accessor, display_name: token.displayName },
      policies: authority.policiesOf(token),
    },
    permission: () => authority.permissionOf(token),
  };
};

/** What a login would get: administrators by their slots, names and roles of auth methods by their settings. */
const ofLogins = function* (session: Session, { authority }: Then): Iterable<Asked> {
  const asked = (actor: Holder['actor'], display_name: string, policies: readonly string[]): Asked => ({
    shown: { actor, holds: 'login', accessor: null, display_name, policies },
    permission: () => authority.permissionOfNames(policies),
  });
  for (const slot of authority.slots.values()) {
    const entity = slot.entity === null ? undefined : authority.entities.get(slot.entity);
    if (entity === undefined || slot.name === null) continue;
    const actor = { id: entity.id, kind: entity.kind, name: session.entityNames.nameOf(entity.id) };
    yield asked(actor, `administrator ${slot.name}`, entity.policies);
  }
  for (const table of [authority.roles, authority.logins])
    for (const record of table.values()) {
      const path = authority.mounts.byId(record.mount)?.path ?? 'auth/token/roles/';
      const policies = record.mount === NO_MOUNT ? policiesOf(record, authority) : policiesIn(record.settings);
      yield asked({ id: null, kind: 'login', name: null }, `${path}${record.name}`, policies);
    }
};

/** What a token role gives of itself, of the policies that there were. */
const policiesOf = (role: Role, { policies }: Authority): readonly string[] =>
  givenBy(roleSettings(role), policies.names());

const policiesIn = (settings: Readonly<Record<string, unknown>>): readonly string[] => {
  const listed = settings.token_policies ?? settings.policies;
  const names = Array.isArray(listed) ? listed.filter(name => typeof name === 'string') : [];
  return [...new Set([...names, ...(settings.token_no_default_policy === true ? [] : ['default'])])].sort();
};

const everyHolder = function* (session: Session, then: Then): Iterable<Asked> {
  for (const token of then.authority.tokens.all(then.nowUs)) yield ofToken(session, then, token);
  yield* ofLogins(session, then);
};

/** By accessor, by an entity's id or name, or by a login's name. */
const holdersOf = async (session: Session, then: Then, actor: string): Promise<readonly Asked[]> => {
  const token = then.authority.tokens.byAccessor(actor, then.nowUs);
  if (token !== null) return [ofToken(session, then, token)];
  const ids = new Set<Uuid | null>(session.entityNames.find(actor));
  return collected(everyHolder(session, then), 'name a token by its accessor', asked =>
    ids.has(asked.shown.actor.id) || asked.shown.display_name === actor ? asked : null,
  );
};

/**
 * What `pick` makes of each holder, null left out. A million tokens are looked at a few at a time, so that other requests go
 * on; of what changes meanwhile, some is in the answer and some is not.
 */
const collected = async <A>(
  holders: Iterable<Asked>,
  narrower: string,
  pick: (asked: Asked) => A | null,
): Promise<A[]> => {
  const found: A[] = [];
  let looked = 0;
  for (const holder of holders) {
    looked += 1;
    if (looked % SLICE === 0) await new Promise(resolve => setImmediate(resolve));
    const picked = pick(holder);
    if (picked === null) continue;
    if (found.length >= HOLDERS_MAX)
      refuse({ kind: 'invalid', message: `more than ${HOLDERS_MAX} holders: ${narrower}` });
    found.push(picked);
  }
  return found;
};

const answerFor = ({ shown, permission }: Asked, capability: Parameters<Permission['decide']>[0], path: string) => {
  const decision = permission().decide(capability, path);
  return {
    ...shown,
    allowed: decision.allowed,
    why: decision.allowed ? null : decision.why,
    rule: decision.rule,
  };
};
