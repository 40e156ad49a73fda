/**
 * @module One backend of a federation on this machine, in a process (and process group) of its own, so that it can be killed: a local edge, TLS with client certificates in front of it, and a copy of the
 * directory in its bucket that follows the log's folder. Says a line of JSON for each step; ends when its standard input does.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { runCrons } from '../../local-edge/crons.ts';
import { startLocalEdge } from '../../local-edge/local-edge.ts';
import { withCertificates } from '../../local-edge/mutual-tls/certificate-binding.ts';
import { startFront } from '../../local-edge/mutual-tls/front.ts';
import { readEnvironments } from '../../local-edge/workers.ts';
import { parseCheckpoint } from '../../protocol/directory/checkpoint.ts';
import { CHECKPOINT_PATH, pathsOf } from '../../protocol/directory/tiles.ts';
import { compareBytes, toHex } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { text } from '../support/command-line/arguments.ts';
import { run } from '../support/command-line/command.ts';
import { readOrNull } from '../support/directory/folder.ts';
import type { Order, PeerStatus } from './orders.ts';
import type { BackendSettings } from './settings.ts';

/** Of which the cron, every five minutes on real time, fetches others' status lists (docs/credential.md). */
const VERIFICATION = readEnvironments().filter(({ environment }) => environment === 'verification');

/** Has the consumer ask whoever is due, and `verification` fetch the lists of the hour, again and again. */
async function keepPolling(edge: Edge, peers: readonly string[], everyMs: number): Promise<never> {
  for (;;) {
    // workerd was killed, or is being ended: the next time tries again.
    await obey(edge, { kind: 'poll' }, peers).catch(() => undefined);
    await runCrons(edge.miniflare, VERIFICATION).catch(() => undefined);
    await sleep(everyMs);
  }
}

/** How often the log's folder is looked at. */
const LOOK_MS = 200;

type Edge = Awaited<ReturnType<typeof startLocalEdge>>;

/** A desk of the consumer, as far as it is called here (durable-objects/peer-desk/). */
interface Desk {
  advance(region: string): Promise<{ readonly idle: boolean }>;
  status(region: string): Promise<PeerStatus>;
}

async function desksOf({ miniflare }: Edge, peers: readonly string[]): Promise<(readonly [string, Desk])[]> {
  const namespace = await miniflare.getDurableObjectNamespace('PEER_DESK', 'exposure-edge-federation');
  return peers.map((region) => [region, namespace.get(namespace.idFromName(region)) as unknown as Desk]);
}

/** As a dishonest operator, who alters what is sealed: the middle byte is changed; what is beside the object, its signature too, stays. */
async function tamper({ miniflare }: Edge, key: string): Promise<void> {
  const bucket = await miniflare.getR2Bucket('FEEDS', 'exposure-edge-federation');
  const object = await bucket.get(key);
  if (object === null) throw new Error(`${key}: there is no such object`);
  const bytes = new Uint8Array(await object.arrayBuffer());
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  const { httpMetadata, customMetadata } = object;
  await bucket.put(key, bytes, { ...(httpMetadata && { httpMetadata }), ...(customMetadata && { customMetadata }) });
}

/** @returns what came of it, for the parent */
async function obey(edge: Edge, order: Order, peers: readonly string[]): Promise<unknown> {
  switch (order.kind) {
    case 'tamper':
      return tamper(edge, order.object);
    case 'poll':
      // Each by itself, as the cron has it: one that hangs holds up nobody.
      return Promise.all((await desksOf(edge, peers)).map(([region, desk]) => desk.advance(region)));
    case 'peers':
      return Promise.all((await desksOf(edge, peers)).map(([region, desk]) => desk.status(region)));
  }
}

/**
 * Copies the log into the bucket whenever its checkpoint changes, the checkpoint last: a crash in between leaves objects that no checkpoint names.
 *
 * @param said hears which checkpoint is there now, as a hash
 */
async function followDirectory(
  { miniflare }: Edge,
  folder: string,
  said: (checkpoint: string) => void,
): Promise<never> {
  let last: Uint8Array = new Uint8Array();
  for (;;) {
    const checkpoint = readOrNull(join(folder, CHECKPOINT_PATH));
    if (checkpoint !== null && compareBytes(checkpoint, last) !== 0) {
      try {
        const bucket = await miniflare.getR2Bucket('DIRECTORY', 'exposure-edge-federation');
        for (const path of pathsOf(parseCheckpoint(checkpoint)?.size ?? 0)) {
          const bytes = readOrNull(join(folder, path));
          if (bytes !== null) await bucket.put(path, bytes);
        }
        await bucket.put(CHECKPOINT_PATH, checkpoint);
        last = checkpoint;
        said(toHex(sha256(checkpoint)));
      } catch {
        // workerd was killed, or is being ended: the next look tries again.
      }
    }
    await sleep(LOOK_MS);
  }
}

await run(
  {
    name: 'node scripts/federation/backend.ts',
    summary: 'Runs one backend of a federation on this machine, until its standard input ends.',
    options: {
      settings: text('JSON, as npm run federation writes it', { placeholder: 'FILE', default: 'settings.json' }),
    },
  },
  async ({ settings: file }, { say }) => {
    const settings = JSON.parse(readFileSync(file, 'utf8')) as BackendSettings;
    const orders = createInterface({ input: process.stdin });
    const over = new Promise((resolve) => orders.once('close', resolve));
    const tell = (line: object): void => say(JSON.stringify(line));
    const front = await startFront({
      ...settings.front,
      onAnswered: (path, status) => tell({ answered: { path, status } }),
    });
    const edge = await startLocalEdge({
      state: settings.state,
      port: settings.port,
      vars: settings.vars,
      adapt: withCertificates('federation', settings.certificates),
      onLog: (log) => tell({ log }),
    });
    front.serve(edge.miniflare);
    const { url, publicPem, manifestPublicPem: manifestPem } = edge;
    tell({ ready: { url, feedUrl: front.url, publicPem, manifestPem } });
    orders.on('line', (line) => {
      const { id, ...order } = JSON.parse(line) as Order & { readonly id: number };
      void obey(edge, order as Order, settings.peers).then(
        (result) => tell({ done: id, result: result ?? null }),
        (error: unknown) => tell({ done: id, failed: String(error) }),
      );
    });
    let { pollMs } = settings;
    void followDirectory(edge, settings.directory, (directory) => {
      tell({ directory });
      // Not before: a consumer without a directory counts an alert, and waits.
      if (pollMs !== null) void keepPolling(edge, settings.peers, pollMs);
      pollMs = null;
    });
    await over;
    await front.close();
    await edge.dispose();
    return process.exit(0);
  },
);
