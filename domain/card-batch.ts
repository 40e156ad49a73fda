/**
 * @module How many code cards make a batch. With each key lies the batch whose card authorised it, so that a batch can be
 * withdrawn: a batch of one would join a card to its keys.
 */

/** A key with a batch could be from any card of it: at least so many. */
export const MIN_CARDS_PER_BATCH = 20;
/** Some 8 s of CPU to make, each with a QR code, and less than a minute from the button to the PDF (`npm run bench:cards`). */
export const MAX_CARDS_PER_BATCH = 10_000;
