/**
 * @module From a code to a token, and from a token to certificates (docs/spec/google.md §5.3; decision 066). SQL over one object's storage; no clock. Each function runs inside one transaction of its caller.
 *
 * Durable writes: a code is used and its token is there in one transaction; a crash before it leaves the code as it was, one after it a token whose name is lost on its way: the same code gives it again
 * for {@link REPEAT_SECONDS}, until a certificate shows that it came. A token is bound to a MAC over keys before the certificate is signed; a crash in between leaves a token that the same MAC gets it with.
 */
import { equalBytes } from '../../protocol/primitives/bytes.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { CodeTestType } from '../../domain/rpc-codes.ts';
import {
  CERTIFICATE_SECONDS,
  certificateHash,
  certificateSigningInput,
} from '../../protocol/publish/issued-certificate.ts';
import { places } from '../insert-rows.ts';
import type { CertificateOrder, CertificateReply, CertificateSource, Claim, ClaimReply } from './contract.ts';
import { knownHashes } from './hash-keys.ts';
import { type CodeRow, codeRow, isNonceOf, PHONE_CLAIMED_SECONDS } from './issue-ops.ts';
import { holdingKey } from './key-ops.ts';

/** A lost reply is asked for again within so long: a person who taps once more. Longer would be a gift to whoever sees the code afterwards (decision 066). */
export const REPEAT_SECONDS = 300;
/** Until its first certificate (`VERIFICATION_TOKEN_DURATION`); from then on to the end of the next UTC day, for that day's certificate. */
const TOKEN_SECONDS = 86_400;
/** A certificate that is asked for again is the same one while so much of it is left; then it is made anew, for the same keys. */
const CERTIFICATE_LEFT_SECONDS = 300;
/** Beyond its end, what clocks of two servers may differ by, and more. */
const CERTIFICATE_KEPT_SECONDS = 600;
const HANDLE_BYTES = 16;
/** In place of when the second certificate was given: there is none for a token that two may hold, or a thief in those minutes would be certified beside the person (decision 066). */
const GIVEN_TWICE = 0;

type TokenRow = {
  handle: ArrayBuffer;
  test_type: CodeTestType;
  symptom_day: number | null;
  test_day: number | null;
  issue_id: string;
  expires_at: number;
  mac: ArrayBuffer | null;
  first_day: number | null;
  certified_at: number | null;
  next_mac: ArrayBuffer | null;
  next_certified_at: number | null;
};

const tokenRow = (sql: SqlStorage, handle: ArrayBuffer | Uint8Array, now: number): TokenRow | null =>
  sql.exec<TokenRow>('SELECT * FROM code_token WHERE handle = ? AND expires_at > ?', handle, now).toArray()[0] ?? null;

/** The ids of an API key under the other keys of a ring. */
const otherIds = ({ others = [] }: { readonly others?: readonly { readonly apiKeyId: string }[] }): string[] =>
  others.map(({ apiKeyId }) => apiKeyId);

/** @returns whether a token is bound to the MAC that an order shows, under whichever key of a ring it was concealed */
const isBoundTo = (stored: ArrayBuffer | null, { mac, others = [] }: CertificateOrder): boolean =>
  stored !== null && [mac, ...others.map((one) => one.mac)].some((one) => equalBytes(new Uint8Array(stored), one));

/** Uses a code. invalid: never issued, used, or shown without its nonce; whoever counts guesses counts it. */
export function claimCode(sql: SqlStorage, claim: Claim, now: number): ClaimReply {
  const { others = [] } = claim;
  if (holdingKey(sql, claim.apiKeyId, 'device', otherIds(claim)) === null) return { kind: 'unauthorized' };
  const hashes = [claim, ...others].flatMap(({ code }) => knownHashes(sql, 'code', code, now));
  const select = `SELECT uuid, is_long FROM code_hash WHERE hash IN (${places(hashes.length)})`;
  const found = sql.exec<{ uuid: string; is_long: number }>(select, ...hashes).toArray()[0];
  const row = found === undefined ? null : codeRow(sql, found.uuid);
  if (found === undefined || row === null) return { kind: 'invalid' };
  const nonces = [claim, ...others].map(({ nonce }) => nonce);
  if (row.nonce !== null && !isNonceOf(row.nonce, nonces)) return { kind: 'invalid' };
  if (row.claimed_at !== null) return repeated(sql, row, claim, now);
  const expiresAt = found.is_long === 1 ? (row.long_expires_at ?? 0) : row.expires_at;
  if (now >= expiresAt) return { kind: 'expired' };
  if (!claim.accepted.includes(row.test_type)) return { kind: 'unsupported' };
  return granted(sql, row, now);
}

