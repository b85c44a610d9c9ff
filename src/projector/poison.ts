/** Which failures are the event's, and come back however often it is tried, and which are the world's, and pass. */
import { DatabaseError } from '../postgres/errors.js';
import { CannotFold } from './projection.js';

/**
 * 22 and 23: the data; 42: a table or a right is missing; 54: too large; P0: a trigger or function refused. Anything else
 * that the server says, and its absence, passes.
 */
const PERMANENT = /^(22|23|42|54|P0)/;

export const isPoison = (cause: unknown): boolean => {
  if (!(cause instanceof DatabaseError)) return cause instanceof Error;
  // Without a word of the server and with the connection as good as before: a row did not decode.
  return cause.sqlstate === null ? !cause.connectionLost : PERMANENT.test(cause.sqlstate);
};

/** For operators: no content of the event, and nothing that the server may have quoted from it. */
export const reasonOf = (cause: unknown): string => {
  if (cause instanceof CannotFold) return cause.message;
  if (!(cause instanceof DatabaseError)) return `the fold failed (${cause instanceof Error ? cause.name : 'unknown'})`;
  return cause.sqlstate === null ? 'it does not decode' : `the database refused its rows (${cause.sqlstate})`;
};
