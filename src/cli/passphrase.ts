/**
 * Six words that a person can write down and type. From the 2,048 words of BIP 39, which differ in their first four
 * letters: 11 random bits are exactly one word, so no draw is likelier than another. 66 bits in all; behind the slots'
 * Argon2id that is out of reach, and there are no digits or capitals to get wrong.
 */
import { wordlist } from '@scure/bip39/wordlists/english.js';
import { randomBytes } from '../crypto/random.js';

const WORDS = 6;
const BITS_PER_WORD = 11;

export const sixWords = (): string => {
  const drawn = randomBytes(WORDS * 2);
  const words = Array.from({ length: WORDS }, (_, index) => {
    const word = wordlist[drawn.readUInt16BE(index * 2) & (2 ** BITS_PER_WORD - 1)];
    if (word === undefined) throw new Error('the word list is not 2,048 words long');
    return word;
  });
  drawn.fill(0);
  return words.join('-');
};
