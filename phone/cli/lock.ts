/**
 * @module One command at a time on a directory.
 */
import { randomUUID } from 'node:crypto';
import { link, readFile, realpath, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { RefusedError } from './calling.ts';

/**
 * @param directories that exist
 * @param work what is done while nobody else is at work on them
 * @returns its result
 * @throws {RefusedError} when somebody is
 */
export async function locked<T>(directories: readonly string[], work: () => Promise<T>): Promise<T> {
  const paths = (await Promise.all(directories.map((directory) => realpath(directory)))).toSorted();
  const held: string[] = [];
  try {
    // In one order for all commands, so that two never wait for each other; nobody waits at all.
    for (const path of paths) {
      await lock(path);
      held.push(path);
    }
    return await work();
  } finally {
    for (const path of held) await rm(join(path, 'lock'), { force: true });
  }
}

/** A file with the number of the process that is at work. Killed, it leaves the file, and the next command sees that it is gone. */
async function lock(directory: string): Promise<void> {
  const path = join(directory, 'lock');
  const own = `${path}.${randomUUID()}`;
  await writeFile(own, String(process.pid), { mode: 0o600 });
  try {
    for (let tries = 0; ; tries++) {
      try {
        // Written first and linked then, so that nobody finds a lock that names no process yet.
        await link(own, path);
        return;
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
      }
      const holder = Number(await readFile(path, 'utf8').catch(() => ''));
      if (tries > 0 || isAlive(holder)) {
        throw new RefusedError(
          `another command (process ${holder}) is at work on ${directory}; if none is, remove ${path}`,
        );
      }
      await rm(path, { force: true });
    }
  } finally {
    await rm(own, { force: true });
  }
}

function isAlive(pid: number): boolean {
  if (!Number.isSafeInteger(pid) || pid <= 0) return false;
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}
