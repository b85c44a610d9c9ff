/** How a batch's callers are answered, once it is certain what became of it. */
import type { Uuid } from '../crypto/bytes.js';
import { E } from '../fp.js';
import type { Waiting } from './append-queue.js';
import type { Placed } from './command.js';
import type { Answer } from './place-batch.js';

export type Outcome = { readonly kind: 'committed'; readonly events: readonly (Placed & { readonly eventId: Uuid })[] };

export const answerBatch = <State>(
  batch: readonly Waiting<State>[],
  answers: readonly Answer[],
  outcome: Outcome,
): void => {
  batch.forEach(({ answer }, i) => {
    const decided = answers[i];
    if (decided === undefined) answer(E.left({ kind: 'internal', during: 'append', cause: 'no answer' }));
    else if (decided.kind === 'failure') answer(E.left(decided.failure));
    else if (decided.kind === 'result') answer(E.right(decided.result));
    else answer(E.right(decided.result(outcome.events.slice(decided.from, decided.to))));
  });
};
