/**
 * @module Starts, kills and restarts the victim. Kills by process id alone: workerd, or the whole process group.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ROOT } from '../../local-edge/workers.ts';
import { endAtInterrupt } from '../support/command-line/interrupt.ts';
import { loseOrigin } from '../support/lost-storage.ts';
import type { ReadableEdge } from '../support/published.ts';
import type { Batch } from './clients.ts';
import type { Target } from './moments.ts';

/** What the victim says when it is ready. */
export interface Ready extends ReadableEdge {
  /** Those that it was asked to print. */
  readonly batches: readonly Batch[];
}

const START_TIMEOUT_MS = 60_000;
const ANSWER_TIMEOUT_MS = 30_000;

/** Direct children of a process that run a workerd binary. */
function workerdOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      try {
        const parentOf = Number(/^PPid:\s+(\d+)$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]);
        return parentOf === parent && readlinkSync(`/proc/${pid}/exe`).endsWith('/workerd');
      } catch {
        return false; // gone meanwhile
      }
    });
}

export class Victim {
  /** Of the edge. */
  readonly state: string;
  readonly #folder: string;
  readonly #port: number;
  #child: ChildProcess | null = null;

  /** @param folder of the run: the edge's state, and what it would leave in the system's own when it is killed @param port of the edge */
  constructor(folder: string, port: number) {
    this.#folder = folder;
    this.state = join(folder, 'state');
    this.#port = port;
    // A group of its own doesn't hear the terminal's Ctrl-C.
    endAtInterrupt(() => this.#killGroup());
  }

  /** Starts it and waits until it is ready. @param batches of code cards to print first @throws Error when it ends or says nothing within a minute */
  async start(batches = 0): Promise<Ready> {
    const numbers = ['--port', String(this.#port), '--batches', String(batches)];
    const args = ['scripts/chaos/serve.ts', '--state', this.state, ...numbers];
    const child = spawn(process.execPath, args, {
      cwd: ROOT,
      detached: true,
      env: { ...process.env, TMPDIR: this.#folder },
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    this.#child = child;
    let text = '';
    child.stdout.on('data', (part) => (text += String(part)));
    const until = Date.now() + START_TIMEOUT_MS;
    while (!text.includes('\n')) {
      if (child.exitCode !== null || child.signalCode !== null)
        throw new Error('the local edge ended while it started');
      if (Date.now() > until) throw new Error(`the local edge was not ready after ${START_TIMEOUT_MS / 1000} s`);
      await sleep(50);
    }
    return JSON.parse(text) as Ready;
  }

  /**
   * Kills, waits until the killed are gone, and brings the edge back.
   *
   * @param atRest called while nothing runs, unless it was workerd alone
   * @param batches of code cards to print then
   * @returns those that were printed
   */
  async kill(
    target: Target,
    atRest: () => Promise<void> = async () => undefined,
    batches = 0,
  ): Promise<readonly Batch[]> {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error('nothing runs');
    if (target === 'workerd') {
      for (const workerd of workerdOf(pid)) process.kill(workerd, 'SIGKILL');
      await this.#answers();
      return [];
    }
    await this.end();
    await atRest();
    if (target === 'storage') loseOrigin(this.state);
    return (await this.start(batches)).batches;
  }

  /** Kills everything and waits. */
  async end(): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    const gone = new Promise((resolve) => child.once('exit', resolve));
    if (!this.#killGroup()) return;
    await gone;
    this.#child = null;
  }

  /** @returns false when nothing was running */
  #killGroup(): boolean {
    const child = this.#child;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return false;
    process.kill(-child.pid, 'SIGKILL');
    return true;
  }

  /** Miniflare starts workerd anew by itself; if it does not, the group is started over. */
  async #answers(): Promise<void> {
    const until = Date.now() + ANSWER_TIMEOUT_MS;
    while (Date.now() < until) {
      try {
        await fetch(`http://127.0.0.1:${this.#port}/local/clock`, { signal: AbortSignal.timeout(2_000) });
        return;
      } catch {
        await sleep(100);
      }
    }
    await this.end();
    await this.start();
  }
}
