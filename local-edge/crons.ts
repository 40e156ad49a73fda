/**
 * @module The crons of wrangler.toml on a local edge, where no platform runs them: the watchdogs of objects whose alarm was lost. In
 * `local-edge/entries/` their handlers say the local clock's time, so a driver who has moved it is not contradicted (docs/architecture.md §11).
 */
import type { Miniflare } from 'miniflare';
import type { WorkerEnvironment } from './workers.ts';

/** A Worker and its crons. */
export type CronWorker = Pick<WorkerEnvironment, 'name' | 'crons'>;

/** Every n minutes: the one form that wrangler.toml has. */
export const EVERY_MINUTES = /^\*\/(\d{1,2}) \* \* \* \*$/;

/**
 * Runs each cron once, now.
 *
 * @param miniflare all Workers
 * @param workers of wrangler.toml
 * @throws Error naming the Worker whose handler failed
 */
export async function runCrons(miniflare: Miniflare, workers: readonly CronWorker[]): Promise<void> {
  for (const { name, crons } of workers) {
    for (const cron of crons) {
      const worker = await miniflare.getWorker(name);
      const { outcome } = await worker.scheduled({ cron, scheduledTime: new Date() });
      if (outcome !== 'ok') throw new Error(`cron of ${name}: ${outcome}`);
    }
  }
}

/**
 * @param miniflare all Workers
 * @param workers of wrangler.toml
 * @param onLog gets a line when one failed
 * @returns ends it
 * @throws Error for a cron expression of another form
 */
export function driveCrons(
  miniflare: Miniflare,
  workers: readonly CronWorker[],
  onLog: (line: string) => void,
): () => void {
  const timers = workers.flatMap((worker) =>
    worker.crons.map((cron) => {
      const minutes = EVERY_MINUTES.exec(cron)?.[1];
      if (minutes === undefined) throw new Error(`cron of ${worker.name}: "${cron}" is not of the form "*/5 * * * *"`);
      const run = () =>
        runCrons(miniflare, [{ ...worker, crons: [cron] }]).catch((error: unknown) => onLog(String(error)));
      return setInterval(() => void run(), Number(minutes) * 60_000).unref();
    }),
  );
  return () => timers.forEach((timer) => clearInterval(timer));
}
