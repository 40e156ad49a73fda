/**
 * @module `npm run serve -- init`: a folder with `serve.toml`, secrets that were drawn for it, the public keys that phones pin, and apart from
 * them what must not stay on the machine.
 */
import { copyFileSync, existsSync, mkdirSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { loadSecrets } from '../../local-edge/secrets.ts';
import { writeWhole } from '../../local-edge/state-format.ts';
import { readEnvironments, ROOT } from '../../local-edge/workers.ts';
import { temporaryFolder } from '../support/command-line/interrupt.ts';

const SETTINGS = 'serve.toml';
/** Private halves whose public ones the Workers have: who holds them could undo, restore, or admit laboratories. */
const OFFLINE = ['restore.pem', 'undo-private.pem', 'laboratories.pem'];

/**
 * The order, and what a crash leaves: secrets, then keys, `serve.toml` last; a folder without it is begun anew into another one.
 *
 * @param folder made if missing
 * @returns the files that must leave the machine
 * @throws Error when the folder has something in it
 */
export function initServing(folder: string): string[] {
  if (existsSync(folder) && readdirSync(folder).length > 0)
    throw new Error(`${folder} is not empty: nothing was written`);
  const drawn = temporaryFolder('serve-init');
  try {
    const workers = readEnvironments();
    const secrets = loadSecrets(drawn.path, workers);
    const wanted = new Set(workers.flatMap((worker) => worker.secrets));
    const online = Object.fromEntries(Object.entries(secrets).filter(([name]) => wanted.has(name)));
    for (const part of ['', 'public']) mkdirSync(join(folder, part), { recursive: true, mode: 0o755 });
    mkdirSync(join(folder, 'offline'), { mode: 0o700 });
    writeWhole(join(folder, 'secrets.json'), `${JSON.stringify(online, null, 2)}\n`);
    writeWhole(join(folder, 'store.json'), `${JSON.stringify({ accessKeyId: '', secretAccessKey: '' }, null, 2)}\n`);
    const pems = readdirSync(drawn.path).filter((name) => name.endsWith('.pem'));
    for (const name of pems) {
      const part = OFFLINE.includes(name) ? 'offline' : 'public';
      writeWhole(join(folder, part, name), readFileSync(join(drawn.path, name), 'utf8'));
    }
    copyFileSync(join(ROOT, 'deploy/serve.toml'), join(folder, SETTINGS));
    return OFFLINE.map((name) => join(folder, 'offline', name));
  } finally {
    drawn.remove();
  }
}
