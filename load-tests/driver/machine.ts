/**
 * @module What the figures were measured on, and CPU time of a process from /proc (Linux).
 */
import { readFileSync, readdirSync, readlinkSync } from 'node:fs';
import { cpus, totalmem } from 'node:os';

/** Kernel ticks a second: USER_HZ is 100 on every Linux platform of Node. */
const TICKS_PER_SECOND = 100;

/** @returns e.g. `2 × Intel Xeon, 23 GiB, Node 24.21.0` */
export function machineName(): string {
  const all = cpus();
  const model = (all[0]?.model ?? 'unknown processor').replace(/\s+/g, ' ').trim();
  return `${all.length} × ${model}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}`;
}

/**
 * @param pid a process
 * @returns CPU milliseconds it has used so far, user and system; 0 when it is gone
 */
export function cpuMilliseconds(pid: number): number {
  try {
    // The second field is a name in parentheses that may hold spaces.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return ((Number(fields[11]) + Number(fields[12])) * 1_000) / TICKS_PER_SECOND;
  } catch {
    return 0;
  }
}

/** @returns process ids of the workerd that this process has started */
export function ownWorkerd(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => parentOf(pid) === process.pid && /\/workerd( \(deleted\))?$/.test(programOf(pid)));
}

function parentOf(pid: number): number {
  try {
    return Number(readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ')[1]);
  } catch {
    return 0;
  }
}

function programOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/exe`);
  } catch {
    return '';
  }
}
