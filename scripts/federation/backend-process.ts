/**
 * @module A backend of a federation as its parent sees it: started, killed, started again, ended. Kills by process id alone.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { ROOT } from '../../local-edge/workers.ts';
import { endAtInterrupt, temporaryFolder } from '../support/command-line/interrupt.ts';
import { writeDurably } from '../support/directory/folder.ts';
import { type BackendPlan, backendFiles } from './plan.ts';
import type { Answered, Order, PeerStatus, Ready } from './orders.ts';
import type { BackendSettings } from './settings.ts';

interface Line {
  readonly ready?: Ready;
  readonly directory?: string;
  readonly log?: string;
  readonly answered?: Answered;
  /** Number of an order. */
  readonly done?: number;
  readonly result?: unknown;
  readonly failed?: string;
}

/** Three start at once on two cores, each bundling all Workers. */
const START_TIMEOUT_MS = 120_000;
const END_TIMEOUT_MS = 20_000;
const HEAR_TIMEOUT_MS = 60_000;

export class BackendProcess {
  readonly plan: BackendPlan;
  readonly #settings: string;
  /** What it would leave in the system's own when it is killed. */
  readonly #temporary = temporaryFolder('backend');
  readonly #onLog: (line: string) => void;
  #child: ChildProcess | null = null;
  #directory = '';
  #orders = 0;
  #isReady = false;
  readonly #listeners = new Set<(line: Line) => void>();

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
      env: { ...process.env, TMPDIR: this.#temporary.path },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    this.#child = child;
    this.#directory = '';
    const { promise, resolve, reject } = Promise.withResolvers<Ready>();
    const late = setTimeout(() => reject(new Error(`${this.plan.id}: not ready in time`)), START_TIMEOUT_MS);
    createInterface({ input: child.stdout }).on('line', (line) => {
      const said = JSON.parse(line) as Line;
      if (said.ready !== undefined) {
        this.#isReady = true;
        resolve(said.ready);
      }
      if (said.log !== undefined) this.#onLog(said.log);
      if (said.directory !== undefined) this.#directory = said.directory;
      for (const listen of this.#listeners) listen(said);
    });
    createInterface({ input: child.stderr }).on('line', (line) => this.#onLog(line));
    child.once('exit', () => {
      this.#isReady = false;
      reject(new Error(`${this.plan.id}: ended while it started`));
    });
    return promise.finally(() => clearTimeout(late));
  }

  /** Waits until its bucket has a checkpoint. @param checkpoint SHA-256 in hex @throws Error after a minute */
  async hasDirectory(checkpoint: string): Promise<void> {
    if (this.#directory !== checkpoint) await this.#hears(({ directory }) => directory === checkpoint);
  }

  /** Waits until it has answered such a request of a peer. @throws Error after a minute */
  async hasAnswered(wanted: (answered: Answered) => boolean): Promise<void> {
    await this.#hears(({ answered }) => answered !== undefined && wanted(answered));
  }

  /** @param heard of each request of a peer that it answers @returns ends it */
  onAnswered(heard: (answered: Answered) => void): () => void {
    const listen = ({ answered }: Line): void => {
      if (answered !== undefined) heard(answered);
    };
    this.#listeners.add(listen);
    return () => void this.#listeners.delete(listen);
  }

  /** Changes a byte of an object in its bucket of feeds, as a dishonest operator. @throws Error when there is no such object */
  async tamper(object: string): Promise<void> {
    await this.#order({ kind: 'tamper', object });
  }

  /** Has its consumer ask each peer that is due. @throws Error when it dies meanwhile */
  async poll(): Promise<void> {
    await this.#order({ kind: 'poll' });
  }

  /** Has it do once what its crons do: polls of whoever is due, hints to peers, others' status lists. @throws Error when it dies meanwhile */
  async round(): Promise<void> {
    await this.#order({ kind: 'round' });
  }

  /** @returns how it stands with each of its peers */
  async peers(): Promise<readonly PeerStatus[]> {
    return (await this.#order({ kind: 'peers' })) as readonly PeerStatus[];
  }

  async #order(order: Order): Promise<unknown> {
    if (!this.#isReady) throw new Error(`${this.plan.id}: isn't running`);
    const id = (this.#orders += 1);
    const heard = this.#hears(({ done }) => done === id);
    this.#child?.stdin?.write(`${JSON.stringify({ ...order, id })}\n`);
    const { failed, result } = await heard;
    if (failed !== undefined) throw new Error(`${this.plan.id}: ${failed}`);
    return result;
  }

  #hears(wanted: (line: Line) => boolean): Promise<Line> {
    const { promise, resolve, reject } = Promise.withResolvers<Line>();
    const late = setTimeout(() => reject(new Error(`${this.plan.id}: didn't say so in time`)), HEAR_TIMEOUT_MS);
    const listen = (line: Line): void => void (wanted(line) && resolve(line));
    this.#listeners.add(listen);
    const died = (): void => reject(new Error(`${this.plan.id}: died`));
    this.#child?.once('exit', died);
    return promise.finally(() => {
      clearTimeout(late);
      this.#child?.off('exit', died);
      this.#listeners.delete(listen);
    });
  }

  /** SIGKILL to all of its group, as a machine that loses its power; waits until it is gone. */
  async kill(): Promise<void> {
    this.#isReady = false;
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
    this.#temporary.remove();
  }

  get isRunning(): boolean {
    return this.#child !== null;
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
