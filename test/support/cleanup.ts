/** What tests leave behind, taken away when their suite ends, also when it failed; in the opposite order of its making. */
type Work = () => Promise<void> | void;

const waiting: Work[] = [];

/** `work` runs once: after the suite that is running, or at the end of the process. */
export const whenSuiteEnds = (work: Work): void => void waiting.push(work);

/** Throws after all was tried: uvu would overwrite an exit code that was set here. */
export const cleanUp = async (): Promise<void> => {
  const failures: unknown[] = [];
  for (let work = waiting.pop(); work !== undefined; work = waiting.pop())
    try {
      await work();
    } catch (error) {
      failures.push(error);
    }
  if (failures.length > 0) throw new AggregateError(failures, 'cleaning up failed');
};
