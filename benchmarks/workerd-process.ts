/**
 * @module The workerd that this process started, as /proc shows it (Linux).
 */
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';

const USER_HZ = 100;

interface WorkerdProcess {
  readonly pid: number;
  /** CPU milliseconds used so far, user and system. */
  readonly cpuMs: number;
}

/** @returns the workerd children of this process */
export function workerdProcesses(): WorkerdProcess[] {
  const found: WorkerdProcess[] = [];
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    try {
      if (!readlinkSync(`/proc/${pid}/exe`).endsWith('/workerd')) continue;
      const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]?.split(' ') ?? [];
      if (Number(fields[1]) !== process.pid) continue;
      found.push({ pid: Number(pid), cpuMs: ((Number(fields[11]) + Number(fields[12])) * 1000) / USER_HZ });
    } catch {
      continue; // gone meanwhile
    }
  }
  return found;
}

/** @returns CPU milliseconds that they have used so far */
export const workerdCpuMs = (): number => workerdProcesses().reduce((sum, { cpuMs }) => sum + cpuMs, 0);
