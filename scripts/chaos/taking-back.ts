/**
 * @module What is taken back through the storm: batches of cards, by the two people of a rollback with both shares of the undo key, and keys that their owners
 * withdraw. Whoever gets no answer asks again, as people do.
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Rollback, RollbackTarget } from '../../domain/rollback.ts';
import { playWithdraw } from '../../phone/course/playbook.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { Opening } from '../../protocol/withdrawal.ts';
import { command } from '../support/operator.ts';
import { byteSource } from '../support/patients.ts';
import { combineShares, splitKey } from '../support/undo-key.ts';
import { type Batch, type Ledger, patiently, type Patient, playbookPorts } from './clients.ts';

const AGAIN_MS = 200;
/** Waits so long for somebody whose keys came with a card of the batch. */
const FIRST_UPLOAD_MS = 30_000;
/** Of one moment, beside a dummy. */
const WITHDRAWALS = 3;
const UNDO_KEY_FILE = 'undo-private.pem';

/** How often something was asked for, and how often somebody heard that it is done. */
export interface Count {
  asked: number;
  done: number;
}

/** As the chooser of the local portal would sign somebody in; deployed, Access says who it is. */
export const signedInAs = (name: string, role: string, at: number): Record<string, string> => ({
  cookie: `local-identity=${encodeURIComponent(JSON.stringify({ name, roles: [role], provider: '', at }))}`,
});

/** All that is taken back in a run. */
export class TakingBack {
  readonly rollbacks: Count = { asked: 0, done: 0 };
  readonly withdrawals: Count = { asked: 0, done: 0 };
  readonly dummies: Count = { asked: 0, done: 0 };
  /** Batches whose rollback is done. */
  readonly ended = new Set<string>();
  readonly #url: string;
  readonly #batches: Batch[];
  readonly #shares: readonly [string, string];
  readonly #ledger: Ledger;
  readonly #now: () => number;
  readonly #firstDay: number;
  readonly #random: (length: number) => Uint8Array;

  /**
   * @param url of the edge
   * @param state its folder, with the undo key in it
   * @param batches of cards; more may come ({@link addBatches})
   * @param ledger what was sent
   * @param now Unix seconds of the local clock
   * @param seed draws who withdraws
   */
  constructor(url: string, state: string, batches: readonly Batch[], ledger: Ledger, now: () => number, seed: string) {
    this.#url = url;
    this.#batches = [...batches];
    this.#shares = splitKey(readFileSync(join(state, UNDO_KEY_FILE), 'utf8'));
    this.#ledger = ledger;
    this.#now = now;
    this.#firstDay = Math.floor(now() / SECONDS_PER_DAY);
    this.#random = byteSource(`${seed}/taken back`);
  }

  /** @param batches that were printed since */
  addBatches(batches: readonly Batch[]): void {
    this.#batches.push(...batches);
  }

  /** @returns how many batches there were */
  printed(): number {
    return this.#batches.length;
  }

  /** @returns the batch whose cards are in use */
  batch(): Batch | null {
    return this.#batches.find(({ batchId }) => !this.ended.has(batchId)) ?? null;
  }

  /** Rolls back the batch in use, until it is done. @throws Error when it is refused, or nobody used the batch */
  async rollBack(): Promise<void> {
    const batch = this.batch();
    if (batch === null) throw new Error('rollback: no batch is left');
    await this.#firstUpload(batch);
    this.rollbacks.asked++;
    const target: RollbackTarget = {
      kind: 'batch',
      name: batch.batchId,
      fromDay: this.#firstDay,
      toDay: Math.floor(this.#now() / SECONDS_PER_DAY),
    };
    for (;;) {
      const asked = (await this.#post('anna@example.org', 'ask', { target })) as { readonly id?: string };
      if (asked.id === undefined) throw new Error(`rollback: ${JSON.stringify(asked)}`);
      if (await this.#confirmed(asked.id)) break;
    }
    this.rollbacks.done++;
    this.ended.add(batch.batchId);
  }

  /** The last patient who was acknowledged and two more withdraw, one of them once only; somebody else's phone sends a dummy. */
  async withdraw(): Promise<void> {
    const open = this.#ledger.patients.filter((one) => one.upload === 'acknowledged' && one.withdrawal === 'none');
    const chosen = new Set([open.at(-1), open[this.#draw(open.length)], open[this.#draw(open.length)]]);
    const people = [...chosen].filter((one) => one !== undefined).slice(0, WITHDRAWALS);
    await Promise.all([...people.map((one, n) => this.#withdrawn(one, n === 1)), this.#dummy()]);
  }

  async #withdrawn(patient: Patient, isImpatient: boolean): Promise<void> {
    patient.withdrawal = 'asked';
    this.withdrawals.asked++;
    const send = (): Promise<void> => this.#send(patient.openings);
    try {
      await (isImpatient ? send() : patiently(send));
    } catch (error) {
      if (isImpatient) return;
      throw error;
    }
    patient.withdrawal = 'heard';
    this.withdrawals.done++;
  }

  async #send(openings: readonly Opening[]): Promise<void> {
    const reply = await playWithdraw(openings, playbookPorts(this.#url, this.#random));
    if (!reply.ok) throw new Error(`withdrawal: ${JSON.stringify(reply.error)}`);
  }

  async #dummy(): Promise<void> {
    this.dummies.asked++;
    await patiently(() => this.#send([]));
    this.dummies.done++;
  }

  /** The source has to be in the books. */
  async #firstUpload({ batchId }: Batch): Promise<void> {
    const until = Date.now() + FIRST_UPLOAD_MS;
    const isUsed = (): boolean =>
      this.#ledger.patients.some((one) => one.batchId === batchId && one.upload === 'acknowledged');
    while (!isUsed() && Date.now() < until) await sleep(AGAIN_MS);
    if (!isUsed()) throw new Error('rollback: nobody uploads with a card of the batch');
  }

  /** @returns false when its hour is over: somebody has to ask again */
  async #confirmed(id: string): Promise<boolean> {
    for (;;) {
      const said = (await this.#post('berta@example.org', 'confirm', { id })) as Partial<Rollback>;
      if (said.id === undefined) return false;
      // What waits for its hour, or for company, needs nobody any more.
      if (said.outcome?.state === 'done' || said.outcome?.state === 'waiting') return true;
      await sleep(AGAIN_MS);
    }
  }

  #post(name: string, what: 'ask' | 'confirm', body: object): Promise<unknown> {
    return patiently(() =>
      command(
        this.#url,
        'POST',
        `/operator/rollback/${what}`,
        { ...body, undoKey: combineShares(this.#shares) },
        [403, 404, 422],
        signedInAs(name, 'health-authority', this.#now()),
      ),
    );
  }

  #draw(below: number): number {
    const [high = 0, low = 0] = this.#random(2);
    return below === 0 ? 0 : (high * 256 + low) % below;
  }
}