function granted(sql: SqlStorage, row: CodeRow, now: number): ClaimReply {
  const handle = crypto.getRandomValues(new Uint8Array(HANDLE_BYTES));
  const { uuid, test_type: testType, symptom_day: symptomDay, test_day: testDay, issue_id: issueId, phone } = row;
  sql.exec(
    'INSERT INTO code_token VALUES (?, ?, ?, ?, ?, ?, NULL, NULL, NULL, NULL, NULL)',
    handle,
    testType,
    symptomDay,
    testDay,
    issueId,
    now + TOKEN_SECONDS,
  );
  sql.exec(
    `UPDATE code SET claimed_at = ?, handle = ?, seed = NULL, symptom_day = NULL, test_day = NULL, phone = NULL WHERE uuid = ?`,
    now,
    handle,
    uuid,
  );
  sql.exec('UPDATE code_hash SET forget_at = ? WHERE uuid = ?', now + REPEAT_SECONDS, uuid);
  if (phone !== null) sql.exec('UPDATE code_phone SET until = ? WHERE hash = ?', now + PHONE_CLAIMED_SECONDS, phone);
  return { kind: 'granted', handle, testType, symptomDay, testDay };
}

/** The token of a code that was used a moment ago, unless it is known to have arrived; for one day's keys alone from then on. */
function repeated(sql: SqlStorage, { claimed_at, handle }: CodeRow, { accepted }: Claim, now: number): ClaimReply {
  const isLate = handle === null || now >= (claimed_at ?? 0) + REPEAT_SECONDS;
  const token = isLate ? null : tokenRow(sql, handle, now);
  if (token === null || token.mac !== null) return { kind: 'invalid' };
  if (!accepted.includes(token.test_type)) return { kind: 'unsupported' };
  sql.exec('UPDATE code_token SET next_certified_at = ? WHERE handle = ?', GIVEN_TWICE, handle);
  return {
    kind: 'granted',
    handle: new Uint8Array(token.handle),
    testType: token.test_type,
    symptomDay: token.symptom_day,
    testDay: token.test_day,
  };
}

/**
 * Binds a token to the MAC over one set of keys, and on the UTC day after that to a second one: of that day come the keys that were still in use (docs/verification.md). Anything else is refused.
 *
 * @returns the claims of the certificate, to be signed
 */
export function certify(sql: SqlStorage, order: CertificateOrder, now: number): CertificateReply {
  if (holdingKey(sql, order.apiKeyId, 'device', otherIds(order)) === null) return { kind: 'unauthorized' };
  const token = tokenRow(sql, order.handle, now);
  if (token === null) return { kind: 'expired' };
  const today = Math.floor(now / SECONDS_PER_DAY);
  const { mac, first_day: firstDay, certified_at: first, next_mac: nextMac, next_certified_at: next } = token;
  let at: number;
  if (mac === null) {
    at = now;
    const endOfNextDay = (today + 2) * SECONDS_PER_DAY;
    sql.exec(
      'UPDATE code_token SET mac = ?, first_day = ?, certified_at = ?, expires_at = ? WHERE handle = ?',
      order.mac,
      today,
      now,
      endOfNextDay,
      order.handle,
    );
  } else if (isBoundTo(mac, order)) {
    at = givenAt(first, now);
    sql.exec('UPDATE code_token SET certified_at = ? WHERE handle = ?', at, order.handle);
  } else if (nextMac === null && next !== GIVEN_TWICE && today === (firstDay ?? today) + 1) {
    at = now;
    sql.exec(
      'UPDATE code_token SET next_mac = ?, next_certified_at = ? WHERE handle = ?',
      order.mac,
      now,
      order.handle,
    );
  } else if (isBoundTo(nextMac, order)) {
    at = givenAt(next, now);
    sql.exec('UPDATE code_token SET next_certified_at = ? WHERE handle = ?', at, order.handle);
  } else return { kind: 'expired' };
  const { test_type: reportType, symptom_day: symptomDay, issue_id: issueId } = token;
  const signingInput = certificateSigningInput(order.head, { reportType, symptomDay, tekmac: order.tekmac, at });
  sql.exec(
    'INSERT OR IGNORE INTO given_certificate VALUES (?, ?, 0, ?)',
    certificateHash(signingInput),
    issueId,
    at + CERTIFICATE_SECONDS + CERTIFICATE_KEPT_SECONDS,
  );
  return { kind: 'certified', signingInput };
}

/** @returns when the certificate was given that is given again, or now, when too little of it is left */
function givenAt(before: number | null, now: number): number {
  return before !== null && now < before + CERTIFICATE_SECONDS - CERTIFICATE_LEFT_SECONDS ? before : now;
}

/** @param hash of the certificate's signing input */
export function certificateSource(sql: SqlStorage, hash: string): CertificateSource {
  const row = sql
    .exec<{ issue_id: string; is_over: number }>('SELECT issue_id, is_over FROM given_certificate WHERE hash = ?', hash)
    .toArray()[0];
  return row === undefined ? null : { issueId: row.issue_id, isOver: row.is_over === 1 };
}
