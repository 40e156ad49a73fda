/**
 * @module The buckets of a local edge's state directory, without the Workers: for commands that look into them or mend them while the
 * edge rests.
 */
import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { convertV4MiniflareOptions, Log, LogLevel, Miniflare } from 'miniflare';
import { endOrphan, forgetWorkerd, noteWorkerd } from './orphan.ts';

const WORKER = 'buckets';
const EMPTY_WORKER = 'export default { fetch() { return new Response(null, { status: 404 }); } }';

/** The names in wrangler.toml. */
const BUCKETS = {
  PUBLIC: 'exposure-edge-public',
  PRIVATE: 'exposure-edge-private',
  FEEDS: 'exposure-edge-feeds',
} as const;

type Bucket = Awaited<ReturnType<Miniflare['getR2Bucket']>>;

/** The buckets of a state directory. */
export interface StateBuckets {
  readonly publicBucket: Bucket;
  readonly privateBucket: Bucket;
  /** What peers read. */
  readonly feedsBucket: Bucket;
  dispose(): Promise<void>;
}

/** @returns whether a directory is the state of a local edge that has been started */
export const isState = (directory: string): boolean => existsSync(join(directory, 'resources'));

/**
 * @param directory state of a local edge that isn't running
 * @returns its buckets, until `dispose`
 * @throws Error when there is no such state, or an edge is running on it
 */
export async function openBuckets(directory: string): Promise<StateBuckets> {
  const state = resolve(directory);
  if (!isState(state)) throw new Error(`${directory} is not the state of a local edge`);
  await endOrphan(state);
  const miniflare = new Miniflare(
    convertV4MiniflareOptions({
      host: '127.0.0.1',
      port: 0,
      log: new Log(LogLevel.ERROR),
      telemetry: { enabled: false },
      cf: false,
      resourcePersistencePath: join(state, 'resources'),
      workers: [{ name: WORKER, modules: true, script: EMPTY_WORKER, r2Buckets: { ...BUCKETS } }],
    }),
  );
  await miniflare.ready;
  noteWorkerd(state);
  return {
    publicBucket: await miniflare.getR2Bucket('PUBLIC', WORKER),
    privateBucket: await miniflare.getR2Bucket('PRIVATE', WORKER),
    feedsBucket: await miniflare.getR2Bucket('FEEDS', WORKER),
    async dispose() {
      await miniflare.dispose();
      forgetWorkerd(state);
    },
  };
}
