/**
 * @module What an upload of Google's dialect was answered, token included, so that its phone hears it again if the answer was lost (docs/decisions/064). Beside the id of the upload, which is
 * derived and joined to no key here, and sealed under the key of the hour in which the certificate ends (hour-keys.ts): once that key is erased, no log of the platform opens it.
 *
 * Durable order: put in the transaction that does what it says. A crash before leaves neither, one after it both. A sweep deletes it in the hour after its certificate's end (sweep-ops.ts); the
 * key goes when that hour has been published.
 */
import { MAX_TAN_LIFETIME_SECONDS } from '../../domain/tan.ts';
import type { Published, PublishPart } from '../../domain/rpc-publish.ts';
import { LEEWAY_SECONDS } from '../../protocol/publish/certificate.ts';
import { REVISION_TOKEN_BYTES } from '../../protocol/publish/revision-token.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import type { Ciphers } from './hour-keys.ts';

/** Two counts, then the token: one length, so that it tells nothing. */
const ANSWER_BYTES = 2 + REVISION_TOKEN_BYTES;

/**
 * @param now Unix seconds
 * @returns the hour under whose key the answer is sealed: that in which the certificate is good for nothing more. No certificate lives longer than a TAN can
 */
export function answerHour(now: number, { expiresAt }: Pick<PublishPart, 'expiresAt'>): number {
  return hourOf(Math.min(Math.max(now, expiresAt + LEEWAY_SECONDS), now + MAX_TAN_LIFETIME_SECONDS));
}

/**
 * Remembers an answer; runs inside a transaction.
 *
 * @param hour see {@link answerHour}
 * @throws Error when there is no key for the hour
 */
export function putAnswer(sql: SqlStorage, ciphers: Ciphers, uploadId: string, hour: number, answer: Published): void {
  const cipher = ciphers.cipher(hour);
  if (cipher === null) throw new Error(`there is no key for answers of hour ${hour}`);
  const bytes = new Uint8Array(ANSWER_BYTES);
  bytes.set([answer.inserted, answer.revised]);
  bytes.set(answer.token, 2);
  sql.exec('INSERT INTO publish_answer VALUES (?, ?, ?)', uploadId, hour + 1, cipher.sealAnswer(bytes));
}

/** @param now Unix seconds @returns the answer; null when there is none, or its certificate's time is over */
export function readAnswer(sql: SqlStorage, ciphers: Ciphers, now: number, uploadId: string): Published | null {
  const row = sql
    .exec<{ expires_hour: number; sealed: ArrayBuffer }>(
      'SELECT expires_hour, sealed FROM publish_answer WHERE upload_id = ? AND expires_hour > ?',
      uploadId,
      hourOf(now),
    )
    .toArray()[0];
  if (row === undefined) return null;
  const bytes = ciphers.cipher(row.expires_hour - 1)?.openAnswer(new Uint8Array(row.sealed)) ?? null;
  if (bytes === null || bytes.length !== ANSWER_BYTES) return null;
  return { inserted: bytes[0]!, revised: bytes[1]!, token: bytes.slice(2) };
}
