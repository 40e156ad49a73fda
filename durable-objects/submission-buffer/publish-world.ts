/**
 * @module For tests of uploads of Google's dialect: what a certificate says, keys with the levels that stand for it, and what the storage holds.
 */
import { env } from 'cloudflare:workers';
import type { AcceptedKey } from '../../domain/keys/uploaded.ts';
import { encodeRiskLevel } from '../../domain/keys/risk.ts';
import { packUpload } from '../../domain/packed-upload.ts';
import type { AcceptedUpload } from '../../domain/rpc.ts';
import type { PublishPart } from '../../domain/rpc-publish.ts';
import { unpackKeyRevisions } from '../../domain/publication/revision.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { keyRing } from '../../protocol/primitives/key-ring.ts';
import type { CertifiedReport } from '../../protocol/publish/report-type.ts';
import { RevisionTokens } from '../../protocol/publish/revision-token.ts';
import { keysOf, type Rig } from '../publisher/test-rig.ts';
import type { Acceptance } from './contract.ts';

/** Whose certificates they are. */
export const AUTHORITY = 'health-de';
const LEVEL: Readonly<Record<CertifiedReport, number>> = { confirmed: 8, likely: 6, 'user-report': 4, negative: 8 };
const MINUTES_15 = 900;
const SECRETS = env as unknown as { readonly REVISION_TOKEN_KEY: string };

/** @returns `n` keys of an upload, as they come with a certificate of this type */
export function certified(upload: number, n: number, reportType: CertifiedReport): AcceptedKey[] {
  const level = LEVEL[reportType];
  return keysOf(upload, n).map((key) => ({ ...key, transmissionRiskLevel: level, ...encodeRiskLevel(level) }));
}

/** Hands an upload to the buffer, as `Intake` does. */
export async function publish(
  rig: Rig,
  uploadId: string,
  keys: readonly AcceptedKey[],
  reportType: CertifiedReport,
  token: Uint8Array | null = null,
  change: Partial<PublishPart & Omit<AcceptedUpload, 'keys'>> = {},
): Promise<Acceptance> {
  const { authorityId = AUTHORITY, expiresAt = rig.now + MINUTES_15, onsetDays = null, ...more } = change;
  await rig.tuneBuffer();
  const upload = { keys, regions: ['DE'], consentToFederation: true, origin: 'DE', issueId: null, ...more };
  try {
    return await rig.buffer.accept(uploadId, packUpload(upload), {
      authorityId,
      reportType,
      token,
      expiresAt,
      onsetDays,
    });
  } finally {
    await rig.inBuffer((_sql, { storage }) => storage.deleteAlarm());
  }
}

/** @returns the token of an answer @throws Error when there is none */
export function tokenOf(reply: Acceptance): Uint8Array {
  if (reply.kind !== 'stored' || !reply.publish) throw new Error(`no token: ${JSON.stringify(reply)}`);
  return reply.publish.token;
}

/** @returns what `upload` or a phone can't read of a token: key → first type, and what it was revised to */
export function namesOf(rig: Rig, token: Uint8Array, authorityId = AUTHORITY): Record<string, string> | null {
  const opened = new RevisionTokens(keyRing(SECRETS.REVISION_TOKEN_KEY, 'REVISION_TOKEN_KEY')).open(
    authorityId,
    rig.now,
    token,
  );
  return (
    opened &&
    Object.fromEntries(
      opened.map(({ keyData, reportType, revisedTo }) => [toHex(keyData), `${reportType} ${revisedTo ?? ''}`.trim()]),
    )
  );
}

/** @returns keys in hex, sorted */
export const hexOf = (keys: readonly { readonly keyData: Uint8Array }[]): string[] =>
  keys.map(({ keyData }) => toHex(keyData)).toSorted();

const valueText = (value: SqlStorageValue): string =>
  value instanceof ArrayBuffer ? toHex(new Uint8Array(value)) : String(value);

/** @returns all that an upload can change, but what became of its id */
export function storedIn(rig: Rig, more: readonly string[] = []): Promise<string[]> {
  const tables = ['waiting_row', 'row_label', 'known_key', 'ended_key', 'release_counter', 'withdrawn_key', 'received'];
  return rig.inBuffer((sql) =>
    [...tables, ...more].map((table) =>
      JSON.stringify([...sql.exec(`SELECT * FROM ${table}`).raw()].map((row) => row.map(valueText))),
    ),
  );
}

/** @returns what the publisher is given at the end of an hour: taken back, and said anew with its level */
export async function batchOf(
  rig: Rig,
  hour: number,
): Promise<{
  readonly id: string;
  readonly taken: readonly string[];
  readonly revised: Readonly<Record<string, number>>;
} | null> {
  await rig.tuneBuffer();
  const batch = await rig.buffer.withdrawals(hour);
  if (batch === null) return null;
  const taken = Array.from({ length: batch.teks.length / 16 }, (_, n) => toHex(batch.teks.slice(n * 16, n * 16 + 16)));
  const revised = unpackKeyRevisions(batch.revised).map(
    ({ keyData, fields }) => [toHex(keyData), fields.transmissionRiskLevel] as const,
  );
  return { id: batch.id, taken, revised: Object.fromEntries(revised) };
}

/** @returns level by key of the rows of a set */
export async function levelsOf(rig: Rig, setNo: number): Promise<Record<string, number>> {
  const { rows } = await rig.buffer.page(setNo, null, 1000);
  return Object.fromEntries(
    Array.from({ length: rows.length / 28 }, (_, n) => [toHex(rows.slice(n * 28 + 8, n * 28 + 24)), rows[n * 28 + 5]!]),
  );
}
