/** A process that does not hear of what others do: what it decides by then is decided by what it knew. */
import type { Session } from '../../src/nexus/session.js';

/** As long as `work` is under way, the session folds nothing that others append. */
export const standing = async <T>({ known }: Pick<Session, 'known'>, work: () => Promise<T>): Promise<T> => {
  let goOn = (): void => undefined;
  const stood = known.exclusive(() => new Promise<void>(resolve => (goOn = resolve)));
  try {
    return await work();
  } finally {
    goOn();
    await stood;
  }
};
