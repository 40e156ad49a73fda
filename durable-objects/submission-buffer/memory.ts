/**
 * @module Memory that is used again or given back at once. What is left to the garbage collector counts against the 128 MB of the
 * isolate until it comes round (decision 013), and a set of a million rows would leave hundreds.
 */

/**
 * Frees memory at once.
 *
 * @param bytes dead from now on; left alone when others may look into the same memory
 */
export function release(bytes: Uint8Array): void {
  if (bytes.byteLength === bytes.buffer.byteLength && bytes.buffer instanceof ArrayBuffer) bytes.buffer.transfer(0);
}

/** One piece of memory for one use at a time. */
export class Scratch {
  #memory = new Uint8Array(0);

  /** @returns that many bytes with any content, until the next call */
  take(bytes: number): Uint8Array {
    if (this.#memory.length < bytes) this.#memory = new Uint8Array(bytes);
    return this.#memory.subarray(0, bytes);
  }
}
