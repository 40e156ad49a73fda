/**
 * @module Which codes have left as a message, so that a request that is repeated doesn't send it again (docs/spec/google.md §5.4: what `uuid` is for). SQL over one object's storage; no clock.
 *
 * Durable write: the mark, after the gateway took the message. A crash in between leaves none, and a repeated request sends the same text once more.
 */
import { places } from '../insert-rows.ts';

/** Parameters of one question. */
const AT_ONCE = 90;

/** @returns those of the codes that have left */
export function sentAmong(sql: SqlStorage, uuids: readonly string[]): string[] {
  const sent: string[] = [];
  for (let from = 0; from < uuids.length; from += AT_ONCE) {
    const some = uuids.slice(from, from + AT_ONCE);
    const rows = sql.exec<{ uuid: string }>(
      `SELECT uuid FROM code_sent WHERE uuid IN (${places(some.length)})`,
      ...some,
    );
    sent.push(...rows.toArray().map(({ uuid }) => uuid));
  }
  return sent;
}

/** Marks a code as one that has left. @param now Unix seconds */
export function markSent(sql: SqlStorage, uuid: string, now: number): void {
  sql.exec('INSERT OR IGNORE INTO code_sent VALUES (?, ?)', uuid, now);
}
