/**
 * @module Writing the journal (domain/journal.ts): every five minutes, whole, whether or not anything came, so that neither its size
 * nor when it is written says that somebody uploaded.
 *
 * Durable order: nothing is written here but the object in R2, by compare-and-swap. A crash before that leaves the journal of five
 * minutes ago, and the next alarm writes it. Rows that come while it is read may be in it or not; those that were
 * acknowledged before it was begun are, or their hour was published meanwhile.
 */
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { WITHDRAWAL_HASH_BYTES } from '../../protocol/withdrawal.ts';
import {
  JOURNAL_ENDED_BYTES,
  JOURNAL_HOUR_OFFSET,
  JOURNAL_KEY,
  JOURNAL_LABEL_OFFSET,
  JOURNAL_ROW_BYTES,
  JOURNAL_USE,
  JOURNAL_WITHDRAWAL_OFFSET,
  layJournal,
  readJournal,
  type JournalCounter,
  type JournalLabel,
  type JournalSet,
  type JournalState,
  type ReadJournal,
} from '../../domain/journal.ts';
import type { RandomBytes } from '../../domain/random.ts';
import { openWithSecret, sealPages } from '../../domain/sealed-pages.ts';
import { err, type Result } from '../../protocol/primitives/result.ts';
import { pause } from '../pace.ts';
import { SORT_BYTES, writeUint32 } from '../../domain/publication/packed-keys.ts';
import { packKeyRevisions } from '../../domain/publication/revision.ts';
import type { ObjectMeta } from '../../domain/publication/built-file.ts';
import type { BucketPort } from '../publisher/bucket.ts';
import { unlogged } from './drop-log.ts';
import { endedKeys } from './ended-keys.ts';
import type { Ciphers } from './hour-keys.ts';
import { release } from './memory.ts';
import { FIELDS_OFFSET, LABEL_OFFSET, STORED_ROW_BYTES, WITHDRAWAL_OFFSET, readLabel } from './row-cipher.ts';
import { labelsOf } from './row-labels.ts';
import { queuedKeys } from './withdrawal-queue.ts';
import { readWaiting, waitingHours } from './waiting-rows.ts';

/** Sealed in some 5 ms. */
const PAGES_A_SLICE = 4;
/** How many pages the object has, so that the next one has no fewer. */
const PAGES = 'pages';

const metaOf = (pages: number): ObjectMeta => ({
  contentType: 'application/octet-stream',
  cacheControl: 'no-store',
  expires: null,
  custom: { [PAGES]: String(pages) },
});

/**
 * @param sql storage of the object
 * @param ciphers ready for `now`
 * @param bucket the private one
 * @param key the restore key's public half
 * @param random source of the ephemeral key
 * @param now Unix seconds
 * @throws Error of the bucket, or when the journal was replaced meanwhile
 */
export async function writeJournal(
  sql: SqlStorage,
  ciphers: Ciphers,
  bucket: BucketPort,
  key: CryptoKey,
  random: RandomBytes,
  now: number,
): Promise<void> {
  const present = await bucket.head(JOURNAL_KEY);
  const { labels, rows } = await waiting(sql, ciphers);
  const queued = queuedKeys(sql, ciphers);
  const takenBack = queued.flatMap(({ keyData, fields }) => (fields === null ? [toHex(keyData)] : []));
  const revised = queued.flatMap(({ keyData, fields }) =>
    fields === null ? [] : [toHex(packKeyRevisions([{ keyData, fields }]))],
  );
  const count = rows.reduce((sum, piece) => sum + piece.length / JOURNAL_ROW_BYTES, 0);
  // After the rows: a key that ended while they were read is known to have, wherever it is.
  const ended = await endedKeys(sql);
  const about = { labels, takenBack, revised, rows: count, endedKeys: ended.length / JOURNAL_ENDED_BYTES };
  const state: JournalState = { hour: hourOf(now), ...tables(sql), ...about, dropped: unlogged(sql) };
  const former = Number(present?.meta.custom?.[PAGES] ?? 0) || 0;
  const { pages, fill } = layJournal(state, [...rows, ended], former, release);
  const sealed = await sealPages(key, random, JOURNAL_USE, pages, async (page, n) => {
    fill(page, n);
    if (n % PAGES_A_SLICE === 0) await pause();
  });
  if ((await bucket.put(JOURNAL_KEY, sealed, metaOf(pages), present?.etag ?? null)) === null) {
    throw new Error('the journal was replaced while it was being written');
  }
}

/**
 * @param bucket the private one
 * @param secret what opens this very journal (domain/sealed-pages.ts)
 * @returns what stands in it, or why it can't be read
 */
