/**
 * A slot password protects everything, so those that are tried first are refused: too short, a few characters only, a short
 * piece repeated, or put together from few well-known pieces (words, phrases, runs of the keyboard, counting, years).
 */

/** Null = acceptable. */
export const passwordComplaint = (password: string): string | null => {
  const normal = password.normalize('NFC');
  if (normal.length > CHARACTERS_MAX) return `the password must have at most ${CHARACTERS_MAX} characters`;
  if ([...normal].length < CHARACTERS_MIN)
    return `the password must have at least ${CHARACTERS_MIN} characters; six random words are a good one`;
  return isCommon(normal) ? 'the password is one of those that are tried first; six random words are a good one' : null;
};

const CHARACTERS_MIN = 16;
/** What follows takes time with the length. */
const CHARACTERS_MAX = 1024;
/** How many pieces an attacker's rules put together; a digit or sign between them counts half. */
const PIECES_MAX = 3.5;
const DIFFERENT_MIN = 6;
const REPEATED = /^(.{1,10}?)\1+.{0,3}$/;

const isCommon = (normal: string): boolean => {
  const lower = normal.toLowerCase();
  if (new Set(lower).size < DIFFERENT_MIN) return true;
  if ([lower, lower.replace(/[^\p{L}\p{N}]/gu, '')].some(text => REPEATED.test(text))) return true;
  return [lower, unleeted(lower)].some(text => piecesOf(text) <= PIECES_MAX);
};

const LEET: Readonly<Record<string, string>> = {
  '0': 'o',
  '1': 'i',
  '3': 'e',
  '4': 'a',
  '5': 's',
  '7': 't',
  '@': 'a',
  $: 's',
  '!': 'i',
};

const unleeted = (text: string): string => [...text].map(character => LEET[character] ?? character).join('');

/** The least number of pieces that the text can be put together from. */
const piecesOf = (text: string): number => {
  const least = new Array<number>(text.length + 1).fill(0);
  for (let at = text.length - 1; at >= 0; at -= 1) {
    const own = /[\d\W_]/.test(text.charAt(at)) ? 0.5 : 1;
    least[at] = own + (least[at + 1] ?? 0);
    for (const length of lengthsAt(text, at)) least[at] = Math.min(least[at] ?? 0, 1 + (least[at + length] ?? 0));
  }
  return least[0] ?? 0;
};

const lengthsAt = (text: string, at: number): readonly number[] => [
  ...WORDS.filter(word => text.startsWith(word, at)).map(word => word.length),
  ...RUNS.map(run => commonPrefix(text, at, run)).filter(length => length >= 4),
  sameFrom(text, at),
];

/** How far the text from `at` follows some stretch of `run`. */
const commonPrefix = (text: string, at: number, run: string): number => {
  const start = run.indexOf(text.slice(at, at + 4));
  if (start < 0) return 0;
  let length = 0;
  while (at + length < text.length && text[at + length] === run[start + length]) length += 1;
  return length;
};

/** How often the character at `at` comes in a row. */
const sameFrom = (text: string, at: number): number => {
  let length = 1;
  while (text[at + length] === text[at]) length += 1;
  return length;
};

const ROWS = [
  '12345678901234567890',
  'qwertyuiop',
  'qwertzuiop',
  'azertyuiop',
  'asdfghjkl',
  'zxcvbnm',
  'yxcvbnm',
  '1q2w3e4r5t6y7u8i9o0p',
  '1qaz2wsx3edc4rfv5tgb',
  'qazwsxedcrfvtgbyhnujm',
  'abcdefghijklmnopqrstuvwxyz',
  '0123456789abcdef',
  '!@#$%^&*()',
] as const;
const RUNS: readonly string[] = ROWS.flatMap(row => [row, [...row].reverse().join('')]);

const YEARS = Array.from({ length: 91 }, (_, i) => String(1950 + i));

/** Words that head every list of leaked passwords, what products call their own, and phrases that are long and well known. */
const WORDS: readonly string[] = [
  ...YEARS,
  ...(
    'password passwort passwd passw0rd pass motdepasse contrasena parola secret secrets admin administrator root superuser user ' +
    'login welcome willkommen bienvenue letmein changeme changeit default test testing tester guest master dragon monkey shadow ' +
    'sunshine princess football baseball basketball superman batman pokemon starwars trustno1 whatever freedom hello hallo ' +
    'iloveyou ilove loveyou love lovely forever babygirl mustang michael jordan jennifer jessica charlie thomas daniel ashley ' +
    'summer winter spring autumn sommer herbst january february march april june july august september october november december ' +
    'monday tuesday wednesday thursday friday saturday sunday company server database production prod staging postgres oracle ' +
    'vault openbao bao hashicorp tallystick tally ledger token unseal qwerty qwertz azerty asdf zxcv abc123 abcd iamthe ' +
    'mypassword thisis thisismy please and the you with not for correcthorsebatterystaple thequickbrownfox jumpsoverthelazydog ' +
    'jumpedoverthelazydog tobeornottobe thatisthequestion maytheforcebewithyou onceuponatime opensesame nevergonnagiveyouup ' +
    'letmeinplease imissyou loremipsum dolorsitamet'
  ).split(' '),
  'correct horse battery staple',
  'correct-horse-battery-staple',
  'the quick brown fox',
  'jumps over the lazy dog',
  'may the force be with you',
  'to be or not to be',
  'lorem ipsum',
];
