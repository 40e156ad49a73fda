/**
 * @module What a rollback of some issue ids would meet here (docs/rollback.md). Reads alone: rows that wait and no set covers yet, and how many keys ever came with these ids.
 */
import type { CountedKeys, IssueStanding, WaitingKeys } from '../../domain/rollback.ts';
import { places } from '../insert-rows.ts';
import { pause } from '../pace.ts';
import type { BufferConfig } from './config.ts';
import { coveredThrough } from './end-rows.ts';
import type { Ciphers } from './hour-keys.ts';
import { namesOfIssue } from './issue-counts.ts';
import { release } from './memory.ts';
import { LABEL_OFFSET, STORED_ROW_BYTES, readLabel } from './row-cipher.ts';
import { labelsOf } from './row-labels.ts';
import { readWaiting, waitingHours } from './waiting-rows.ts';

const HOURS_A_DAY = 24;

/** @param ciphers ready for now @param issueIds whose keys are asked about */
export async function issueStanding(
  sql: SqlStorage,
  config: BufferConfig,
  ciphers: Ciphers,
  issueIds: readonly string[],
): Promise<IssueStanding> {
  const wanted = new Set(issueIds);
  const waiting = new Map<string, WaitingKeys>();
  for (const hour of waitingHours(sql, coveredThrough(sql) + 1)) {
    const day = Math.floor(hour / HOURS_A_DAY);
    for (let after: Uint8Array | null = null; ;) {
      const slice = readWaiting(sql, ciphers, hour, after);
      if (slice.last === null) break;
      const labels = labelsOf(sql, ciphers, hour);
      for (let row = LABEL_OFFSET; row < slice.rows.length; row += STORED_ROW_BYTES) {
        const label = labels.get(readLabel(slice.rows, row));
        if (label === undefined) continue;
        if (label.synthetic || label.issueId === null || !wanted.has(label.issueId)) continue;
        for (const region of config.regions) {
          if (region !== config.unionRegion && !label.regions.includes(region)) continue;
          const name = `${day} ${region}`;
          const { meant } = waiting.get(name) ?? { meant: 0 };
          waiting.set(name, { day, region, meant: meant + 1 });
        }
      }
      release(slice.memory);
      after = slice.last;
      await pause();
    }
  }
  return { waiting: [...waiting.values()], counted: countedKeys(sql, config, issueIds) };
}

function countedKeys(sql: SqlStorage, config: BufferConfig, issueIds: readonly string[]): CountedKeys[] {
  const days = new Map<number, number>();
  for (const issueId of issueIds) {
    const names = namesOfIssue(config, issueId);
    const rows = sql.exec<{ day: number; keys: number }>(
      `SELECT release_hour / ${HOURS_A_DAY} AS day, sum(keys) AS keys FROM issue_count WHERE name IN (${places(names.length)}) GROUP BY day`,
      ...names,
    );
    for (const { day, keys } of rows) days.set(day, (days.get(day) ?? 0) + keys);
  }
  return [...days].map(([day, keys]) => ({ day, keys }));
}
