/** @module Work in parallel, and not all at once. */

/**
 * Runs jobs, some at a time.
 *
 * @param jobs each makes a promise
 * @param width how many run at once
 * @returns their results, in the order of the jobs
 */
export async function inParallel<T>(jobs: readonly (() => Promise<T>)[], width: number): Promise<T[]> {
  const results: T[] = [];
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < jobs.length) {
      const at = next++;
      results[at] = await (jobs[at] as () => Promise<T>)();
    }
  };
  await Promise.all(Array.from({ length: Math.min(width, jobs.length) }, worker));
  return results;
}
