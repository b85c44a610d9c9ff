/** What people ask of terms: how they stand, the next one now, when they rotate, and where copies of their keys are. */

import { stream } from '../../crypto/names.js';
import { endOfTerm } from '../../domain/erasure/fully-erased.js';
import { stateOf } from '../../domain/erasure/terms.js';
import { rowsByTerm } from '../../keys/rewrap.js';
import { nodeReports } from '../../nexus/node-report.js';
import type { Session } from '../../nexus/session.js';
import { type App, Refused, refuse, sessionOf } from '../app.js';
import { authorise, authoriseCommand } from '../authorise.js';
import { changeAuthority } from '../authority-change.js';
import { keystoreActor } from '../custody/actors.js';
import { changeKeystore, type KeystoreActor } from '../custody/keystore-change.js';
import { operation } from '../operation.js';
import type { KeysOperations, KeysStatus, RotationSettings } from './contract.js';
import { copiesOf } from './copies.js';
import { escrowTerm } from './escrow.js';
import { withTermLock } from './locks.js';
import { erasurePlan, ROTATION, rotationSettings, storedSettings } from './settings.js';
import { activateTerm, endTerm, lackingTerm, prepareTerm, systemActor } from './steps.js';
import { waitingForCopies, waitingForNodes } from './words.js';

/** How long a caller waits for the other nodes; the rotation itself waits as long as it takes. */
const ROTATE_WAIT_MS = 5000;
const LOOK_AGAIN_MS = 100;
const SCHEDULE_MS_MAX = 3650 * 86_400_000;

export const keysOperations = (app: App): KeysOperations => ({
  status: operation('reading the state of keys', async context => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'keys.status', capability: 'read' });
    return statusOf(session);
  }),

  rotate: operation('rotating keys', async context => {
    const session = sessionOf(app);
    const op = 'keys.rotate';
    const caller = await authoriseCommand(app, session, context, { op, capability: 'sudo' });
    await rotateNow(session, keystoreActor(app, caller, context, op));
    return statusOf(session);
  }),

  active: operation('reading the active term', async context => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'keys.status', capability: 'read' });
    const term = session.authority.keystore?.term ?? 1;
    const rows = (await session.ports.runner.run(rowsByTerm)).find(each => each.term === term)?.rows ?? 0;
    return { term, activatedAt: session.authority.terms.get(term)?.activatedAt ?? 0, rows };
  }),

  settings: operation('reading when keys rotate', async context => {
    const session = sessionOf(app);
    await authorise(app, session, context, { op: 'keys.settings', capability: 'read' });
    return rotationSettings(session.authority);
  }),

  configure: operation('setting when keys rotate', async (context, change) => {
    const session = sessionOf(app);
    const [op, capability] = ['keys.configure', 'sudo' as const];
    const caller = await authoriseCommand(app, session, context, { op, capability });
    const settings = { ...rotationSettings(session.authority), ...change };
    acceptable(settings);
    const { keyring, ledger } = session.custody;
    const streamId = stream(keyring.indexKey, ledger, 'config', ROTATION);
    const own = { name: ROTATION, settings: storedSettings(settings) };
    return changeAuthority(app, caller, context, { op, capability, type: 'config.changed', streamId, own });
  }),

  escrow: operation('making a copy of an erasure key', async (context, { term, recipients }) => {
    const session = sessionOf(app);
    const op = 'keys.escrow';
    const caller = await authoriseCommand(app, session, context, { op, capability: 'sudo' });
    const wanted = term ?? session.authority.keystore?.term ?? 1;
    return escrowTerm(session, keystoreActor(app, caller, context, op), wanted, recipients);
  }),

  copyGone: operation('reporting that a copy is destroyed', async (context, { term, holder }) => {
    const session = sessionOf(app);
    const op = 'keys.copy-gone';
    const caller = await authoriseCommand(app, session, context, { op, capability: 'sudo' });
    const copy = (await copiesOf(session, term)).find(each => each.holder === holder);
    if (copy === undefined) return refuse({ kind: 'absent' });
    if (copy.goneAt !== null) return { position: null };
    const actor = keystoreActor(app, caller, context, op);
    const own = { ...actor, header: { ...actor.header, copy_gone: { term, holder } } };
    return changeKeystore(session, own, { change: 'copy-gone' });
  }),
});

