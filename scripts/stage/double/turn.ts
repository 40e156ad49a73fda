/**
 * @module Turns between processes, by a file that only one of them can make. A break leaves it with the number of a process that is gone; the next
 * one takes it over.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

const PAUSE_MS = 2;

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

function tryTo(path: string): boolean {
  try {
    writeFileSync(path, String(process.pid), { flag: 'wx', mode: 0o600 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  const holder = existsSync(path) ? Number(readFileSync(path, 'utf8')) : 0;
  // Zero: it was given back meanwhile, or its number isn't written yet.
  if (holder > 0 && !isAlive(holder)) rmSync(path, { force: true });
  return false;
}

/** @param path of the file; waits until nobody else has it */
export async function takeTurn(path: string): Promise<void> {
  while (!tryTo(path)) await sleep(PAUSE_MS);
}

/** @param path of the file */
export function endTurn(path: string): void {
  rmSync(path, { force: true });
}
