/** Measures turn by turn: a machine that changes its pace meanwhile changes it for all, and does not decide a ratio. */
const ROUNDS = 4;

/** The mean of each, in order. */
export const inTurns = async (measures: readonly (() => Promise<number>)[]): Promise<number[]> => {
  const sums = measures.map(() => 0);
  for (let round = 0; round < ROUNDS; round += 1)
    for (const [i, measure] of measures.entries()) sums[i] = (sums[i] ?? 0) + (await measure());
  return sums.map(sum => sum / ROUNDS);
};
