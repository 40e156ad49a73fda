/**
 * @module CPU of workerd for one answer of `index`, one real upload, one dummy and one question, and bytes of cover, for the capacity model. The local workerd also
 * simulates R2 and carries miniflare's routing, so these are upper bounds of what Cloudflare would bill.
 */
import { join } from 'node:path';
import { type Context, manifestKeyOf, withTier } from './context.ts';
import { failuresOf, runK6 } from './k6-run.ts';
import { cpuMilliseconds, ownWorkerd } from './machine.ts';
import { prepareCover } from './prepare-cover.ts';
import { prepareUploads } from './prepare-uploads.ts';

/** Milliseconds of CPU. */
export interface MeasuredCpu {
  readonly index: number;
  readonly upload: number;
  readonly dummy: number;
}

/** What an action of cover costs. */
export interface MeasuredCover {
  /** Milliseconds of CPU of one question to verification. */
  readonly questionCpu: number;
  /** Of two questions on one connection and an upload on another, above TCP. */
  readonly bytesPerAction: number;
}

const SECONDS = 8;
const UPLOADS_FACTOR = 0.2;

/** What a scenario cost. */
interface Cost {
  /** CPU that workerd used, by the requests it answered, ms. */
  readonly perRequest: number;
  /** Received and sent above TCP, by sessions. */
  readonly bytesPerSession: number;
}

const costOf = async (context: Context, scenario: string, environment: Record<string, string>): Promise<number> =>
  (await measure(context, scenario, environment)).perRequest;

async function measure(context: Context, scenario: string, environment: Record<string, string>): Promise<Cost> {
  const used = (): number => ownWorkerd().reduce((sum, pid) => sum + cpuMilliseconds(pid), 0);
  const before = used();
  const result = await runK6({
    k6: context.k6,
    scenario,
    folder: context.folder,
    environment: {
      DURATION: String(SECONDS),
      CHECK_TIMES: 'no',
      MANIFEST_KEY: manifestKeyOf(context.edge),
      ...environment,
    },
    atMostSeconds: 90,
  });
  const failures = failuresOf(result);
  if (failures.length > 0)
    throw new Error(`load: the CPU of ${scenario} is not that of answers: ${failures.join('; ')}`);
  const count = (metric: string): number => result.metrics[metric]?.values['count'] ?? 0;
  return {
    perRequest: (used() - before) / Math.max(1, count('http_reqs')),
    bytesPerSession: (count('data_received') + count('data_sent')) / Math.max(1, count('iterations')),
  };
}

/** Part of the cover of 30 million phones that its cost is measured at: some 25 actions a second. */
const COVER_FACTOR = 0.02;

/**
 * @param context with an edge of either entry files
 * @returns what an action of cover costs: CPU of its questions alone, bytes of the whole
 */
export async function measureCover(context: Context): Promise<MeasuredCover> {
  context.say('cover: questions alone, whole actions …');
  const file = join(context.folder, 'cover.json');
  prepareCover(file);
  return withTier(context, 'cover', async (tier) => {
    const cover = { BASE_URLS: tier.edges.join(','), UPLOADS: file, RATE_FACTOR: String(COVER_FACTOR) };
    const questions = await measure(context, 'cover', { ...cover, ONLY: 'questions' });
    const actions = await measure(context, 'cover', { ...cover, ONLY: 'actions' });
    return { questionCpu: questions.perRequest, bytesPerAction: actions.bytesPerSession };
  });
}

/**
 * @param context with an edge of deployed entry files
 * @returns milliseconds of CPU for one answer of `index` without a cache
 */
export function measureIndexCpu(context: Context): Promise<number> {
  context.say('cpu: index without a cache …');
  return withTier(context, 'cpu', (tier) =>
    costOf(context, 'download-steady', { EXECUTOR: 'closed', BASE_URLS: tier.uncached, REGION: 'EUR' }),
  );
}

/**
 * @param context with an edge of local entry files: the deployed portal issues no TAN without Access
 * @returns milliseconds of CPU for one real upload and for one dummy
 */
export async function measureUploadCpu(context: Context): Promise<Pick<MeasuredCpu, 'upload' | 'dummy'>> {
  context.say('cpu: dummies alone, uploads alone …');
  const file = join(context.folder, 'uploads-cpu.json');
  await prepareUploads(context.edge, Math.ceil(150 * UPLOADS_FACTOR * SECONDS * 1.5), file);
  return withTier(context, 'cpu-uploads', async (tier) => {
    const uploads = { BASE_URLS: tier.edges.join(','), UPLOADS: file };
    // As many dummies as uploads a second, so that what runs beside them weighs the same.
    const dummies = { ...uploads, ONLY: 'dummies', RATE_FACTOR: String(UPLOADS_FACTOR / 20) };
    return {
      dummy: await costOf(context, 'upload-mix', dummies),
      upload: await costOf(context, 'upload-mix', { ...uploads, ONLY: 'real', RATE_FACTOR: String(UPLOADS_FACTOR) }),
    };
  });
}
