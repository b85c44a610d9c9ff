/** A mount's settings as they are from now on, whole: merged by the caller with `before`, which must still be so at the head. */
import type { Mount } from '../../authority/mounts.js';
import type { App } from '../app.js';
import type { Caller } from '../authorise.js';
import { type AuthorityChange, changeAuthority } from '../authority-change.js';
import type { RequestContext } from '../request.js';

export type MountShape = Pick<Mount, 'description' | 'options' | 'config'>;

/** `position: null`: it was so already. */
export const recordTuning = async (
  app: App,
  caller: Caller,
  context: RequestContext,
  asked: Pick<AuthorityChange, 'op' | 'capability'>,
  before: Mount,
  mount: MountShape,
): Promise<{ readonly position: number | null }> => {
  const { description, options, config } = before;
  if (JSON.stringify(mount) === JSON.stringify({ description, options, config })) return { position: null };
  const { mounts } = caller.session.authority;
  return changeAuthority(app, caller, context, {
    ...asked,
    ...{ type: 'mount.tuned', streamId: before.id, own: { mount } },
    unless: () => (mounts.byId(before.id) === before ? null : { kind: 'busy', retryAfterSeconds: 1 }),
  });
};
