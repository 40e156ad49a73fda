/**
 * @module Loses what `origin`'s objects store, of a local edge at rest, for chaos and tests; and looks with the restore key, as its holder could, which keys are
 * somewhere else, and which of them had been taken back.
 */
import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { JOURNAL_KEY, JOURNAL_ROW_BYTES, JOURNAL_USE, readJournal } from '../../domain/journal.ts';
import { ROW_BYTES, TEK_OFFSET } from '../../domain/publication/packed-keys.ts';
import { openerKey, openPages } from '../../domain/sealed-pages.ts';
import { openBuckets } from '../../local-edge/buckets.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { LOG_FOLDER } from '../../domain/event-log/entry.ts';
import { partKey } from '../../domain/publication/record.ts';
import { parseRequest } from '../../domain/publication/taken.ts';
import { bucketStore, type ObjectReader } from './object-store.ts';
import { readLog } from './read-log.ts';

const OBJECTS = ['SubmissionBuffer', 'Publisher', 'ParameterStore'];
/** Private half of RESTORE_PUBLIC_KEY, in the state of a local edge. */
const RESTORE_KEY_FILE = 'restore.pem';
const TEK_BYTES = 16;
const LOG_KEY_FILE = 'log-public.pem';

/** @param state of a local edge that isn't running @returns the file with its restore key */
export const restoreKeyFile = (state: string): string => join(state, RESTORE_KEY_FILE);

/** @param state of a local edge that isn't running: its objects of `origin` are as if they had never been */
export function loseOrigin(state: string): void {
  for (const name of OBJECTS) {
    rmSync(join(state, 'resources', 'do', `exposure-edge-origin-${name}`), { recursive: true, force: true });
  }
}

/** Hex of the keys that lie in a record or in the journal, which is what a restore has. */
export interface KeysInBuckets {
  readonly kept: ReadonlySet<string>;
  /** Taken back, or about to be: by an hour, a request, or the journal's queue. */
  readonly ending: ReadonlySet<string>;
  /** Of a set that the log doesn't know yet, and not in the journal: they wait again without what else the journal has. */
  readonly unlogged: ReadonlySet<string>;
  /** Unix milliseconds, real: when the journal was put; null: there is none. */
  readonly journalAt: number | null;
}

/** @param state of a local edge that isn't running @returns see {@link KeysInBuckets} */
export async function keysInBuckets(state: string): Promise<KeysInBuckets> {
  const buckets = await openBuckets(state);
  try {
    const store = bucketStore(buckets.privateBucket);
    const records = new Map<string, readonly string[]>();
    for (const name of await store.list('sets/')) {
      if (name.endsWith('.bin')) records.set(name, teksOf((await store.get(name))!, ROW_BYTES));
    }
    const { waiting, takenBack } = await readWaiting(store, state);
    const taken = [...takenBack];
    for (const name of await store.list('taken/')) {
      for (const part of parseRequest((await store.get(name))!)) {
        const keys = records.get(partKey(part.hour, part)) ?? [];
        for (const row of part.rows) if (keys[row] !== undefined) taken.push(keys[row]);
      }
    }
    const names = await store.list(LOG_FOLDER);
    const { entries } = names.length === 0 ? { entries: [] } : await readLog(store, [join(state, LOG_KEY_FILE)]);
    const logged = new Set(entries.flatMap(({ entry: { event } }) => (event.kind === 'recorded' ? [event.hour] : [])));
    const journal = new Set(waiting);
    const unlogged = [...records].filter(([name]) => !logged.has(hourOfPart(name))).flatMap(([, keys]) => keys);
    const kept = new Set([...records.values()].flat().concat(waiting));
    const journalObject = await buckets.privateBucket.head(JOURNAL_KEY);
    return {
      journalAt: journalObject?.uploaded.getTime() ?? null,
      kept,
      ending: new Set(taken),
      unlogged: new Set(unlogged.filter((key) => !journal.has(key))),
    };
  } finally {
    await buckets.dispose();
  }
}

/** @returns hex of the key of each row */
function teksOf(rows: Uint8Array, bytes: number): string[] {
  const keys: string[] = [];
  for (let at = TEK_OFFSET; at < rows.length; at += bytes) keys.push(toHex(rows.subarray(at, at + TEK_BYTES)));
  return keys;
}

/** As the holder of the restore key could. */
async function readWaiting(
  store: ObjectReader,
  state: string,
): Promise<{ readonly waiting: readonly string[]; readonly takenBack: readonly string[] }> {
  const sealed = await store.get(JOURNAL_KEY);
  if (sealed === null) return { waiting: [], takenBack: [] };
  const pem = readFileSync(restoreKeyFile(state), 'utf8');
  const opened = await openPages(await openerKey(pem), JOURNAL_USE, sealed);
  const read = opened.ok ? readJournal(opened.value) : opened;
  if (!read.ok) throw new Error(read.error);
  return { waiting: teksOf(read.value.rows, JOURNAL_ROW_BYTES), takenBack: read.value.state.takenBack };
}

const hourOfPart = (name: string): number => Number(name.split('/')[1]);
