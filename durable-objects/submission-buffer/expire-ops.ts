/** @module What the buffer forgets at once, since it is little: rows whose hour has passed, of each table of its own. */
import { expireDrops } from './drop-ops.ts';
import { expireEnded } from './ended-issues.ts';
import { expireIssueCounts } from './issue-counts.ts';
import { expirePeerBatches } from './remote-ops.ts';

/** @param now Unix seconds */
export function expireRows(sql: SqlStorage, now: number): void {
  for (const expire of [expireEnded, expireIssueCounts, expireDrops, expirePeerBatches]) expire(sql, now);
}
