/**
 * @module `npm run serve` in the comparison: workerd without Miniflare, the objects in an S3 server, behind a tier of its own, on the same machine in the same
 * turns (docs/own-hardware.md).
 */
import { mkdirSync, mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { loadSecrets } from '../../local-edge/secrets.ts';
import { LOCAL_VARS, readEnvironments } from '../../local-edge/workers.ts';
import type { EdgeTier } from '../../scripts/support/edge-tier/tier.ts';
import { startEdgeTier } from '../../scripts/support/edge-tier/tier.ts';
import { freePort } from '../../scripts/support/free-port.ts';
import { startServing } from '../../scripts/support/serve/server.ts';
import { Bucket } from '../../scripts/support/serve/store/bucket.ts';
import { openStore } from '../../scripts/support/serve/store/s3.ts';
import { startStoreServer, type StoreServer } from '../../scripts/support/serve/store-server.ts';
import type { Context } from './context.ts';

/** Puts objects of the local edge's public bucket into the store, with their headers. */
async function copyObjects(context: Context, server: StoreServer, paths: readonly string[]): Promise<void> {
  const from = await context.edge.miniflare.getR2Bucket('PUBLIC', 'exposure-edge-index');
  const store = openStore(server.settings);
  const to = new Bucket(store, server.settings.buckets.public);
  for (const path of paths) {
    const name = path.slice(1);
    const object = await from.get(name);
    if (object === null) throw new Error(`load: ${path} is not in the bucket`);
    const { cacheExpiry, contentType = '', cacheControl = '' } = object.httpMetadata ?? {};
    const expiry = cacheExpiry === undefined ? {} : { cacheExpiry: cacheExpiry.getTime() };
    const call = { version: 1 as const, method: 'put' as const, object: name, customFields: [] };
    const httpFields = { contentType, cacheControl, ...expiry };
    await to.put({ ...call, httpFields }, new Uint8Array(await object.arrayBuffer()));
  }
  store.dispose();
}

/**
 * Serves some of the edge's objects as one's own hardware does, while something is measured.
 *
 * @param context of the run
 * @param paths of objects, `/v1/EUR/manifest.json`
 * @param use gets the tier in front
 * @returns what `use` returns
 */
export async function withOwnHardware<T>(
  context: Context,
  paths: readonly string[],
  use: (tier: EdgeTier) => Promise<T>,
): Promise<T> {
  const folder = mkdtempSync(join(context.folder, 'serve-'));
  const [secretsFolder, tierFolder] = [join(folder, 'secrets'), join(folder, 'tier')];
  for (const one of [secretsFolder, tierFolder]) mkdirSync(one);
  const server = await startStoreServer(join(folder, 'store'), await freePort());
  try {
    await copyObjects(context, server, paths);
    const serving = await startServing(
      {
        state: join(folder, 'state'),
        runtime: join(folder, 'run'),
        listen: `127.0.0.1:${await freePort()}`,
        store: server.settings,
        secrets: loadSecrets(secretsFolder, readEnvironments()),
        vars: { ...LOCAL_VARS, verification: { ...LOCAL_VARS['verification'], SMS_WEBHOOK_URL: '' } },
        people: [],
        services: [],
      },
      context.say,
    );
    try {
      const tier = await startEdgeTier(tierFolder, serving.url);
      try {
        return await use(tier);
      } finally {
        await tier.stop();
      }
    } finally {
      await serving.stop();
    }
  } finally {
    await server.stop();
  }
}
