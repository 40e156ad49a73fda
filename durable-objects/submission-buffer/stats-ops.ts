/**
 * @module Counts of uploads of Google's dialect for the authorities that certified them (domain/publish-stats.ts, docs/decisions/068): a row a UTC day and authority. Rewritten with each upload, they lie
 * sealed under the key of an hour to come, as those of received-ops.ts do: two states one upload apart would say what that upload was, and SQLite's log has all states.
 *
 * Durable order: an upload is counted in the transaction that stores it, so that a crash counts it with its keys or not at all, and one that is sent again isn't counted twice. Once a day may be shown, one
 * transaction draws what is shown and deletes the true counts: before it nobody was told anything, after it everybody is told the same. Counts whose key is gone are as if nobody had come.
 */
import {
  countUpload,
  mayBeShown,
  NO_UPLOADS,
  ONSET_DAYS,
  TEK_AGES,
  withNoise,
  type CountedUpload,
  type ShownStats,
  type StatsCounts,
} from '../../domain/publish-stats.ts';
import type { RandomBytes } from '../../domain/random.ts';
import { SECONDS_PER_DAY, hourOf } from '../../protocol/gaen/intervals.ts';
import type { Ciphers } from './hour-keys.ts';
import { keepReceived } from './received-ops.ts';

/** As in received-ops.ts. */
const HOURS_AHEAD = 4;
const LEAST_AHEAD = 2;
const PLACES = 4 + TEK_AGES + ONSET_DAYS;

type SealedDay = { day: number; authority: string; seal_hour: number; sealed: ArrayBuffer };
type ShownDay = { day: number; authority: string; sealed: null };

/**
 * Counts an upload, within the transaction that stores it. One that came before a midnight and is stored when its day was shown already isn't counted: what was shown stays.
 *
 * @param ciphers ready for `now`
 * @param now Unix seconds
 */
export function countPublication(
  sql: SqlStorage,
  ciphers: Ciphers,
  now: number,
  authority: string,
  upload: CountedUpload,
): void {
  const day = Math.floor(now / SECONDS_PER_DAY);
  const row = sql
    .exec<SealedDay | ShownDay>('SELECT * FROM publish_stats WHERE day = ? AND authority = ?', day, authority)
    .toArray()[0];
  if (row?.sealed === null) return;
  const before = row === undefined ? NO_UPLOADS : opened(ciphers, row);
  seal(sql, ciphers, now, { day, authority }, countUpload(before, upload));
}

/** What lies sealed under a key for longer than rows do, these counts and those of received-ops.ts: sealed anew before keys are erased. */
export function keepCounts(
  sql: SqlStorage,
  ciphers: Ciphers,
  random: RandomBytes,
  now: number,
  retentionDays: number,
): void {
  keepReceived(sql, ciphers, random, now);
  keepStats(sql, ciphers, random, now, retentionDays);
}

/**
 * Shows what may be shown, seals the rest anew where its key may soon be erased, and forgets days that are as old as keys get.
 *
 * @param ciphers ready for `now`
 * @param random for the noise
 * @param now Unix seconds
 */
function keepStats(sql: SqlStorage, ciphers: Ciphers, random: RandomBytes, now: number, retentionDays: number): void {
  sql.exec('DELETE FROM publish_stats WHERE day < ?', Math.floor(now / SECONDS_PER_DAY) - retentionDays);
  const rows = sql.exec<SealedDay>('SELECT * FROM publish_stats WHERE sealed IS NOT NULL').toArray();
  for (const row of rows) {
    const { day, authority, seal_hour: hour } = row;
    const counts = opened(ciphers, row);
    if (mayBeShown(day, counts.publishes, now)) show(sql, { day, authority }, withNoise(counts, random));
    else if (hour < hourOf(now) + LEAST_AHEAD) seal(sql, ciphers, now, { day, authority }, counts);
  }
}

/**
 * Days without an upload are shown too, as far back as anything is kept: where the first one stands would say that somebody came then.
 *
 * @param ciphers ready for `now`
 * @param random for the noise
 * @param now Unix seconds
 * @returns the days that may be shown, ascending, the same each time
 */
export function shownStats(
  sql: SqlStorage,
  ciphers: Ciphers,
  random: RandomBytes,
  now: number,
  retentionDays: number,
  authority: string,
): ShownStats[] {
  keepStats(sql, ciphers, random, now, retentionDays);
  const rows = sql
    .exec<{ day: number; shown: string | null }>(
      'SELECT day, shown FROM publish_stats WHERE authority = ? ORDER BY day',
      authority,
    )
    .toArray();
  const has = new Set(rows.map(({ day }) => day));
  const shown = rows.flatMap(({ day, shown: text }) =>
    text === null ? [] : [{ day, ...(JSON.parse(text) as StatsCounts) }],
  );
  for (let day = Math.floor(now / SECONDS_PER_DAY) - retentionDays; mayBeShown(day, 0, now); day++) {
    if (has.has(day)) continue;
    const counts = withNoise(NO_UPLOADS, random);
    show(sql, { day, authority }, counts);
    shown.push({ day, ...counts });
  }
  return shown.toSorted((a, b) => a.day - b.day);
}

type Of = Pick<SealedDay, 'day' | 'authority'>;

function show(sql: SqlStorage, { day, authority }: Of, counts: StatsCounts): void {
  sql.exec('INSERT OR REPLACE INTO publish_stats VALUES (?, ?, NULL, NULL, ?)', day, authority, JSON.stringify(counts));
}

function seal(sql: SqlStorage, ciphers: Ciphers, now: number, { day, authority }: Of, counts: StatsCounts): void {
  const hour = hourOf(now) + HOURS_AHEAD;
  const cipher = ciphers.cipher(hour);
  if (cipher === null) throw new Error(`there is no key for counts of hour ${hour}`);
  const sealed = cipher.sealStats(pack(counts));
  sql.exec('INSERT OR REPLACE INTO publish_stats VALUES (?, ?, ?, ?, NULL)', day, authority, hour, sealed);
}

function opened(ciphers: Ciphers, { seal_hour: hour, sealed }: SealedDay): StatsCounts {
  const bytes = ciphers.cipher(hour)?.openStats(new Uint8Array(sealed)) ?? null;
  return bytes === null || bytes.length !== PLACES * 4 ? NO_UPLOADS : unpack(bytes);
}

function pack({ publishes, teks, revisions, missingOnset, tekAges, onsetDays }: StatsCounts): Uint8Array {
  const view = new DataView(new ArrayBuffer(PLACES * 4));
  for (const [n, count] of [publishes, teks, revisions, missingOnset, ...tekAges, ...onsetDays].entries()) {
    view.setUint32(n * 4, count);
  }
  return new Uint8Array(view.buffer);
}

function unpack(bytes: Uint8Array): StatsCounts {
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const [publishes = 0, teks = 0, revisions = 0, missingOnset = 0, ...places] = Array.from({ length: PLACES }, (_, n) =>
    view.getUint32(n * 4),
  );
  return {
    publishes,
    teks,
    revisions,
    missingOnset,
    tekAges: places.slice(0, TEK_AGES),
    onsetDays: places.slice(TEK_AGES),
  };
}
