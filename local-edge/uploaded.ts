/**
 * @module Runs what was uploaded to an account, not what lies in this repository: modules, bindings and secrets as a deployment left them, in one
 * workerd behind one loopback port, by the Host header; requests are shared out among a deployment's versions by percentage, or go where
 * `Cloudflare-Workers-Version-Overrides` says. For the rehearsal of a deployment.
 *
 * Where it is simpler than the platform: a Durable Object, and a call from Worker to Worker, meet the version with the most traffic (the newer of
 * two alike), not one by chance; nothing of the zone stands before it, neither rules nor rate limits nor Access; Workers call nobody but this machine.
 */
import { existsSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import {
  chooseTarget,
  type ListedObject,
  type Target,
  type UploadedAccount,
  type UploadedBucket,
  type UploadedOptions,
} from './uploaded/account.ts';
import { passOn } from './uploaded/pass-on.ts';
import { Runtime } from './uploaded/runtime.ts';

/** What was deployed, running. */
export interface UploadedEdge {
  /** `http://127.0.0.1:PORT`. */
  readonly url: string;
  /** Says that something was deployed; the next request, or the next cron, meets it. */
  changed(): void;
  /** @returns what lies in a bucket, sorted by key */
  list(bucket: UploadedBucket): Promise<ListedObject[]>;
  /** Deletes one object. */
  remove(bucket: UploadedBucket, key: string): Promise<void>;
  dispose(): Promise<void>;
}

const answerText = (response: ServerResponse, status: number, text: string): void => {
  response.writeHead(status, { 'content-type': 'text/plain', 'cache-control': 'no-store' });
  response.end(text);
};

function targetOf(request: IncomingMessage, account: UploadedAccount): Target {
  return chooseTarget(account, {
    host: (request.headers.host ?? '').replace(/:\d+$/, '').toLowerCase(),
    path: request.url ?? '/',
    overrides: String(request.headers['cloudflare-workers-version-overrides'] ?? ''),
    draw: Math.random() * 100,
  });
}

/** A bucket behind a domain of its own: objects by their path, as R2 serves them. */
async function serveObject(
  runtime: Runtime,
  bucket: UploadedBucket,
  request: IncomingMessage,
  response: ServerResponse,
) {
  if (request.method !== 'GET' && request.method !== 'HEAD') return answerText(response, 401, 'Unauthorized');
  const { pathname } = new URL(request.url ?? '/', 'http://bucket');
  const object = await runtime.use((miniflare) => miniflare.get(bucket, decodeURIComponent(pathname.slice(1))));
  if (object === null) return answerText(response, 404, 'Object not found');
  response.writeHead(200, { ...object.headers, etag: object.etag, 'content-length': object.bytes.length });
  response.end(request.method === 'HEAD' ? undefined : object.bytes);
}

/**
 * Opens the port. workerd starts with the first request, and anew when something else is deployed: requests that are on their way are finished
 * first, those that come wait, so none is lost.
 *
 * @param options see {@link UploadedOptions}
 * @returns the running edge
 * @throws Error when the port is taken
 */
export async function startUploaded(options: UploadedOptions): Promise<UploadedEdge> {
  const runtime = new Runtime(options);
  async function serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    await runtime.settle();
    const target = targetOf(request, runtime.account);
    if (target.kind === 'nobody') return answerText(response, 404, 'nobody answers here\n');
    if (target.kind === 'bucket') return serveObject(runtime, target.bucket, request, response);
    await runtime.use((workers) => passOn(request, response, workers.portOf(), workers.nameOf(target)));
  }
  const server = createServer((request, response) => {
    serve(request, response).catch((error: unknown) => {
      options.onLog(`edge: ${String(error)}`);
      if (response.headersSent) response.destroy();
      else answerText(response, 500, 'the edge failed\n');
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(options.port ?? 0, '127.0.0.1', resolve);
  });
  const { port } = server.address() as AddressInfo;
  const hasState = (): boolean => existsSync(join(options.state, 'resources'));
  return {
    url: `http://127.0.0.1:${port}`,
    changed: () => runtime.changed(),
    // Where nothing has ever run, nothing was ever written.
    list: async (bucket) => (hasState() ? runtime.use((workers) => workers.list(bucket)) : []),
    remove: (bucket, key) => runtime.use((workers) => workers.remove(bucket, key)),
    async dispose() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
      await runtime.dispose();
    },
  };
}
