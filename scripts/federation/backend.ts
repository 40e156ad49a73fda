/**
 * @module One backend of a federation on this machine, in a process (and process group) of its own, so that it can be killed: a local edge, TLS with client certificates in front of it, and a copy of the
 * directory in its bucket that follows the log's folder. Says a line of JSON for each step; ends when its standard input does.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { startLocalEdge } from '../../local-edge/local-edge.ts';
import { withCertificates } from '../../local-edge/mutual-tls/certificate-binding.ts';
import { startFront } from '../../local-edge/mutual-tls/front.ts';
import { parseCheckpoint } from '../../protocol/directory/checkpoint.ts';
import { CHECKPOINT_PATH, pathsOf } from '../../protocol/directory/tiles.ts';
import { compareBytes, toHex } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { text } from '../support/command-line/arguments.ts';
import { run } from '../support/command-line/command.ts';
import { readOrNull } from '../support/directory/folder.ts';
import type { BackendSettings } from './settings.ts';

/** How often the log's folder is looked at. */
const LOOK_MS = 200;

type Edge = Awaited<ReturnType<typeof startLocalEdge>>;

/** What its parent has it do, a line of JSON each: the part of a dishonest operator, who alters what is sealed. */
export interface Order {
  /** Name of an object of the bucket of feeds, whose middle byte is changed; what is beside it, its signature too, stays. */
  readonly tamper: string;
}

async function tamper({ miniflare }: Edge, { tamper: key }: Order): Promise<void> {
  const bucket = await miniflare.getR2Bucket('FEEDS', 'exposure-edge-federation');
  const object = await bucket.get(key);
  if (object === null) throw new Error(`${key}: there is no such object`);
  const bytes = new Uint8Array(await object.arrayBuffer());
  const middle = bytes.length >> 1;
  bytes[middle] = (bytes[middle] ?? 0) ^ 1;
  const { httpMetadata, customMetadata } = object;
  await bucket.put(key, bytes, { ...(httpMetadata && { httpMetadata }), ...(customMetadata && { customMetadata }) });
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
      void tamper(edge, JSON.parse(line) as Order).then(
        () => tell({ done: line }),
        (error: unknown) => tell({ done: line, failed: String(error) }),
      );
    });
    void followDirectory(edge, settings.directory, (directory) => tell({ directory }));
    await over;
    await front.close();
    await edge.dispose();
    return process.exit(0);
  },
);
