/** What the database refused, without what it was given: `detail` and parameter values never leave this file. */

export class DatabaseError extends Error {
  override readonly name = 'DatabaseError';
  /** Five characters; null when the server said nothing (the connection was lost, or a deadline passed here). */
  readonly sqlstate: string | null;
  readonly constraint: string | null;
  /** The connection is gone or of unknown state: what was in flight may or may not have happened. */
  readonly connectionLost: boolean;

  constructor(
    message: string,
    options: { sqlstate?: string | null; constraint?: string | null; connectionLost?: boolean } = {},
  ) {
    super(message);
    this.sqlstate = options.sqlstate ?? null;
    this.constraint = options.constraint ?? null;
    this.connectionLost = options.connectionLost ?? false;
  }
}

/** SQLSTATEs after which the server has closed, or is about to close, the connection. */
const ENDS_CONNECTION = new Set(['57P01', '57P02', '57P03', '25P03', '08006', '08003', '08000', '08P01', '57P05']);

/** Messages of the server are kept when they cannot quote a value: those of classes 22 and 23 can. */
export const databaseError = (error: unknown): DatabaseError => {
  if (error instanceof DatabaseError) return error;
  if (!(error instanceof Error)) return new DatabaseError('the database failed', { connectionLost: true });
  // Thrown here, by a type parser or an encoder: the connection is as good as before.
  if (error instanceof RangeError || error instanceof TypeError)
    return new DatabaseError('a value of the database or for it cannot be held');
  const { code, constraint, severity } = error as { code?: unknown; constraint?: unknown; severity?: unknown };
  if (typeof code !== 'string' || typeof severity !== 'string')
    return new DatabaseError(`the database cannot be reached: ${reasonOf(code)}`, { connectionLost: true });
  const message = /^2[23]/.test(code) ? `the database refused the data (${code})` : error.message;
  return new DatabaseError(message, {
    sqlstate: code,
    constraint: typeof constraint === 'string' ? constraint : null,
    connectionLost: ENDS_CONNECTION.has(code) || severity === 'FATAL' || severity === 'PANIC',
  });
};

const reasonOf = (code: unknown): string => (typeof code === 'string' ? code : 'the connection was lost');
