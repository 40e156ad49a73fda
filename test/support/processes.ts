/**
 * @module Commands of package.json as a person runs them: as processes of their own, in a process group of their own.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { ROOT } from '../../local-edge/workers.ts';

/** How a command ended. */
export interface Ended {
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command that runs. */
export interface Running {
  readonly child: ChildProcess;
  /** Resolves when a line of stdout or stderr matches; rejects when the command ends before. */
  output(pattern: RegExp): Promise<RegExpExecArray>;
  /** The process and all that inherited its output are gone. */
  readonly ended: Promise<Ended>;
  /** The process is gone; what it started may live on. */
  readonly exited: Promise<void>;
  /** Signals the process, or its whole group, workerd included. */
  kill(signal: NodeJS.Signals, target: 'process' | 'group'): void;
}

/**
 * Starts `sh scripts/run.sh …`, which is what the npm scripts do.
 *
 * @param args e.g. `['scripts/tan.ts', '--count', '3']`
 * @returns the running command
 */
export function start(args: readonly string[]): Running {
  const child = spawn('sh', ['scripts/run.sh', ...args], {
    cwd: ROOT,
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, INIT_CWD: ROOT },
  });
  let stdout = '';
  let stderr = '';
  const listeners = new Set<() => void>();
  const changed = (): void => listeners.forEach((listener) => listener());
  child.stdout.on('data', (part) => {
    stdout += String(part);
    changed();
  });
  child.stderr.on('data', (part) => {
    stderr += String(part);
    changed();
  });
  const ended = new Promise<Ended>((resolve) => child.on('close', (code) => resolve({ code, stdout, stderr })));
  return {
    child,
    ended,
    exited: new Promise((resolve) => child.on('exit', () => resolve())),
    output(pattern) {
      return new Promise((resolve, reject) => {
        const look = (): void => {
          const found = pattern.exec(stdout) ?? pattern.exec(stderr);
          if (found === null) return;
          listeners.delete(look);
          resolve(found);
        };
        listeners.add(look);
        void ended.then(() => reject(new Error(`ended without ${pattern}\n${stdout}${stderr}`)));
        look();
      });
    },
    kill(signal, target) {
      const pid = child.pid;
      if (pid !== undefined) process.kill(target === 'group' ? -pid : pid, signal);
    },
  };
}

/** Runs a command to its end. @param args as for {@link start} @returns how it ended */
export function runCommand(args: readonly string[]): Promise<Ended> {
  return start(args).ended;
}
