/**
 * Retires header epochs by itself, where the rule says so: one process of each node looks, and the first one does it. Each
 * node's erasure list names the keys that went.
 */
import type { Erased } from '../../crypto/erasure-lines.js';
import type { Session } from '../../nexus/session.js';
import { Refused } from '../app.js';
import { withTermLock } from '../terms/locks.js';
import { systemActor } from '../terms/steps.js';
import { retireEpochs } from './retire.js';
import { headerSettings } from './settings.js';
import { retirable } from './status.js';

const LOOK_EVERY_MS = 2000;

/** Keys of retired epochs that this node's erasure list does not name yet: another node's doing, or that of a process that died. */
const unlisted = ({ authority, erased }: Session): readonly Erased[] =>
  authority.epochs.retired.flatMap(({ retired: { key, position } }) =>
    erased.has(key) ? [] : [{ position, keyId: key }],
  );

/** Returns the way to stop. */
export const keepRetiring = (session: Session, failed: (cause: unknown) => void): (() => void) => {
  let busy = false;
  const look = async (): Promise<void> => {
    const due = headerSettings(session.authority).automatic && retirable(session).length > 0;
    if (busy || session.closed || (!due && unlisted(session).length === 0)) return;
    busy = true;
    try {
      await session.listErased(unlisted(session));
      if (!due) return;
      await withTermLock(session.ports.runner, 'step', async () => {
        await session.catchUp();
        const epochs = retirable(session);
        if (epochs.length > 0) await retireEpochs(session, systemActor(session, 'epochs.retire'), epochs);
      });
    } catch (cause) {
      // Somebody was first, or something of the epoch came in between: the next look sees what is left.
      if (!(cause instanceof Refused) && !session.closed) failed(cause);
    } finally {
      busy = false;
    }
  };
  const timer = setInterval(() => void look(), LOOK_EVERY_MS);
  timer.unref();
  return () => clearInterval(timer);
};
