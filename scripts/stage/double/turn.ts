/**
 * @module Turns between processes, by a file that only one of them can make. A break leaves it with the number of a process that is gone; the next
 * one takes it over.
 */
import { randomUUID } from 'node:crypto';
import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
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

function tryTo(mine: string, path: string): boolean {
  try {
    linkSync(mine, path);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
  if (isLeft(path)) rmSync(path, { force: true });
  return false;
}

/** Whether its holder is gone. Empty, it was made by none of ours, which come whole. */
function isLeft(path: string): boolean {
  let holder: string;
  try {
    holder = readFileSync(path, 'utf8');
  } catch {
    return false; // given back meanwhile
  }
  return holder === '' || !isAlive(Number(holder));
}

/** @param path of the file; waits until nobody else has it @throws Error of the file system: a full disk, for one, which leaves no file that nobody gives back */
export async function takeTurn(path: string): Promise<void> {
  // It is made beside and linked, so that it is never there without its holder's number.
  const mine = `${path}.${randomUUID()}`;
  try {
    writeFileSync(mine, String(process.pid), { flag: 'wx', mode: 0o600 });
    while (!tryTo(mine, path)) await sleep(PAUSE_MS);
  } finally {
    rmSync(mine, { force: true });
  }
}

/** @param path of the file */
export function endTurn(path: string): void {
  rmSync(path, { force: true });
}
