/**
 * @module The workerd that this process started, as /proc shows it (Linux).
 */
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';

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

/**
 * Begins to watch the resident set of the one workerd of this process.
 *
 * @returns its peak since then, above what it held then, MiB
 * @throws Error when there is none, or more than one
 */
export function watchResidentSet(): () => number {
  const [workerd, another] = workerdProcesses();
  if (workerd === undefined || another !== undefined) throw new Error('there must be one workerd of this process');
  const field = (name: 'VmRSS' | 'VmHWM'): number => {
    const line = new RegExp(`^${name}:\\s+(\\d+) kB$`, 'm').exec(readFileSync(`/proc/${workerd.pid}/status`, 'utf8'));
    return Number(line?.[1] ?? Number.NaN) / 1024;
  };
  writeFileSync(`/proc/${workerd.pid}/clear_refs`, '5');
  const idle = field('VmRSS');
  return () => field('VmHWM') - idle;
}
