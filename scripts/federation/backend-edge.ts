/**
 * @module One backend of a federation on this machine: a local edge, TLS with client certificates in front of it, and a copy of the directory in its bucket. By itself in a process
 * (backend.ts), so that it can be killed, or many in one (sites.ts).
 */
import { join } from 'node:path';
import { runCrons } from '../../local-edge/crons.ts';
import { type LocalEdge, startLocalEdge } from '../../local-edge/local-edge.ts';
import { withCertificates } from '../../local-edge/mutual-tls/certificate-binding.ts';
import { startFront } from '../../local-edge/mutual-tls/front.ts';
import { readEnvironments } from '../../local-edge/workers.ts';
import { parseCheckpoint } from '../../protocol/directory/checkpoint.ts';
import { CHECKPOINT_PATH, pathsOf } from '../../protocol/directory/tiles.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { readOrNull } from '../support/directory/folder.ts';
import type { Answered, Order, PeerStatus, Ready } from './orders.ts';
import type { BackendSettings } from './settings.ts';

/** Of which the cron, every five minutes on real time, fetches others' status lists (docs/credential.md). */
const VERIFICATION = readEnvironments().filter(({ environment }) => environment === 'verification');

/** Who hears of it. */
interface BackendEars {
  /** What its Workers print. */
  readonly onLog: (line: string) => void;
  /** Each request of a peer that it answered. */
  readonly onAnswered?: (answered: Answered) => void;
}

/** A backend that runs. */
export interface BackendEdge {
  readonly ready: Ready;
  /** @returns what came of it */
  obey(order: Order): Promise<unknown>;
  /** What crons do: asks whoever is due, tells peers what is new here, and fetches others' status lists of the hour. */
  round(): Promise<void>;
  /** Copies the log into its bucket. @returns SHA-256 of the checkpoint in hex, null while the log has none */
  copyDirectory(): Promise<string | null>;
  end(): Promise<void>;
}

/** A desk of the consumer, as far as it is called here (durable-objects/peer-desk/). */
interface Desk {
  advance(region: string): Promise<{ readonly idle: boolean }>;
  tell(region: string): Promise<void>;
  status(region: string): Promise<PeerStatus>;
}

async function desksOf({ miniflare }: LocalEdge, peers: readonly string[]): Promise<(readonly [string, Desk])[]> {
  const namespace = await miniflare.getDurableObjectNamespace('PEER_DESK', 'exposure-edge-federation');
  return peers.map((region) => [region, namespace.get(namespace.idFromName(region)) as unknown as Desk]);
}

/** As a dishonest operator, who alters what is sealed: the middle byte is changed; what is beside the object, its signature too, stays. */
async function tamper({ miniflare }: LocalEdge, key: string): Promise<void> {
  const bucket = await miniflare.getR2Bucket('FEEDS', 'exposure-edge-federation');
  const object = await bucket.get(key);
  if (object === null) throw new Error(`${key}: there is no such object`);
  const bytes = new Uint8Array(await object.arrayBuffer());
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  const { httpMetadata, customMetadata } = object;
  await bucket.put(key, bytes, { ...(httpMetadata && { httpMetadata }), ...(customMetadata && { customMetadata }) });
}

async function obey(edge: LocalEdge, order: Order, peers: readonly string[]): Promise<unknown> {
  switch (order.kind) {
    case 'tamper':
      return tamper(edge, order.object);
    case 'poll':
      // Each by itself, as the cron has it: one that hangs holds up nobody.
      return Promise.all((await desksOf(edge, peers)).map(([region, desk]) => desk.advance(region)));
    case 'peers':
      return Promise.all((await desksOf(edge, peers)).map(([region, desk]) => desk.status(region)));
    case 'round':
      return round(edge, peers);
  }
}

async function round(edge: LocalEdge, peers: readonly string[]): Promise<void> {
  // workerd was killed, or is being ended: the next round tries again.
  const attempts = [
    () => obey(edge, { kind: 'poll' }, peers),
    async () => Promise.allSettled((await desksOf(edge, peers)).map(([region, desk]) => desk.tell(region))),
    () => runCrons(edge.miniflare, VERIFICATION),
  ];
  for (const attempt of attempts) await attempt().catch(() => undefined);
}

/** The checkpoint last: a crash in between leaves objects that no checkpoint names. */
async function copyDirectory({ miniflare }: LocalEdge, folder: string): Promise<string | null> {
  const checkpoint = readOrNull(join(folder, CHECKPOINT_PATH));
  if (checkpoint === null) return null;
  const bucket = await miniflare.getR2Bucket('DIRECTORY', 'exposure-edge-federation');
  for (const path of pathsOf(parseCheckpoint(checkpoint)?.size ?? 0)) {
    const bytes = readOrNull(join(folder, path));
    if (bytes !== null) await bucket.put(path, bytes);
  }
  await bucket.put(CHECKPOINT_PATH, checkpoint);
  return toHex(sha256(checkpoint));
}

/**
 * @param settings see {@link BackendSettings}
 * @param ears hear of what happens in it
 * @returns the backend, once it answers
 * @throws Error when a port is taken, or the edge doesn't start
 */
export async function startBackendEdge(settings: BackendSettings, ears: BackendEars): Promise<BackendEdge> {
  const { onLog, onAnswered = () => undefined } = ears;
  const front = await startFront({
    ...settings.front,
    onAnswered: (path, status) => onAnswered({ path, status }),
  });
  const edge = await startLocalEdge({
    state: settings.state,
    port: settings.port,
    vars: settings.vars,
    adapt: withCertificates('federation', settings.certificates),
    onLog,
  });
  front.serve(edge.miniflare);
  const { url, publicPem, manifestPublicPem: manifestPem } = edge;
  return {
    ready: { url, feedUrl: front.url, publicPem, manifestPem },
    obey: (order) => obey(edge, order, settings.peers),
    round: () => round(edge, settings.peers),
    copyDirectory: () => copyDirectory(edge, settings.directory),
    async end() {
      await front.close();
      await edge.dispose();
    },
  };
}
