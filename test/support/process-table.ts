/**
 * @module What this process and its descendants have used, by the kernel's own figures (Linux, proc(5)): peak resident
 * memory (`VmHWM`) and CPU time. Both only grow, so looking again and again misses no more than a process's last moment.
 */
import { readdirSync, readFileSync } from 'node:fs';

/** What one process has used so far. */
export interface ProcessFigures {
  readonly pid: number;
  readonly parent: number;
  /** Clock ticks after boot; with the pid it names a process, since pids come again. */
  readonly started: number;
  readonly command: readonly string[];
  /** Highest resident set so far, MB. */
  readonly peakMb: number;
  /** User and system, seconds. */
  readonly cpuSeconds: number;
}

/** proc(5): times are in ticks of sysconf(_SC_CLK_TCK), 100 on every Linux that Node runs on. */
const TICKS_PER_SECOND = 100;
/** "kB" in /proc are 1,024 bytes. */
const MB_PER_KIB = 1024 / 1e6;
/** Fields of `/proc/pid/stat`, counted from the one after the command's name, which is the third of proc(5). */
const STAT = { parent: 1, user: 11, system: 12, started: 19 } as const;

/**
 * @param root pid
 * @returns its figures, and those of all that it started and what they started, as far as they run; empty where there is no
 *   /proc
 */
export function processTree(root: number): ProcessFigures[] {
  const children = Map.groupBy(allProcesses(), ({ parent }) => parent);
  const pids = [root];
  for (const pid of pids) pids.push(...(children.get(pid) ?? []).map((child) => child.pid));
  return pids.flatMap((pid) => figuresOf(pid) ?? []);
}

/**
 * @param pid any
 * @returns null if there is no such process, or it has ended and nobody asked how
 */
export function figuresOf(pid: number): ProcessFigures | null {
  try {
    const stat = statOf(pid);
    const status = readFileSync(`/proc/${pid}/status`, 'utf8');
    const peakMb = megabytes('VmHWM', status);
    if (Number.isNaN(peakMb)) return null;
    const command = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
    const cpuSeconds = (stat('user') + stat('system')) / TICKS_PER_SECOND;
    return { pid, parent: stat('parent'), started: stat('started'), command, peakMb, cpuSeconds };
  } catch {
    return null;
  }
}

/**
 * @param pid any
 * @returns its proportional set now, MB: a page that n processes share counts a nth in each, so that processes can be summed
 */
export function proportionalMb(pid: number): number {
  try {
    return megabytes('Pss', readFileSync(`/proc/${pid}/smaps_rollup`, 'utf8'));
  } catch {
    return 0; // gone meanwhile
  }
}

function megabytes(field: 'VmHWM' | 'Pss', text: string): number {
  return Number(new RegExp(`^${field}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1]) * MB_PER_KIB;
}

function statOf(pid: number): (field: keyof typeof STAT) => number {
  // The command stands in parentheses and may hold any character, parentheses too.
  const fields = readFileSync(`/proc/${pid}/stat`, 'utf8')
    .replace(/^.*\) /s, '')
    .split(' ');
  return (field) => Number(fields[STAT[field]]);
}

function allProcesses(): { readonly pid: number; readonly parent: number }[] {
  try {
    return readdirSync('/proc').flatMap((name) => {
      if (!/^\d+$/.test(name)) return [];
      try {
        return [{ pid: Number(name), parent: statOf(Number(name))('parent') }];
      } catch {
        return []; // gone meanwhile
      }
    });
  } catch {
    return [];
  }
}
