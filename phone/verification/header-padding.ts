/**
 * @module Padding that levels the names of routes on the wire. HTTP/1.1 writes a path letter by letter, HTTP/2 in HPACK's Huffman code
 * (RFC 7541, appendix B), whose letters take 5 to 8 bits: the padding makes up for both at once, in characters and in bytes.
 */
import { type RandomBytes, randomBelow } from '../random.ts';

/** Letters and digits of 5 bits, and of 6. */
const FIVE_BITS = '012aceiost';
const SIX_BITS = '3456789Abdfghlmnpru';
/** Characters of 6 and 7 bits that stand in paths besides. */
const PATH_SIX_BITS = `${SIX_BITS}/`;
const PATH_SEVEN_BITS = 'Tkv';
/**
 * Characters that every padding has, however long the path: a value that came before on a connection would be one byte long
 * (RFC 7541 §2.3.2), and two of 12 characters are alike once in 10¹² times.
 */
const LEAST_CHARACTERS = 12;
/** Of them: half of the characters have five bits, half six, so that there is room to either side for paths whose letters are short or long. */
const LEAST_BITS = (LEAST_CHARACTERS / 2) * (5 + 6);

function huffmanBytes(path: string): number {
  const bits = Array.from(path).reduce((sum, character) => {
    if (FIVE_BITS.includes(character)) return sum + 5;
    if (PATH_SIX_BITS.includes(character)) return sum + 6;
    if (PATH_SEVEN_BITS.includes(character)) return sum + 7;
    throw new RangeError(`header padding: no code length for "${character}"`);
  }, 0);
  return Math.ceil(bits / 8);
}

/**
 * @param paths all that are to be level
 * @returns maker of a padding for one of them: `path` and it together have one number of characters, and of bytes in HPACK
 * @throws RangeError where no padding of letters and digits could level them
 */
export function headerPaddingFor(paths: readonly string[]): (path: string, random: RandomBytes) => string {
  const longest = Math.max(...paths.map((path) => path.length));
  const mostBytes = Math.max(...paths.map(huffmanBytes));
  const plans = new Map(
    paths.map((path) => {
      const characters = longest - path.length + LEAST_CHARACTERS;
      const bits = (mostBytes - huffmanBytes(path)) * 8 + LEAST_BITS;
      const ofSixBits = bits - characters * 5;
      if (ofSixBits < 0 || ofSixBits > characters) throw new RangeError(`header padding: ${path} can't be levelled`);
      return [path, { ofSixBits, ofFiveBits: characters - ofSixBits }];
    }),
  );
  const draw = (alphabet: string, count: number, random: RandomBytes): string =>
    Array.from({ length: count }, () => alphabet.charAt(randomBelow(random, alphabet.length))).join('');
  return (path, random) => {
    const plan = plans.get(path);
    if (plan === undefined) throw new RangeError(`header padding: ${path} is none of the levelled paths`);
    return draw(SIX_BITS, plan.ofSixBits, random) + draw(FIVE_BITS, plan.ofFiveBits, random);
  };
}
