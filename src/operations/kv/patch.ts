/**
 * Patching a secret: merged with the current version, which must still be the current one at the head of the ledger. If it
 * is not, the patch is merged again with the newer one, so that of patches that cross none is lost.
 */
import { JsonError, jsonTree } from '../../domain/json/members.js';
import { mergePatch } from '../../domain/json/merge-patch.js';
import { casComplaint } from '../../domain/secret/decide.js';
import type { Head } from '../../domain/secret/head.js';
import type { VersionMetadata } from '../../failure.js';
import { KeyKind } from '../../keys/key-kinds.js';
import { readSecret, type SecretRead } from '../../nexus/secret-streams.js';
import type { Session } from '../../nexus/session.js';
import { type App, Refused, refuse, sessionOf } from '../app.js';
import { authoriseCommand, authoriseFolded } from '../authorise.js';
import { operation } from '../operation.js';
import type { At, Place, RequestContext } from '../request.js';
import { Turns } from '../turns.js';
import { commitChange } from './commit.js';
import type { KvOperations } from './contract.js';
import { mountSettings } from './mount-settings.js';
import { type Located, locate, placed, stillMounted, subjectOf } from './place.js';
import { currentVersion, isGone, openAnnotation, openValue, versionMetadata } from './values.js';
import { fieldNames, valueBytes, writtenAnswer } from './write.js';

const asked = { op: 'kv.patch', capability: 'patch' } as const;

export const patchOperation = (app: App): KvOperations['patch'] => {
  const turns = new Turns();
  return operation('patching a secret', async (context, input) => {
    const session = sessionOf(app);
    const about = { ...asked, subject: subjectOf(input) };
    const { path } = await placed(
      app,
      session,
      context,
      () => about,
      () => locate(session, input),
    );
    // Nobody waits behind those who may not.
    await authoriseCommand(app, session, context, about);
    return turns.take(path.node, () => patch(app, context, input));
  });
};

const patch = async (
  app: App,
  context: RequestContext,
  input: Place & { readonly patch: string; readonly cas: number | null },
): Promise<At<VersionMetadata>> => {
  const done = await commitChange(app, context, input, {
    ...{ op: asked.op, type: 'secret.written', capability: () => asked.capability },
    prepare: async (session, located) => {
      const now = await readSecret(session, located.path.node);
      // That read folded lane 1: what it found is only for who may still ask.
      authoriseFolded(app, session, context, { ...asked, subject: subjectOf(input) });
      const { head, value } = patchable(session, located, now, input.cas);
      const data = merged(value, input.patch);
      return {
        command: { kind: 'write', cas: input.cas, prepared: { exists: true, base: head.written } },
        own: { operation: 'patch', ...(input.cas === null ? {} : { cas: input.cas }), ...fieldNames(data) },
        body: { kind: KeyKind.secretVersion, owner: located.path.node, plaintext: valueBytes(data) },
      };
    },
  });
  return writtenAnswer(done, null);
};

/** The order is the dialect's: an unknown key, check-and-set, no version, a version that is gone. */
const patchable = (
  session: Session,
  { mount }: Located,
  now: SecretRead,
  cas: number | null,
): { readonly head: Head; readonly value: string } => {
  const { head } = now.state;
  if (head === null || head.removed) return refuse({ kind: 'absent' });
  const complaint = casComplaint(cas, head, mountSettings(stillMounted(session, mount)));
  if (complaint !== null) return refuse(complaint);
  const current = currentVersion(now);
  if (current === null || now.written === null) return refuse({ kind: 'absent' });
  if (isGone(current, session.now())) {
    const custom = openAnnotation(session, now.annotated, now);
    return refuse({ kind: 'version-gone', metadata: versionMetadata(current, custom) });
  }
  return { head, value: openValue(session, now.written, now).toString('utf8') };
};

const merged = (value: string, patch: string): string => {
  try {
    const text = mergePatch(jsonTree(value), jsonTree(patch));
    // Two texts within the bounds may be beyond them together.
    jsonTree(text);
    return text;
  } catch (error) {
    if (error instanceof JsonError)
      throw new Refused({ kind: 'invalid', message: `the merged secret: ${error.message}` });
    throw error;
  }
};
