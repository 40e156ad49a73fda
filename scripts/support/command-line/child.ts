/**
 * @module Runs another program to its end without blocking, so that Ctrl-C is heard, and ends it with the command.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { endAtInterrupt } from './interrupt.ts';

/** How a program ended. */
export interface Ended {
  /** Null when a signal ended it. */
  readonly code: number | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** How to run it. */
interface ChildOptions {
  /** Default: the directory of the command. */
  readonly cwd?: string;
  /** Beside the command's own environment. */
  readonly environment?: Readonly<Record<string, string>>;
  /** `shown`: its output is the command's; `kept`: it is returned. */
  readonly output: 'shown' | 'kept';
}

/**
 * @param program looked up on PATH
 * @param args its arguments
 * @param options see {@link ChildOptions}
 * @returns how it ended; output is empty where it was shown
 * @throws Error when it can't be started
 */
export async function runChild(program: string, args: readonly string[], options: ChildOptions): Promise<Ended> {
  const { cwd, environment = {}, output } = options;
  const child = spawn(program, args, {
    ...(cwd === undefined ? {} : { cwd }),
    env: { ...process.env, ...environment },
    stdio: ['ignore', ...(output === 'shown' ? (['inherit', 'inherit'] as const) : (['pipe', 'pipe'] as const))],
  });
  let [stdout, stderr] = ['', ''];
  child.stdout?.setEncoding('utf8').on('data', (part: string) => (stdout += part));
  child.stderr?.setEncoding('utf8').on('data', (part: string) => (stderr += part));
  const code = await childEnd(child);
  return { code, stdout, stderr };
}

/**
 * @param child that was just started
 * @returns its exit code once it and its output have ended, null when a signal ended it
 * @throws Error when it couldn't be started
 */
export function childEnd(child: ChildProcess): Promise<number | null> {
  const ended = endAtInterrupt(() => void child.kill('SIGTERM'));
  return new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  }).finally(ended);
}
