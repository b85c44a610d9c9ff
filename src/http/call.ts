/** One request as the routes see it: verb, path, query, fields, and the context that operations ask for. */

import type { Failure } from '../failure.js';
import type { TaskEither } from '../fp.js';
import type { Operations } from '../operations/contract.js';
import type { Moment, RequestContext } from '../operations/request.js';
import { type Answer, errors } from './answer.js';
import type { Fields } from './body.js';
import { failureAnswer } from './failure.js';
import { FieldError } from './fields.js';
import type { Visit } from './gate.js';
import { parseTime } from './times.js';

export type Verb = 'read' | 'list' | 'scan' | 'write' | 'patch' | 'delete';

export interface Call {
  readonly operations: Operations;
  readonly context: RequestContext;
  readonly verb: Verb;
  readonly method: string;
  /** Without `/v1/`. */
  readonly path: string;
  readonly query: URLSearchParams;
  readonly fields: Fields;
  /** The Accept header, lower-case. */
  readonly accept: string;
  /** What this process answers at this moment. */
  readonly inFlight: () => readonly Visit[];
  /** Told of failures that are the world's doing, to be logged and counted. */
  readonly failed: (failure: Failure) => void;
}

/** What one path answers, by verb; a verb that is not there is a 405. */
export type Routes = Readonly<Partial<Record<Verb, () => Promise<Answer> | Answer>>>;

/** Answers to misses that a route words in its own way. */
export interface Misses {
  readonly absent?: () => Answer;
  readonly 'version-gone'?: (failure: Extract<Failure, { kind: 'version-gone' }>) => Answer;
}

/** Runs an operation and answers it; a Left becomes the dialect's words. */
export const answered = async <A>(
  call: Call,
  task: TaskEither<Failure, A>,
  answer: (value: A) => Answer | Promise<Answer>,
  misses: Misses = {},
): Promise<Answer> => {
  const result = await task();
  if (result._tag === 'Right') return answer(result.right);
  const failure = result.left;
  call.failed(failure);
  if (failure.kind === 'absent' && misses.absent !== undefined) return misses.absent();
  if (failure.kind === 'version-gone' && misses['version-gone'] !== undefined) return misses['version-gone'](failure);
  return failureAnswer(call.context.requestId, failure);
};

/** An answer that no operation gives: denial is decided first, so that an outsider cannot probe for what is there. */
export const judged = (call: Call, answer: () => Answer | Promise<Answer>): Promise<Answer> => {
  return answered(call, call.operations.permitted(call.context, { capability: call.verb }), answer);
};

/** Of a route that asks for no token, as logins are: that a field is wrong is said to anybody. */
export const unasked = (answer: () => Promise<Answer> | Answer) => (): Promise<Answer> | Answer => {
  try {
    return answer();
  } catch (error) {
    if (error instanceof FieldError) return errors(400, error.message);
    throw error;
  }
};

/** `at` or `position`; null: now. Throws `FieldError`. */
export const momentOf = (query: URLSearchParams): Moment | null => {
  const [at, position] = [query.get('at'), query.get('position')];
  if (at !== null && position !== null) throw new FieldError('give at or position, not both');
  if (position !== null) return { position: positionOf(position) };
  if (at === null) return null;
  const time = parseTime(at);
  if (time === null) throw new FieldError('at must be an RFC 3339 time or unix seconds');
  return { at: time };
};

export const positionOf = (text: string): number => {
  if (!/^[1-9]\d{0,15}$/.test(text)) throw new FieldError('position must be a positive whole number');
  return Number(text);
};
