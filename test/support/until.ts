/** Waits for what happens by itself, with patience that ends. */
const EACH_MS = 50;

export const until = async (
  what: string,
  holds: () => Promise<boolean> | boolean,
  patienceMs = 20_000,
): Promise<void> => {
  for (const end = Date.now() + patienceMs; !(await holds()); ) {
    if (Date.now() > end) throw new Error(`${what}: not within ${patienceMs / 1000} s`);
    await new Promise(resolve => setTimeout(resolve, EACH_MS));
  }
};
