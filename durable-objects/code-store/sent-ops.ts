/**
 * @module Which codes have left as a message, so that a request that is repeated doesn't send it again (docs/spec/google.md §5.4: what `uuid` is for). SQL over one object's storage; no clock.
 *
 * Durable write: the mark, after the gateway took the message. A crash in between leaves none, and a repeated request sends the same text once more. Who is sending at the moment is kept in memory alone: if
 * the object leaves it meanwhile, two who ask at once send the same text twice, and none of them cancels what the other sent.
 */
import { places } from '../insert-rows.ts';
import { codeRow } from './issue-ops.ts';

/** Longer than a post to the gateway takes at most. */
const SENDING_SECONDS = 30;

/** go: it is the caller's to send. sent: it has left. busy: another request is sending it. gone: it was cancelled or ended meanwhile. */
export type SendingReply = 'go' | 'sent' | 'busy' | 'gone';

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

/** Codes whose message is being sent, of one object. */
export class Sendings {
  readonly #until = new Map<string, number>();

  /** @param now Unix seconds */
  begin(sql: SqlStorage, uuid: string, now: number): SendingReply {
    if (sentAmong(sql, [uuid]).length > 0) return 'sent';
    if ((codeRow(sql, uuid)?.seed ?? null) === null) return 'gone';
    if ((this.#until.get(uuid) ?? 0) > now) return 'busy';
    for (const [one, until] of this.#until) if (until <= now) this.#until.delete(one);
    this.#until.set(uuid, now + SENDING_SECONDS);
    return 'go';
  }

  /** Sent, or not sent. */
  end(uuid: string): void {
    this.#until.delete(uuid);
  }
}
