/**
 * The whole fp-ts dialect of this project, and the only file that imports fp-ts.
 *
 * `Either` for decisions and decoding, `TaskEither` for operations, `pipe` of about five named steps. Loops, folds and
 * the hot paths are plain TypeScript; there is no Reader, no State, no type-class instance here on purpose.
 */
import { either, taskEither } from 'fp-ts';

export type Either<E, A> = either.Either<E, A>;
export type TaskEither<E, A> = taskEither.TaskEither<E, A>;
export const E = either;
export const TE = taskEither;
export { flow, pipe } from 'fp-ts/lib/function.js';
