/**
 * @module A backend of a federation as its parent sees it: started, killed, started again, ended. Kills by process id alone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ROOT } from '../../local-edge/workers.ts';
import { endAtInterrupt } from '../support/command-line/interrupt.ts';
import { writeDurably } from '../support/directory/folder.ts';
import { type BackendPlan, backendFiles } from './plan.ts';
import type { BackendSettings } from './settings.ts';

/** What it says when it answers. */
export interface Ready {
  /** Of the local edge. */
  readonly url: string;
  /** Of its TLS front. */
  readonly feedUrl: string;
  /** SPKI, what phones pin. */
  readonly publicPem: string;
  readonly manifestPem: string;
}

interface Line {
  readonly ready?: Ready;
  readonly directory?: string;
  readonly log?: string;
}

/** Three start at once on two cores, each bundling all Workers. */
const START_TIMEOUT_MS = 120_000;
const END_TIMEOUT_MS = 20_000;

export class BackendProcess {
  readonly plan: BackendPlan;
  readonly #settings: string;
  readonly #onLog: (line: string) => void;
  #child: ChildProcess | null = null;
  #directory = '';
  #waiting: (() => void)[] = [];

  /** @param settings written into its folder, where the process reads them @param onLog hears what its Workers print */
  constructor(plan: BackendPlan, settings: BackendSettings, onLog: (line: string) => void) {
    this.plan = plan;
    this.#onLog = onLog;
    this.#settings = backendFiles(plan).settings;
    writeDurably(this.#settings, `${JSON.stringify(settings, null, 2)}\n`, 0o600);
    // A group of its own doesn't hear the terminal's Ctrl-C.
    endAtInterrupt(() => this.#killGroup());
  }

  /** @returns addresses and keys, once it answers @throws Error when it ends before, or says nothing within two minutes */
  start(): Promise<Ready> {
    const child = spawn(process.execPath, ['scripts/federation/backend.ts', '--settings', this.#settings], {
      cwd: ROOT,
      detached: true,
      env: { ...process.env, TMPDIR: this.plan.folder },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#directory = '';
    const { promise, resolve, reject } = Promise.withResolvers<Ready>();
    const late = setTimeout(() => reject(new Error(`${this.plan.id}: not ready in time`)), START_TIMEOUT_MS);
    createInterface({ input: child.stdout }).on('line', (line) => {
      const { ready, directory, log } = JSON.parse(line) as Line;
      if (ready !== undefined) resolve(ready);
      if (log !== undefined) this.#onLog(log);
      if (directory === undefined) return;
      this.#directory = directory;
      for (const wake of this.#waiting.splice(0)) wake();
    });
    createInterface({ input: child.stderr }).on('line', (line) => this.#onLog(line));
    child.once('exit', () => reject(new Error(`${this.plan.id}: ended while it started`)));
    return promise.finally(() => clearTimeout(late));
  }

  /** Waits until its bucket has a checkpoint. @param checkpoint SHA-256 in hex */
  async hasDirectory(checkpoint: string): Promise<void> {
    while (this.#directory !== checkpoint) await new Promise<void>((resolve) => void this.#waiting.push(resolve));
  }

  /** SIGKILL to all of its group, as a machine that loses its power; waits until it is gone. */
  async kill(): Promise<void> {
    const gone = this.#gone();
    if (this.#killGroup()) await gone;
    this.#child = null;
  }

  /** Lets it end by itself; after 20 s it is killed. */
  async end(): Promise<void> {
    const late = setTimeout(() => this.#killGroup(), END_TIMEOUT_MS);
    const gone = this.#gone();
    this.#child?.stdin?.end();
    await gone;
    clearTimeout(late);
    this.#child = null;
  }

  /** @returns process ids of it and what it has started, for who measures; empty when nothing runs */
  get pid(): number | null {
    return this.#child?.pid ?? null;
  }

  #gone(): Promise<unknown> {
    const child = this.#child;
    if (child === null || child.exitCode !== null || child.signalCode !== null) return Promise.resolve();
    return new Promise((resolve) => child.once('exit', resolve));
  }

  /** @returns false when nothing was running */
  #killGroup(): boolean {
    const child = this.#child;
    if (child?.pid === undefined || child.exitCode !== null || child.signalCode !== null) return false;
    process.kill(-child.pid, 'SIGKILL');
    return true;
  }
}
