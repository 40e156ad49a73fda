/**
 * @module What the buffer knows of keys that come again with another certificate (docs/spec/google.md §2.5, docs/decisions/064), and how a key that waits is changed: its row says from then on
 * what the new certificate says, so that it is published once, in `keys`. Regions, issue id and hour stay those it came with.
 *
 * Durable order: part of the caller's transaction.
 */
import type { AcceptedKey } from '../../domain/keys/uploaded.ts';
import { packKey, unpackKey } from '../../domain/publication/packed-keys.ts';
import { REPORT_TYPE, type ReportType } from '../../protocol/gaen/keys.ts';
import { concatBytes, toHex } from '../../protocol/primitives/bytes.ts';
import { places } from '../insert-rows.ts';
import { lastingHashes } from './accept-ops.ts';
import type { BufferConfig } from './config.ts';
import { coveredThrough } from './end-rows.ts';
import type { Ciphers } from './hour-keys.ts';
import { FIELDS_OFFSET, LABEL_OFFSET, readLabel, REVISED_OFFSET, STORED_ROW_BYTES, TAG_BYTES } from './row-cipher.ts';
import { labelsOf, type RowLabel } from './row-labels.ts';
import { rowsOfTags, waitingHours } from './waiting-rows.ts';
import { queuedAmong } from './withdrawal-queue.ts';

/** A row that waits, opened. */
export interface OpenedRow {
  readonly hour: number;
  readonly row: Uint8Array;
  /** Of its hour. */
  readonly labels: ReadonlyMap<number, RowLabel>;
}

/** Where a known key is. open: its row waits. closed: a set has it, or it is published. ended: it never will be, or is a decoy that waits. */
export interface Whereabouts {
  readonly place: OpenedRow | 'closed' | 'ended';
  /** Country that its row says it came from; null where no row is open. */
  readonly origin: string | null;
  /** What it was revised to, by the report type that phones read; null: nothing, as far as is remembered. */
  readonly revised: ReportType | null;
}

/**
 * Reads alone. Its cost grows with the hours in which keys wait.
 *
 * @param ciphers ready for now
 * @param keys 1..30 that are known
 * @returns of each where it is, by its key data in hex
 */
export function whereabouts(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  keys: readonly Pick<AcceptedKey, 'keyData'>[],
): Map<string, Whereabouts> {
  const teks = keys.map(({ keyData }) => keyData);
  // By each key of the ring (docs/rotation.md), three at most: 90 of the hundred parameters that the platform binds.
  const hashesOf = teks.map((tek) => lastingHashes(config, tek));
  const hashes = hashesOf.flat();
  const waiting = waitingAmong(sql, ciphers, teks);
  const covered = coveredThrough(sql);
  const known = sql
    .exec<{ hash: ArrayBuffer; revised: number }>(
      `SELECT hash, revised FROM known_key WHERE hash IN (${places(hashes.length)})`,
      ...hashes,
    )
    .toArray();
  const revised = new Map(known.map((row) => [toHex(new Uint8Array(row.hash)), row.revised]));
  const ended = sql
    .exec<{ hash: ArrayBuffer }>(`SELECT hash FROM ended_key WHERE hash IN (${places(hashes.length)})`, ...hashes)
    .toArray();
  const over = new Set(ended.map(({ hash }) => toHex(new Uint8Array(hash))));
  const withdrawn = queuedAmong(sql, ciphers, teks, (cipher) => [cipher.queue]);
  const queued = queuedTypes(sql, ciphers, teks);
  return new Map(
    teks.map((tek, n) => {
      const name = toHex(tek);
      const found = waiting.get(name);
      const names = hashesOf[n]!.map(toHex);
      if (found !== undefined && found.hour > covered) return [name, openRow(found)];
      if (found === undefined && names.some((hash) => over.has(hash))) {
        return [name, { place: 'ended', origin: null, revised: REPORT_TYPE.REVOKED }];
      }
      const said = withdrawn.has(n)
        ? REPORT_TYPE.REVOKED
        : (queued.get(name) ?? found?.revised ?? reportType(Math.max(...names.map((hash) => revised.get(hash) ?? 0))));
      return [name, { place: 'closed', origin: null, revised: said }];
    }),
  );
}

