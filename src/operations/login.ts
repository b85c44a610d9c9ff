/**
 * Logging in with an admin's name and slot password. A wrong name and a wrong password are one answer, take the same work,
 * and are slowed down by address and by name.
 */

import type { Slot } from '../authority/authority.js';
import { concat, constantTimeEqual, wipe, ZERO_UUID } from '../crypto/bytes.js';
import { unpad } from '../crypto/padding.js';
import type { Header } from '../domain/header.js';
import { networkOf } from '../domain/network.js';
import type { Failure } from '../failure.js';
import { SlotKind } from '../keys/key-kinds.js';
import { verifierFor } from '../keys/password-slots.js';
import { keyRowsById, type SlotRow } from '../keys/store.js';
import { IntegrityError } from '../ledger/integrity.js';
import { triedName } from '../nexus/attempts.js';
import type { Session } from '../nexus/session.js';
import { uuidArray } from '../postgres/arrays.js';
import { type App, refuse, sessionOf } from './app.js';
import { circumstances, requestRecord } from './authorise.js';
import { renewSlot } from './custody/renew.js';
import { checkedSlotRows } from './custody/slot-rows.js';
import { operation } from './operation.js';
import type { RequestContext } from './request.js';
import type { AuthOperations } from './tokens/contract.js';
import { createToken, loginToken } from './tokens/index.js';

export const loginOperation = (app: App): AuthOperations['login'] =>
  operation('logging in', async (context, { name, password }) => {
    const session = sessionOf(app);
    const slot = await checkPassword(app, session, context, name, password, 'login');
    const entity = slot.entity === null ? undefined : session.authority.entities.get(slot.entity);
    if (entity === undefined) return refuse({ kind: 'bad-credentials', message: 'invalid username or password' });
    const header: Header = {
      v: 1,
      at: app.nowMs() * 1000,
      op: 'auth.login',
      path: context.path,
      actor: { id: entity.id, kind: entity.kind },
      via: { method: 'userpass' },
      ...circumstances(app, context),
    };
    const wanted = loginToken({
      entity: entity.id,
      policies: entity.policies,
      displayName: `userpass-${name}`,
      creationPath: context.path,
      method: 'userpass',
      meta: { username: name },
      mount: null,
    });
    const check = (): Failure | null => {
      const { slots, entities } = session.authority;
      if (slots.get(slot.id)?.loginKey !== slot.loginKey) return { kind: 'unauthenticated' };
      // What this administrator may do was changed meanwhile.
      return entities.get(entity.id) === entity ? null : { kind: 'busy', retryAfterSeconds: 1 };
    };
    const done = await createToken(wanted, { session, context, header, check });
    await renewSlot(app, session, context, { slot, password });
    return done;
  });

/** The slot of that name, if the password is its own; refuses, counts and records otherwise. */
export const checkPassword = async (
  app: App,
  session: Session,
  context: RequestContext,
  name: string,
  password: string,
  op: string,
): Promise<Slot> => {
  const { attempts } = app.nexus;
  const guesses = [`login address ${networkOf(context.from.address)}`, triedName('login', name)];
  const refusePaused = (): void => {
    const pause = attempts.pauseSeconds(...guesses);
    if (pause > 0) refuse({ kind: 'too-many-attempts', retryAfterSeconds: pause });
  };
  refusePaused();
  await session.reader.refresh();
  const named = session.authority.slotNamed(name);
  const slot = named?.kind === SlotKind.password ? named : null;
  const right = await passwordIsRight(app, session, slot, password);
  if (slot !== null && right) {
    // Wrong ones that ran beside this one may have used up what was left: then guessing on tells nothing.
    refusePaused();
    attempts.succeeded(...guesses);
    return slot;
  }
  attempts.failed(...guesses);
  session.recorder.record({
    ...requestRecord(app, context, `auth.${op}`, null, session),
    outcome: 'failed',
    reason_code: 'credentials',
    status: 400,
  });
  return refuse({ kind: 'bad-credentials', message: 'invalid username or password' });
};

const passwordIsRight = async (app: App, session: Session, slot: Slot | null, password: string): Promise<boolean> => {
  const rows = await checkedSlotRows(session);
  // For an unknown name some other slot's derivation is made, so that the answer takes as long.
  const row = rows.find(({ slotId }) => slotId === slot?.id) ?? rows.find(isPasswordSlot(session));
  if (row === undefined) return false;
  const computed = await verifierFor(session.custody.ledger, row, password, app.nexus.ports.peppers);
  const stored = await storedVerifier(session, slot);
  const right = computed !== null && stored !== null && constantTimeEqual(computed, stored);
  for (const secret of [computed, stored]) if (secret !== null) wipe(secret);
  return right;
};

const isPasswordSlot =
  (session: Session) =>
  ({ slotId }: SlotRow): boolean =>
    session.authority.slots.get(slotId)?.kind === SlotKind.password;

/** Asked of the database for a name that does not exist, too. */
const storedVerifier = async (session: Session, slot: Slot | null): Promise<Buffer | null> => {
  const [row] = await session.ports.runner.run(keyRowsById, [uuidArray([slot?.loginKey ?? ZERO_UUID])]);
  if (slot === null || row === undefined) return null;
  const padded = row.owner === slot.id && row.kind === 4 ? session.custody.unwrap(row) : null;
  if (padded === null) throw new IntegrityError('key row of a login');
  const verifier = unpad(padded);
  if (verifier === null) throw new IntegrityError('key row of a login');
  // unpad gives a view: copied before what it looks at is wiped.
  const copy = concat(verifier);
  wipe(padded);
  return copy;
};
