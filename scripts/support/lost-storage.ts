/**
 * @module Loses what `origin`'s objects store, of a local edge at rest, for chaos and tests; and looks with the restore key, as its holder could, which keys are
 * somewhere else.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { JOURNAL_KEY, JOURNAL_ROW_BYTES, JOURNAL_USE, readJournal } from '../../domain/journal.ts';
import { ROW_BYTES, TEK_OFFSET } from '../../domain/publication/packed-keys.ts';
import { openerKey, openPages } from '../../domain/sealed-pages.ts';
import { openBuckets } from '../../local-edge/buckets.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { bucketStore } from './object-store.ts';

const OBJECTS = ['SubmissionBuffer', 'Publisher', 'ParameterStore'];
/** Private half of RESTORE_PUBLIC_KEY, in the state of a local edge. */
const RESTORE_KEY_FILE = 'restore.pem';
const TEK_BYTES = 16;

/** @param state of a local edge that isn't running @returns the file with its restore key */
export const restoreKeyFile = (state: string): string => join(state, RESTORE_KEY_FILE);

/** @param state of a local edge that isn't running: its objects of `origin` are as if they had never been */
export function loseOrigin(state: string): void {
  for (const name of OBJECTS) {
    rmSync(join(state, 'resources', 'do', `exposure-edge-origin-${name}`), { recursive: true, force: true });
  }
}

/** @param state of a local edge that isn't running @returns hex of every key that a record or the journal holds */
export async function keysInBuckets(state: string): Promise<Set<string>> {
  const buckets = await openBuckets(state);
  try {
    const store = bucketStore(buckets.privateBucket);
    const keys = new Set<string>();
    const take = (rows: Uint8Array, bytes: number): void => {
      for (let at = TEK_OFFSET; at < rows.length; at += bytes) keys.add(toHex(rows.subarray(at, at + TEK_BYTES)));
    };
    for (const name of await store.list('sets/')) {
      if (name.endsWith('.bin')) take((await store.get(name))!, ROW_BYTES);
    }
    const sealed = await store.get(JOURNAL_KEY);
    if (sealed !== null) {
      const pem = readFileSync(restoreKeyFile(state), 'utf8');
      const opened = await openPages(await openerKey(pem), JOURNAL_USE, sealed);
      const read = opened.ok ? readJournal(opened.value) : opened;
      if (!read.ok) throw new Error(read.error);
      take(read.value.rows, JOURNAL_ROW_BYTES);
    }
    return keys;
  } finally {
    await buckets.dispose();
  }
}