export async function openJournal(bucket: BucketPort, secret: Uint8Array): Promise<Result<ReadJournal, string>> {
  const sealed = await bucket.get(JOURNAL_KEY);
  if (sealed === null) return err(`${JOURNAL_KEY} is not there`);
  const opened = await openWithSecret(secret, JOURNAL_USE, sealed);
  return opened.ok ? readJournal(opened.value) : err(`${JOURNAL_KEY}: ${opened.error}`);
}

/** @returns rows of all hours, in the journal's form, and what they have in common */
async function waiting(
  sql: SqlStorage,
  ciphers: Ciphers,
): Promise<{ readonly labels: readonly JournalLabel[]; readonly rows: readonly Uint8Array[] }> {
  const numbers = new Map<string, number>();
  const labels: JournalLabel[] = [];
  const rows: Uint8Array[] = [];
  for (const hour of waitingHours(sql)) {
    for (let after: Uint8Array | null = null; ;) {
      const slice = readWaiting(sql, ciphers, hour, after);
      if (slice.last === null) break;
      // Asked for with each slice: an upload that came meanwhile may have brought a label.
      const ofHour = labelsOf(sql, ciphers, hour);
      const numberOf = (label: number): number | undefined => {
        const about = ofHour.get(label);
        if (about === undefined) return undefined;
        const { regions, consentToFederation, origin, synthetic, issueId, batch } = about;
        const own = { regions, consentToFederation, origin, synthetic, issueId };
        const plain: JournalLabel = batch === undefined ? own : { ...own, batch };
        const name = JSON.stringify(plain);
        const known = numbers.get(name);
        if (known !== undefined) return known;
        numbers.set(name, labels.length);
        return labels.push(plain) - 1;
      };
      rows.push(packed(slice.rows, hour, numberOf));
      release(slice.memory);
      after = slice.last;
      await pause();
    }
  }
  return { labels, rows };
}

/** @param numberOf a label; a row whose label nobody can open is left out, as it is put aside when it is published */
function packed(rows: Uint8Array, hour: number, numberOf: (label: number) => number | undefined): Uint8Array {
  const out = new Uint8Array((rows.length / STORED_ROW_BYTES) * JOURNAL_ROW_BYTES);
  let at = 0;
  for (let row = 0; row < rows.length; row += STORED_ROW_BYTES) {
    const number = numberOf(readLabel(rows, row + LABEL_OFFSET));
    if (number === undefined) continue;
    out.set(rows.subarray(row + FIELDS_OFFSET, row + FIELDS_OFFSET + SORT_BYTES), at);
    writeUint32(out, at + JOURNAL_HOUR_OFFSET, hour);
    writeUint32(out, at + JOURNAL_LABEL_OFFSET, number);
    const hash = row + WITHDRAWAL_OFFSET;
    out.set(rows.subarray(hash, hash + WITHDRAWAL_HASH_BYTES), at + JOURNAL_WITHDRAWAL_OFFSET);
    at += JOURNAL_ROW_BYTES;
  }
  return at === out.length ? out : out.slice(0, at);
}

interface CounterRow extends Record<string, SqlStorageValue> {
  release_hour: number;
  region: string;
  keys: number;
  first_uploads: number;
  any_uploads: number;
  synthetic_keys: number;
  synthetic_first_uploads: number;
}

interface SetRow extends Record<string, SqlStorageValue> {
  set_no: number;
  hour: number;
  first_hour: number | null;
  last_hour: number | null;
  decision: string;
  facts: string;
  purged: number;
}

/** What stands in the buffer's small tables. */
function tables(sql: SqlStorage): Pick<JournalState, 'firstHour' | 'sets' | 'counters' | 'ended'> {
  const counters = sql.exec<CounterRow>('SELECT * FROM release_counter ORDER BY release_hour, region').toArray();
  const sets = sql.exec<SetRow>('SELECT * FROM release_set ORDER BY set_no').toArray();
  const ended = sql
    .exec<{ name: ArrayBuffer; expires_hour: number }>('SELECT * FROM ended_issue ORDER BY name')
    .toArray();
  return {
    firstHour:
      sql.exec<{ value: number }>(`SELECT value FROM meta WHERE name = 'first_hour'`).toArray()[0]?.value ?? null,
    sets: sets.map((row): JournalSet => ({
      setNo: row.set_no,
      hour: row.hour,
      firstHour: row.first_hour,
      lastHour: row.last_hour,
      decision: row.decision,
      facts: row.facts,
      purged: row.purged === 1,
    })),
    counters: counters.map((row): JournalCounter => ({
      hour: row.release_hour,
      region: row.region,
      keys: row.keys,
      firstUploads: row.first_uploads,
      anyUploads: row.any_uploads,
      syntheticKeys: row.synthetic_keys,
      syntheticFirstUploads: row.synthetic_first_uploads,
    })),
    ended: ended.map((row) => ({ name: toHex(new Uint8Array(row.name)), expiresHour: row.expires_hour })),
  };
}
