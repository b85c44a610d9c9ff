/**
 * One change in the caller's own store: what it replaces or takes away is destroyed in the same commit, and on the erasure
 * list before it is answered.
 */
import type { Capability } from '../../authority/permission.js';
import type { Step } from '../../domain/secret/sequence.js';
import { exists, type SecretState } from '../../domain/secret/state.js';
import type { Failure } from '../../failure.js';
import type { Command } from '../../ledger/command.js';
import { weightOf } from '../../ledger/sealed-event.js';
import { type App, Refused, refuse, sessionOf } from '../app.js';
import { authoriseFolded, headerOf, stillAllowed } from '../authorise.js';
import type { RequestContext } from '../request.js';
import { holderOf, locateIn, subjectIn } from './place.js';
import { erasedAt, prepareSteps, readStored, withFacts } from './steps.js';

export interface Change {
  readonly op: string;
  readonly capability: (exists: boolean) => Capability;
  readonly steps: (state: SecretState) => readonly Step[];
  /** Of what is written. */
  readonly plaintext?: Buffer;
}

const ATTEMPTS = 3;
const STALE: Failure = { kind: 'busy', retryAfterSeconds: 1 };

/** `position: null` = there was nothing to change. */
export const changeOwn = async (
  app: App,
  context: RequestContext,
  path: string,
  { op, capability: needed, steps: stepsOn, plaintext }: Change,
): Promise<{ readonly position: number | null }> => {
  const session = sessionOf(app);
  for (let attempt = 1; attempt <= ATTEMPTS; attempt += 1) {
    const holder = await holderOf(app, session, context, op);
    const located = locateIn(session, holder.id, path);
    const stored = await readStored(session, located.path.node);
    const capability = needed(exists(stored.state));
    const caller = authoriseFolded(app, session, context, { op, capability });
    const steps = stepsOn(stored.state);
    if (steps.length === 0) return { position: null };
    const prepared = prepareSteps(session, {
      ...{ node: located.path.node, stored, steps, actor: caller.token.entity },
      ...(stored.state.streamVersion === 0 ? { names: session.names.unnamed(located.mount, located.path) } : {}),
      header: headerOf(app, caller, context, { op, subject: subjectIn(holder.id, path) }, {}),
      ...(plaintext === undefined ? {} : { plaintext }),
    });
    const { node, sealed, destroys } = prepared;
    const command: Command<SecretState, number> = {
      ...{ streams: [node], repeatOf: null, alone: false, eventsMax: sealed.length },
      weight: sealed.reduce((sum, event) => sum + weightOf(event), 0),
      deadlineMs: context.deadlineMs,
      gone: context.gone,
      decide: view => {
        if (!stillAllowed(caller, context, capability, view.recordedAt))
          return { kind: 'reject', failure: { kind: 'unauthenticated' } };
        const facts = prepared.facts(view);
        if (facts === null) return { kind: 'reject', failure: STALE };
        const events = withFacts(sealed, facts);
        return { kind: 'append', events, deleteKeys: destroys, result: placed => placed.at(-1)?.position ?? 0 };
      },
    };
    const answer = await session.appender.submit(command);
    if (answer._tag === 'Right') {
      session.names.markNamed(located.path);
      await session.listErased(erasedAt(answer.right, destroys));
      return { position: answer.right };
    }
    if (answer.left !== STALE) throw new Refused(answer.left);
  }
  return refuse(STALE);
};
