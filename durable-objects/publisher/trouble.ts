/** @module What fails in one call of `advance` (steps.ts). */

/** What failed in one call of `advance` and doesn't stop the rest. */
export class Trouble {
  /** Freezing or planning an hour, which all regions need: the buffer is out of reach. */
  plan: unknown = null;
  /** The same, for another reason. */
  fatal: unknown = null;
  other: unknown = null;

  async tried(step: () => Promise<boolean>): Promise<boolean> {
    try {
      return await step();
    } catch (error) {
      this.other ??= error;
      return false;
    }
  }

  throwFirst(): void {
    const error = this.plan ?? this.other;
    if (error !== null) throw error;
  }
}
