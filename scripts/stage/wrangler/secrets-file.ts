/**
 * @module The file by which wrangler is given secrets: readable by its owner alone, in memory where the machine has such a folder, and gone before anything else happens.
 *
 * Left behind by a crash: the file, until the next command of any stage that opens an account (`plan` and `check` among them), which removes those of processes that are gone; in `/dev/shm`,
 * until the machine is started again.
 */
import { existsSync, mkdtempSync, readdirSync, lstatSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { removeFolder } from '../../../local-edge/remove-folder.ts';
import { endAtInterrupt } from '../../support/command-line/interrupt.ts';

const MEMORY = '/dev/shm';
/** `wrangler`: what a run of it writes beside, its log among it (run-wrangler.ts). */
const NAME = /^exposure-edge-(?:secrets|wrangler)-(\d+)-/;

/** Where such files are made: in memory, or where temporary files are. */
export const secretsFolder = (): string => (existsSync(MEMORY) ? MEMORY : tmpdir());

/**
 * @param secrets by name; JSON, since wrangler expands `$` in the other form
 * @param use gets the file's path, or null where there is no secret
 * @param folder where it is made
 * @returns what `use` returns
 */
export async function withSecretsFile<T>(
  secrets: Readonly<Record<string, string>>,
  use: (file: string | null) => Promise<T>,
  folder: string = secretsFolder(),
): Promise<T> {
  if (Object.keys(secrets).length === 0) return use(null);
  // mkdtemp makes a folder that nobody else may enter.
  const own = mkdtempSync(join(folder, `exposure-edge-secrets-${process.pid}-`));
  const remove = (): void => removeFolder(own);
  const forget = endAtInterrupt(remove);
  try {
    const file = join(own, 'secrets.json');
    writeFileSync(file, JSON.stringify(secrets), { mode: 0o600, flag: 'wx' });
    return await use(file);
  } finally {
    forget();
    remove();
  }
}

/**
 * Removes what runs left that were killed. Whatever can't be removed is left: no command fails because of another one's remains.
 *
 * @param folders where such files are made
 */
export function removeLeftBehind(...folders: readonly string[]): void {
  const at = folders.length === 0 ? new Set([secretsFolder(), tmpdir()]) : folders;
  for (const folder of at) {
    for (const name of readdirSync(folder)) {
      const pid = NAME.exec(name)?.[1];
      if (pid !== undefined && !isAlive(Number(pid)) && isMine(join(folder, name))) removeFolder(join(folder, name));
    }
  }
}

/** Everybody on a machine makes files in these folders, and nobody removes another's. */
function isMine(path: string): boolean {
  try {
    return lstatSync(path).uid === process.getuid?.();
  } catch {
    return false; // another command has just removed it
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // Somebody else's process is one.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
