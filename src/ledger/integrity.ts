/** The one exception for a stored thing that did not authenticate. It names the thing, never its content. */
export class IntegrityError extends Error {
  override readonly name = 'IntegrityError';

  constructor(
    /** What was refused: `event`, `batch`, `key row`, `authority chain`, … */
    readonly what: string,
    readonly position: number | null = null,
  ) {
    super(`integrity: ${what}${position === null ? '' : ` at position ${position}`} did not authenticate`);
  }
}
