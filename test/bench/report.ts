/** One line for each figure: what, how much, against what, and whether the floor holds. */
const lines: { what: string; holds: boolean }[] = [];

export const say = (text: string): void => void process.stdout.write(`${text}\n`);

export const figure = (what: string, value: string, note = ''): void =>
  say(`  ${what.padEnd(58)} ${value.padStart(14)}  ${note}`);

export const floor = (what: string, holds: boolean, detail: string): void => {
  lines.push({ what, holds });
  say(`  ${holds ? 'holds' : 'BELOW'}  ${what}: ${detail}`);
};

export const perSecond = (n: number): string => `${Math.round(n).toLocaleString('en')}/s`;

/** How many floors do not hold. */
export const below = (): number => lines.filter(({ holds }) => !holds).length;
