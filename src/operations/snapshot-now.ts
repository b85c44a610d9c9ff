/** A snapshot of authority as of now, for what must not go on without one. */
import type { BoxKey } from '../crypto/box.js';
import type { Header } from '../domain/header.js';
import type { Session } from '../nexus/session.js';
import { writeSnapshot } from '../nexus/snapshots.js';
import { refuse } from './app.js';

const TRIES = 50;
const AGAIN_MS = 100;

/** Its position. `ahead`: under a key that is not in use yet. Refuses as busy when somebody else keeps writing them. */
export const snapshotNow = async (
  session: Session,
  header: Header,
  ahead: BoxKey<'snapshot'> | null = null,
): Promise<number> => {
  for (let tries = 0; tries < TRIES; tries += 1) {
    // An event of its own: at each size there is one snapshot at most.
    session.recorder.record({ ...header, v: 1, at: session.ports.nowMs() * 1000, outcome: 'ok', snapshot: true });
    await session.recorder.flush();
    await session.catchUp();
    const position = await writeSnapshot(session, ahead);
    if (position !== null) return position;
    await new Promise(resolve => setTimeout(resolve, AGAIN_MS));
  }
  return refuse({ kind: 'busy', retryAfterSeconds: 1 });
};
