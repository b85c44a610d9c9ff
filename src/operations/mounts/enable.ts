/**
 * Enabling a mount. One of secrets has a name key of its own, so that its key comes into the keyring with the event; two at
 * once follow each other. Who is first at the head of the ledger has the path.
 */
import { randomUuid4, randomUuid7 } from '../../crypto/random.js';
import type { Failure } from '../../failure.js';
import { sealEvent } from '../../keys/event-sealer.js';
import { KeyringKind } from '../../keys/key-kinds.js';
import { newEntry } from '../../keys/keyring.js';
import { type App, Refused, refuse, sessionOf } from '../app.js';
import { authorise, type Caller, headerOf, stillAllowed } from '../authorise.js';
import { changeAuthority } from '../authority-change.js';
import { keystoreActor } from '../custody/actors.js';
import { changeKeystore } from '../custody/keystore-change.js';
import { operation } from '../operation.js';
import type { RequestContext } from '../request.js';
import { Turns } from '../turns.js';
import type { MountOperations, NewMount } from './contract.js';
import * as rules from './rules.js';

const ATTEMPTS = 5;
const asked = { op: 'mount.enable', capability: 'update' } as const;

type Enabled = { readonly position: number | null };

export const enableOperation = (app: App): MountOperations['enable'] => {
  const turns = new Turns();
  return operation('enabling a mount', async (context, input) => {
    const session = sessionOf(app);
    const caller = await authorise(app, session, context, asked);
    const complaint = complaintAbout(caller, input);
    if (complaint !== null) refuse(complaint);
    return rules.isAuth(input.path)
      ? enableAuth(app, caller, context, input)
      : turns.take('keystore', () => enableSecrets(app, caller, context, input));
  });
};

const complaintAbout = (caller: Caller, { path, type, description, options, config }: NewMount): Failure | null => {
  const complaint =
    rules.typeComplaint(path, type) ??
    rules.descriptionComplaint(description) ??
    (rules.isAuth(path) ? null : rules.optionsComplaint(options)) ??
    takenComplaint(caller, path) ??
    (rules.lifetimesFit(config) ? null : 'given default lease TTL greater than given max lease TTL');
  return complaint === null ? null : rules.invalid(complaint);
};

/** The administrators' door is no mount of the ledger: a real userpass mount may take its path. */
const takenComplaint = ({ session: { authority } }: Caller, path: string): string | null =>
  rules.pathComplaint(
    path,
    authority.mounts.all.map(mount => mount.path.slice(0, -1)),
  );

const taken = (caller: Caller, path: string): Failure | null => {
  const complaint = takenComplaint(caller, path);
  return complaint === null ? null : rules.invalid(complaint);
};

const enableAuth = (app: App, caller: Caller, context: RequestContext, input: NewMount): Promise<Enabled> => {
  const { path, type, description, options, config } = input;
  const { mounts } = caller.session.authority;
  return changeAuthority(app, caller, context, {
    ...{ ...asked, type: 'mount.enabled', streamId: randomUuid4() },
    own: { mount: { path: `${path}/`, kind: 'auth', type, description, options, config } },
    facts: () => ({ number: mounts.highestNumber + 1 }),
    unless: () => taken(caller, path),
  });
};

const enableSecrets = async (app: App, caller: Caller, context: RequestContext, input: NewMount): Promise<Enabled> => {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await enableWithKey(app, caller, context, input);
    } catch (error) {
      // Another process changed the key store, or took the number: with what it left, once more.
      if (!(error instanceof Refused) || error.failure.kind !== 'busy' || attempt === ATTEMPTS) throw error;
      await caller.session.reader.refresh();
    }
  }
};

const enableWithKey = (app: App, caller: Caller, context: RequestContext, input: NewMount): Promise<Enabled> => {
  const { session, token } = caller;
  const { mounts } = session.authority;
  const { path, description, config } = input;
  const number = mounts.highestNumber + 1;
  const mount = { path: `${path}/`, kind: 'secret', description, config, ...rules.asKept(input.type, input.options) };
  const sealed = sealEvent(session.custody, {
    ...{ eventId: randomUuid7(app.nowMs()), streamId: randomUuid4(), type: 'mount.enabled', lane: 1 },
    actor: token.entity,
    header: headerOf(app, caller, context, asked, { mount }),
  });
  const actor = {
    ...keystoreActor(app, caller, context, asked.op),
    allowed: (atUs: number) => stillAllowed(caller, context, asked.capability, atUs),
  };
  return changeKeystore(session, actor, {
    change: 'name-key',
    keyring: { add: [newEntry(KeyringKind.name, number, app.nowMs() * 1000)] },
    before: [{ sealed, facts: { number } }],
    unless: () =>
      taken(caller, path) ?? (mounts.highestNumber + 1 === number ? null : { kind: 'busy', retryAfterSeconds: 1 }),
  });
};
