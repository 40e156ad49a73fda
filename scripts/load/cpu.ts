/**
 * @module CPU of workerd for one answer of `index`, one real upload and one dummy, for the capacity model. The local workerd also
 * simulates R2 and carries miniflare's routing, so these are upper bounds of what Cloudflare would bill.
 */
import { join } from 'node:path';
import { type Context, withTier } from './context.ts';
import { runK6 } from './k6-run.ts';
import { cpuMilliseconds, ownWorkerd } from './machine.ts';
import { prepareUploads } from './prepare-uploads.ts';

/** Milliseconds of CPU. */
export interface MeasuredCpu {
  readonly index: number;
  readonly upload: number;
  readonly dummy: number;
}

const SECONDS = 8;
const UPLOADS_FACTOR = 0.2;

/**
 * Measures what each costs.
 *
 * @param context with an edge of deployed entry files
 * @returns milliseconds of CPU for one request of each kind
 */
export async function measureCpu(context: Context): Promise<MeasuredCpu> {
  context.say('cpu: index without a cache, dummies alone, uploads alone …');
  const file = join(context.folder, 'uploads-cpu.json');
  await prepareUploads(context.edge.url, Math.ceil(150 * UPLOADS_FACTOR * SECONDS * 1.5), file);
  return withTier(context, 'cpu', async (tier) => {
    const used = (): number => ownWorkerd().reduce((sum, pid) => sum + cpuMilliseconds(pid), 0);
    const costOf = async (scenario: string, metric: string, environment: Record<string, string>): Promise<number> => {
      const before = used();
      const { metrics } = await runK6({
        k6: context.k6,
        scenario,
        folder: context.folder,
        environment: { DURATION: String(SECONDS), CHECK_TIMES: 'no', ...environment },
        atMostSeconds: 90,
      });
      return (used() - before) / Math.max(1, metrics[metric]?.values['count'] ?? 0);
    };
    const uploads = { BASE_URLS: tier.edges.join(','), UPLOADS: file, RATE_FACTOR: String(UPLOADS_FACTOR) };
    return {
      index: await costOf('download-steady', 'http_reqs', {
        EXECUTOR: 'closed',
        BASE_URLS: tier.uncached,
        REGION: 'EUR',
      }),
      dummy: await costOf('upload-mix', 'http_reqs', { ...uploads, ONLY: 'dummies' }),
      upload: await costOf('upload-mix', 'http_reqs', { ...uploads, ONLY: 'real' }),
    };
  });
}
