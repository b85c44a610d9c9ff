/** Their messages say what and where in words of our own. */
const TOLD: ReadonlySet<string> = new Set(['IntegrityError', 'LedgerRefused', 'KmsError', 'RootRotated']);

/** How a cause is logged: its kind and SQLSTATE, never its message, which may quote what the program was given. */
export const causeOf = (cause: unknown): string => {
  if (!(cause instanceof Error)) return typeof cause;
  const { sqlstate } = cause as { sqlstate?: unknown };
  const told = TOLD.has(cause.name) ? cause.message : '';
  return [cause.name, typeof sqlstate === 'string' ? sqlstate : '', told].filter(part => part !== '').join(' ');
};
