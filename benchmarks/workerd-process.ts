/**
 * @module The workerd that this process started, and what else it did, as /proc shows it (Linux).
 */
import { readdirSync, readFileSync, readlinkSync, writeFileSync } from 'node:fs';

const USER_HZ = 100;

interface WorkerdProcess {
  readonly pid: number;
  /** CPU milliseconds used so far, user and system. */
  readonly cpuMs: number;
}

/** Of `/proc/pid/stat`, as far as it is wanted; null when the process has gone meanwhile. */
function statOf(pid: string): { readonly parent: number; readonly cpuMs: number } | null {
  try {
    // What stands before the last ") " is the command's name, which may hold anything.
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ').at(-1)?.split(' ') ?? [];
    return { parent: Number(fields[1]), cpuMs: ((Number(fields[11]) + Number(fields[12])) * 1000) / USER_HZ };
  } catch {
    return null;
  }
}

const pids = (): string[] => readdirSync('/proc').filter((name) => /^\d+$/.test(name));

function isWorkerd(pid: string): boolean {
  try {
    return readlinkSync(`/proc/${pid}/exe`).endsWith('/workerd');
  } catch {
    return false;
  }
}

/** @returns the workerd children of this process */
export function workerdProcesses(): WorkerdProcess[] {
  return pids().flatMap((pid) => {
    const stat = isWorkerd(pid) ? statOf(pid) : null;
    return stat?.parent === process.pid ? [{ pid: Number(pid), cpuMs: stat.cpuMs }] : [];
  });
}

/** @returns CPU milliseconds that all which this process started, and what they started, have used so far, as far as they still run */
export function startedCpuMs(): number {
  const all = pids().flatMap((pid) => {
    const stat = statOf(pid);
    return stat === null ? [] : [{ pid: Number(pid), ...stat }];
  });
  const children = Map.groupBy(all, ({ parent }) => parent);
  const started = [...(children.get(process.pid) ?? [])];
  for (const { pid } of started) started.push(...(children.get(pid) ?? []));
  return started.reduce((sum, { cpuMs }) => sum + cpuMs, 0);
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
