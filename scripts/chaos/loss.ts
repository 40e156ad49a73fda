/**
 * @module The moment at which `origin` loses what it stores: what of the keys that were acknowledged is in a record or the journal is noted while nothing runs, then
 * `npm run restore` brings it back, as an operator would.
 */
import { ROOT } from '../../local-edge/workers.ts';
import { runChild } from '../support/command-line/child.ts';
import { keysInBuckets, restoreKeyFile } from '../support/lost-storage.ts';
import type { Ledger } from '../support/patients.ts';

/** All losses of a run. */
export class Losses {
  /** How often. */
  count = 0;
  /** Keys that were acknowledged after the last journal before a loss. */
  readonly afterJournal = new Set<string>();
  /** What each loss left. */
  readonly #kept: Set<string>[] = [];

  /** @param state of the edge, which isn't running */
  async note(state: string, ledger: Ledger): Promise<void> {
    const kept = await keysInBuckets(state);
    this.count += 1;
    this.#kept.push(kept);
    for (const hex of ledger.acknowledged) if (!kept.has(hex)) this.afterJournal.add(hex);
  }

  /** @returns whether a loss left some keys of an upload and not others: a journal is read in pieces while uploads come */
  isCut(keys: readonly string[]): boolean {
    return this.#kept.some((kept) => keys.some((hex) => kept.has(hex)) && keys.some((hex) => !kept.has(hex)));
  }
}

/** @param url of the edge that has lost its storage @param state its state @throws Error with what the command said */
export async function restoreOrigin(url: string, state: string): Promise<void> {
  const call = ['scripts/run.sh', 'scripts/restore.ts', '--url', url, '--restore-key', restoreKeyFile(state)];
  const confirm = ['--confirm', new URL(url).host];
  const { code, stdout, stderr } = await runChild('sh', [...call, ...confirm], { cwd: ROOT, output: 'kept' });
  if (code !== 0) throw new Error(`npm run restore: exit code ${code}\n${stdout}${stderr}`);
}
