/** Retires header epochs by itself, where the rule says so: one process of each node looks, and the first one does it. */
import type { Session } from '../../nexus/session.js';
import { Refused } from '../app.js';
import { withTermLock } from '../terms/locks.js';
import { systemActor } from '../terms/steps.js';
import { retireEpochs } from './retire.js';
import { headerSettings } from './settings.js';
import { retirable } from './status.js';

const LOOK_EVERY_MS = 5000;

/** Returns the way to stop. */
export const keepRetiring = (session: Session, failed: (cause: unknown) => void): (() => void) => {
  let busy = false;
  const look = async (): Promise<void> => {
    if (busy || session.closed || !headerSettings(session.authority).automatic) return;
    if (retirable(session).length === 0) return;
    busy = true;
    try {
      await withTermLock(session.ports.runner, 'step', async () => {
        await session.catchUp();
        const due = retirable(session);
        if (due.length > 0) await retireEpochs(session, systemActor(session, 'epochs.retire'), due);
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
