/**
 * @module Randomness that is the same at each run, for tests and simulations: SHA-256 in counter mode over a seed.
 */
import { concatBytes, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import type { RandomBytes } from '../random.ts';

/**
 * @param seed any text; the same text gives the same bytes
 * @returns a source of bytes, never to be used for real keys
 */
export function testRandom(seed: string): RandomBytes {
  let counter = 0;
  return (length) => {
    const blocks: Uint8Array[] = [];
    for (let made = 0; made < length; made += 32) blocks.push(sha256(utf8(`${seed}/${counter++}`)));
    return concatBytes(...blocks).subarray(0, length);
  };
}
