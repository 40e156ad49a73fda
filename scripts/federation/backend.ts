/**
 * @module One backend of a federation on this machine, in a process (and process group) of its own, so that it can be killed; its copy of the directory follows the log's folder. Says a line of
 * JSON for each step; ends when its standard input does.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import { provideBundles } from '../../local-edge/bundle.ts';
import { CHECKPOINT_PATH } from '../../protocol/directory/tiles.ts';
import { compareBytes } from '../../protocol/primitives/bytes.ts';
import { text } from '../support/command-line/arguments.ts';
import { run } from '../support/command-line/command.ts';
import { readOrNull } from '../support/directory/folder.ts';
import { type BackendEdge, startBackendEdge } from './backend-edge.ts';
import type { Order } from './orders.ts';
import type { BackendSettings } from './settings.ts';

/** How often the log's folder is looked at. */
const LOOK_MS = 200;

/** Does what crons do, again and again. */
async function keepPolling(backend: BackendEdge, everyMs: number): Promise<never> {
  for (;;) {
    await backend.round();
    await sleep(everyMs);
  }
}

/**
 * Copies the log into the bucket whenever its checkpoint changes.
 *
 * @param said hears which checkpoint is there now, as a hash
 */
async function followDirectory(
  backend: BackendEdge,
  folder: string,
  said: (checkpoint: string | null) => void,
): Promise<never> {
  let last: Uint8Array = new Uint8Array();
  for (;;) {
    const checkpoint = readOrNull(join(folder, CHECKPOINT_PATH));
    if (checkpoint !== null && compareBytes(checkpoint, last) !== 0) {
      try {
        said(await backend.copyDirectory());
        last = checkpoint;
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
    provideBundles(JSON.parse(readFileSync(settings.bundles, 'utf8')) as Record<string, string>);
    const backend = await startBackendEdge(settings, {
      onLog: (log) => tell({ log }),
      onAnswered: (answered) => tell({ answered }),
    });
    tell({ ready: backend.ready });
    orders.on('line', (line) => {
      const { id, ...order } = JSON.parse(line) as Order & { readonly id: number };
      void backend.obey(order as Order).then(
        (result) => tell({ done: id, result: result ?? null }),
        (error: unknown) => tell({ done: id, failed: String(error) }),
      );
    });
    let { pollMs } = settings;
    void followDirectory(backend, settings.directory, (directory) => {
      tell({ directory });
      // Not before: a consumer without a directory counts an alert, and waits.
      if (pollMs !== null) void keepPolling(backend, pollMs);
      pollMs = null;
    });
    await over;
    await backend.end();
    return process.exit(0);
  },
);
