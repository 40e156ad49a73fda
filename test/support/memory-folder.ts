/**
 * @module Where tests keep what they throw away: in memory where there is plenty. A commit waits for the disk, and a simulated day is hundreds of
 * commits; no test outlives a power cut. What must be on a disk to be measured is measured by benchmarks, which don't use this.
 */
import { mkdirSync, readdirSync, rmSync, statfsSync } from 'node:fs';
import { join } from 'node:path';

/** A file system in memory, on Linux. */
const MEMORY = '/dev/shm';
const PREFIX = 'exposure-edge-tests-';
const ROOM_BYTES = 4e9;
/** What the tests themselves may take (CONTRIBUTING.md) beside it. */
const MACHINE_BYTES = 12e9;

/** @returns whether there is such a process */
function lives(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

/**
 * Temporary files of this process and of what it starts go to memory from now on; folders of runs that were killed are removed.
 *
 * @param memoryBytes what the machine has, or a container may take
 */
export function keepTemporaryFilesInMemory(memoryBytes: number): void {
  const folder = join(MEMORY, `${PREFIX}${process.pid}`);
  // The configuration is read once for each project.
  if (process.env['TMPDIR'] === folder || memoryBytes < MACHINE_BYTES || roomBytes() < ROOM_BYTES) return;
  for (const name of readdirSync(MEMORY)) {
    const pid = Number(name.startsWith(PREFIX) ? name.slice(PREFIX.length) : Number.NaN);
    if (Number.isInteger(pid) && !lives(pid)) rmSync(join(MEMORY, name), { recursive: true, force: true });
  }
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  process.env['TMPDIR'] = folder;
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
}

function roomBytes(): number {
  try {
    const { bavail, bsize } = statfsSync(MEMORY);
    return bavail * bsize;
  } catch {
    return 0;
  }
}
