/** What tests leave behind, taken away when their suite ends, also when it failed; in the opposite order of its making. */
type Work = () => Promise<void> | void;

const waiting: Work[] = [];

/** `work` runs once: after the suite that is running, or at the end of the process. */
export const whenSuiteEnds = (work: Work): void => void waiting.push(work);

export const cleanUp = async (): Promise<void> => {
  for (let work = waiting.pop(); work !== undefined; work = waiting.pop())
    try {
      await work();
    } catch (error) {
      process.exitCode = 1;
      console.error('cleaning up failed:', error);
    }
};
