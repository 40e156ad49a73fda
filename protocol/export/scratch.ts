/**
 * @module Memory that is used again: a file of 600,000 keys is 20 MB, and what is left to the garbage collector adds up
 * to more than the files themselves before it runs.
 */

/**
 * @param bytes needed
 * @returns that many bytes with any content; the next call returns the same memory
 */
export type Scratch = (bytes: number) => Uint8Array;

/**
 * For whoever keeps what is laid there: memory of its own for each call, exactly as long as asked for. Out of
 * {@link newScratch} a file of 700 bytes holds 4 MiB for as long as somebody holds the file.
 *
 * @param bytes needed
 * @returns that many zeros
 */
export const exactMemory: Scratch = (bytes) => new Uint8Array(bytes);

/** Requests that grow little by little, a day's file after the other, don't leave a dead one each. */
const GROWTH_BYTES = 4 * 2 ** 20;

/** @returns scratch memory that grows to the largest request and lives as long as the function is kept */
export function newScratch(): Scratch {
  let memory: Uint8Array = new Uint8Array(0);
  return (bytes) => {
    if (memory.length < bytes) memory = new Uint8Array(Math.ceil(bytes / GROWTH_BYTES) * GROWTH_BYTES);
    return memory.subarray(0, bytes);
  };
}