interface FoundRow extends OpenedRow {
  readonly revised: ReportType | null;
}

function openRow({ revised, ...opened }: FoundRow): Whereabouts {
  const label = opened.labels.get(readLabel(opened.row, LABEL_OFFSET));
  return { place: label?.synthetic === true ? 'ended' : opened, origin: label?.origin ?? null, revised };
}

function waitingAmong(sql: SqlStorage, ciphers: Ciphers, teks: readonly Uint8Array[]): Map<string, FoundRow> {
  const found = new Map<string, FoundRow>();
  const all = concatBytes(...teks);
  for (const hour of waitingHours(sql)) {
    const cipher = ciphers.cipher(hour);
    if (cipher === null) continue;
    const rows = cipher.open(rowsOfTags(sql, hour, cipher.tags(all)));
    if (rows.length === 0) continue;
    const labels = labelsOf(sql, ciphers, hour);
    for (let at = 0; at < rows.length; at += STORED_ROW_BYTES) {
      const row = rows.slice(at, at + STORED_ROW_BYTES);
      const key = unpackKey(row, FIELDS_OFFSET);
      const revised = row[REVISED_OFFSET] === 0 ? null : key.reportType;
      found.set(toHex(key.keyData), { hour, row, labels, revised });
    }
  }
  return found;
}

/** @returns report types that are to be said of published keys (revision-queue.ts), by the key in hex */
function queuedTypes(sql: SqlStorage, ciphers: Ciphers, teks: readonly Uint8Array[]): Map<string, ReportType> {
  const found = new Map<string, ReportType>();
  for (const { hour } of sql.exec<{ hour: number }>('SELECT DISTINCT hour FROM withdrawn_key').toArray()) {
    const cipher = ciphers.cipher(hour)?.revisions;
    if (cipher === undefined) continue;
    const tags = teks.map((tek) => cipher.tags(tek).slice());
    const rows = sql
      .exec<{ tag: ArrayBuffer; sealed: ArrayBuffer }>(
        `SELECT tag, sealed FROM withdrawn_key WHERE hour = ? AND tag IN (${places(tags.length)})`,
        hour,
        ...tags,
      )
      .toArray();
    for (const { tag, sealed } of rows) {
      const row = cipher.open(concatBytes(new Uint8Array(tag), new Uint8Array(sealed)));
      if (row.length !== STORED_ROW_BYTES) continue;
      const key = unpackKey(row, FIELDS_OFFSET);
      found.set(toHex(key.keyData), key.reportType);
    }
  }
  return found;
}

const reportType = (code: number): ReportType | null => (code === 0 ? null : (code as ReportType));

/**
 * A row that no set covers says something else from now on; runs inside a transaction.
 *
 * @param opened its row
 * @param said level, report type and onset
 * @throws Error when the key of its hour is gone
 */
export function reviseRow(
  sql: SqlStorage,
  ciphers: Ciphers,
  { hour, row }: OpenedRow,
  said: Pick<AcceptedKey, 'transmissionRiskLevel' | 'reportType' | 'daysSinceOnsetOfSymptoms'>,
): void {
  const cipher = ciphers.cipher(hour);
  if (cipher === null) throw new Error(`there is no key for rows of hour ${hour}`);
  const changed = row.slice();
  const { transmissionRiskLevel, reportType: type, daysSinceOnsetOfSymptoms } = said;
  const key = unpackKey(row, FIELDS_OFFSET);
  packKey(changed, FIELDS_OFFSET, { ...key, transmissionRiskLevel, reportType: type, daysSinceOnsetOfSymptoms });
  changed[REVISED_OFFSET] = 1;
  cipher.seal(changed);
  const [tag, sealed] = [changed.subarray(0, TAG_BYTES), changed.subarray(TAG_BYTES)];
  sql.exec('UPDATE waiting_row SET sealed = ? WHERE release_hour = ? AND tag = ?', sealed, hour, tag);
}
