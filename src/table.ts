/** Tables that are asked for names which callers chose. */

/** Without what every object has beside its own members: `constructor` is in it only if somebody wrote it down. */
export const table = <V>(entries: Readonly<Record<string, V>>): Readonly<Record<string, V | undefined>> => {
  const made: Record<string, V | undefined> = Object.create(null);
  return Object.assign(made, entries);
};