const acceptable = ({ intervalMs, backupRetentionMs }: RotationSettings): void => {
  if (intervalMs < 60_000 || intervalMs > SCHEDULE_MS_MAX)
    refuse({ kind: 'invalid', message: 'interval must be between one minute and ten years' });
  if (backupRetentionMs < 0 || backupRetentionMs > SCHEDULE_MS_MAX)
    refuse({ kind: 'invalid', message: 'backup_retention must be between 0 and ten years' });
};

/** Prepares the next term unless one is, and waits a little for it to become the active one. */
const rotateNow = async (session: Session, actor: KeystoreActor): Promise<void> => {
  const { authority, ports } = session;
  const until = ports.nowMs() + ROTATE_WAIT_MS;
  await session.catchUp();
  const before = authority.keystore?.term ?? 1;
  for (;;) {
    try {
      await withTermLock(ports.runner, 'step', async () => {
        await session.catchUp();
        if ((authority.keystore?.term ?? 1) > before) return;
        await abandonLost(session);
        if (authority.terms.prepared === null) await prepareTerm(session, actor);
        const { prepared } = authority.terms;
        if (prepared !== null) await activateTerm(session, systemActor(session, 'keys.activate'), prepared);
      });
    } catch (error) {
      if (!(error instanceof Refused) || error.failure.kind !== 'busy') throw error;
    }
    if ((authority.keystore?.term ?? 1) > before || ports.nowMs() >= until) return;
    await new Promise(resolve => setTimeout(resolve, LOOK_AGAIN_MS));
  }
};

/** A prepared term whose erasure key nobody has any more would be waited for in vain: another one takes its place. */
const abandonLost = async (session: Session): Promise<void> => {
  const { prepared } = session.authority.terms;
  if (prepared === null) return;
  await session.presence.tell();
  const reports = await nodeReports(session.ports.runner, session.custody);
  if (!reports.some(({ live, holds }) => live && holds.has(prepared.term))) await endTerm(session, prepared);
};

const statusOf = async (session: Session): Promise<KeysStatus> => {
  const { authority, ports } = session;
  const { erases } = ports.erasureKeys;
  const [counts, reports] = [await ports.runner.run(rowsByTerm), await nodeReports(ports.runner, session.custody)];
  const rows = new Map(counts.map(each => [each.term, each.rows]));
  const plan = erasurePlan(authority, erases);
  const settings = rotationSettings(authority);
  const active = authority.terms.get(authority.keystore?.term ?? 1);
  const terms = await Promise.all(
    authority.terms.all.map(async term => ({
      ...term,
      state: stateOf(term),
      rows: rows.get(term.term) ?? 0,
      plannedEnd: term.activatedAt === null ? null : endOfTerm(term, plan),
      copies: await copiesOf(session, term.term, reports),
    })),
  );
  const { prepared } = authority.terms;
  const lacking =
    prepared === null ? null : waitingForNodes(prepared.term, lackingTerm(session, prepared.term, reports));
  const left = terms
    .filter(({ state }) => state === 'ended' && erases)
    .map(({ term, copies }) =>
      waitingForCopies(
        term,
        copies.filter(({ goneAt }) => goneAt === null),
      ),
    );
  return {
    term: authority.keystore?.term ?? 1,
    place: ports.erasureKeys.name,
    erasable: erases,
    settings,
    nextRotationAt: plan.rotateEvery === 0 ? null : (active?.activatedAt ?? 0) + plan.rotateEvery,
    terms,
    nodes: reports.map(({ node, process, live, secondsAgo, holds }) => {
      return { node, process, live, secondsAgo, terms: [...holds.keys()].sort((a, b) => a - b) };
    }),
    waitingFor: [lacking, ...left].filter(waiting => waiting !== null),
  };
};
