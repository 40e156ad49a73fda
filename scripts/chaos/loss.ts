/**
 * @module The moment at which `origin` loses what it stores: what of the keys that were acknowledged is in a record or the journal, and what of that had been taken back,
 * is noted while nothing runs; then `npm run restore` brings it back, as an operator would.
 */
import { ROOT } from '../../local-edge/workers.ts';
import { runChild } from '../support/command-line/child.ts';
import { keysInBuckets, restoreKeyFile } from '../support/lost-storage.ts';
import { acknowledged, type Ledger } from './clients.ts';
import type { Excused } from './verdict.ts';

/** All losses of a run. */
export class Losses implements Excused {
  /** How often. */
  count = 0;
  /** Seconds of real time from the last journal to each loss. */
  readonly journalAges: number[] = [];
  readonly afterJournal = new Set<string>();
  readonly cameBack = new Set<string>();
  readonly withoutBatch = new Set<string>();
  /** What each loss left. */
  readonly #kept: ReadonlySet<string>[] = [];

  /** @param state of the edge, which isn't running */
  async note(state: string, ledger: Ledger): Promise<void> {
    const lostAt = Date.now();
    const { kept, ending, unlogged, journalAt } = await keysInBuckets(state);
    this.count += 1;
    if (journalAt !== null) this.journalAges.push((lostAt - journalAt) / 1000);
    this.#kept.push(kept);
    for (const name of acknowledged(ledger)) if (!kept.has(name)) this.afterJournal.add(name);
    for (const { withdrawal, names } of ledger.patients) {
      if (withdrawal !== 'heard') continue;
      for (const name of names) if (kept.has(name) && !ending.has(name)) this.cameBack.add(name);
    }
    for (const name of unlogged) this.withoutBatch.add(name);
  }

  isCut(names: readonly string[]): boolean {
    return this.#kept.some((kept) => names.some((name) => kept.has(name)) && names.some((name) => !kept.has(name)));
  }
}

/** @param url of the edge that has lost its storage @param state its state @throws Error with what the command said */
export async function restoreOrigin(url: string, state: string): Promise<void> {
  const call = ['scripts/run.sh', 'scripts/restore.ts', '--url', url, '--restore-key', restoreKeyFile(state)];
  const confirm = ['--confirm', new URL(url).host];
  const { code, stdout, stderr } = await runChild('sh', [...call, ...confirm], { cwd: ROOT, output: 'kept' });
  if (code !== 0) throw new Error(`the restore ended with ${code}\n${stdout}${stderr}`);
}
