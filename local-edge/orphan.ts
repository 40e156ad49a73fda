/**
 * @module workerd outlives a Node parent that was killed by SIGKILL and keeps the port (docs/spec/platform.md §4a). A start
 * notes its workerd in the state directory; the next start on that directory ends one that has lost its parent.
 * Uses /proc, so it does nothing outside Linux.
 */
import { existsSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';

const FILE = 'workerd.pid';

const read = (path: string): string | null => (existsSync(path) ? readFileSync(path, 'utf8') : null);

/** True if the process runs a workerd binary. A link that can't be read belongs to a process that is gone or isn't ours. */
function isWorkerd(pid: number): boolean {
  try {
    return /\/workerd( \(deleted\))?$/.test(readlinkSync(`/proc/${pid}/exe`));
  } catch {
    return false;
  }
}

/** Notes which workerd this process has started. @param state the state directory */
export function noteWorkerd(state: string): void {
  const children = (read(`/proc/self/task/${process.pid}/children`) ?? '').split(' ').map(Number);
  const found = children.filter((pid) => pid > 0 && isWorkerd(pid)).map((pid) => `${pid} ${process.pid}`);
  writeFileSync(join(state, FILE), `${found.join('\n')}\n`);
}

/** Forgets it, at a clean end. @param state the state directory */
export function forgetWorkerd(state: string): void {
  rmSync(join(state, FILE), { force: true });
}

/**
 * Ends a workerd whose parent is gone.
 *
 * @param state the state directory
 * @returns how many were ended
 * @throws Error when the parent is alive: another local edge runs on this directory
 */
export async function endOrphan(state: string): Promise<number> {
  let ended = 0;
  for (const line of (read(join(state, FILE)) ?? '').split('\n')) {
    const [pid = 0, parent = 0] = line.split(' ').map(Number);
    if (pid === 0 || !isWorkerd(pid)) continue;
    const parentNow = Number(/^PPid:\s+(\d+)$/m.exec(read(`/proc/${pid}/status`) ?? '')?.[1] ?? 0);
    if (parentNow === parent) throw new Error(`a local edge (process ${parent}) is running on ${state} already`);
    process.kill(pid, 'SIGKILL');
    ended += 1;
    for (let tries = 0; tries < 50 && isWorkerd(pid); tries += 1) await sleep(20);
  }
  forgetWorkerd(state);
  return ended;
}
