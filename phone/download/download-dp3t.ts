/**
 * @module Download by DP-3T's public feed (docs/spec/europe.md §2.1): a document says which the newest batch is, batches are numbered without gaps, and each answer is signed for its URL and until some time by its header. So what
 * is withheld shows within that time.
 */
import { decodeExposedList, type ExposedKey, reportTypeOf } from '../../protocol/feed/exposed-list.ts';
import { parseGaenLatest } from '../../protocol/feed/latest.ts';
import { feedPath } from '../../protocol/feed/names.ts';
import { jwksOf, SIGNATURE_HEADER, verifyAnswer } from '../../protocol/feed/signature.ts';
import { MAX_ZIP_BYTES } from '../../protocol/export/export-reader.ts';
import { SECONDS_PER_HOUR, SECONDS_PER_INTERVAL } from '../../protocol/gaen/intervals.ts';
import { DAYS_SINCE_ONSET_UNKNOWN, REPORT_TYPE, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { MAX_FEED_KEYS } from '../../protocol/export/feed-reader.ts';
import { countFields } from '../../protocol/primitives/protobuf-read.ts';
import { isUsableKey } from '../../protocol/export/key-fields.ts';
import { fromUtf8 } from '../../protocol/primitives/bytes.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import { type DownloadError, type DownloadPorts, type SyncOutcome, Transfer } from './download.ts';
import type { Store } from '../store.ts';

/** What a phone remembers between runs. */
export interface Dp3tState {
  readonly region: string;
  /** Number of the last batch that was handed on; 0 before the first. */
  readonly last: number;
  /** When it was, Unix seconds. */
  readonly at: number;
}

export interface Dp3tPorts extends DownloadPorts {
  readonly region: string;
  readonly store: Store<Dp3tState>;
}

const MAX_LATEST_BYTES = 4096;
/** Beside its keys a batch has one; the rest is room for fields that a later format may add. */
const MAX_HEAD_FIELDS = 16;
/** A feed doesn't say where it begins: 14 days of batches an hour back, and no further. */
const MOST_BACK = 336;
/** After so long without a batch, what isn't there has had its time; before, it is withheld. */
const AWAY_SECONDS = MOST_BACK * SECONDS_PER_HOUR;

/** @param value what was read from disk @returns whether it is a {@link Dp3tState} */
export function isDp3tState(value: unknown): value is Dp3tState {
  if (typeof value !== 'object' || value === null) return false;
  const { region, last, at } = value as Record<string, unknown>;
  return typeof region === 'string' && Number.isSafeInteger(last) && Number.isSafeInteger(at);
}

/**
 * Fetches every batch after the last one, in order. One that isn't there ends the run, unless the phone is new or was away for 14 days: then it has had its time.
 *
 * @param ports see {@link Dp3tPorts}
 * @returns what was done and what failed; with errors, run again later (retry.ts)
 * @throws whatever `onFile` or saving throws
 */
export async function syncDp3t(ports: Dp3tPorts): Promise<SyncOutcome> {
  const transfer = new Transfer(ports);
  const error = await run(ports, transfer);
  if (error !== null) transfer.errors.push(error);
  return transfer.outcome();
}

async function run(ports: Dp3tPorts, transfer: Transfer): Promise<DownloadError | null> {
  const loaded = await ports.store.load();
  if (!loaded.ok) return loaded.error;
  const { region } = ports;
  const kept = loaded.value?.region === region ? loaded.value : { last: 0, at: 0 };
  const { last } = kept;
  const isAway = ports.clock() - kept.at >= AWAY_SECONDS;
  const document = await signed(ports, transfer, null, MAX_LATEST_BYTES);
  if (!document.ok) return document.error;
  const path = pathOf(null);
  const latest = parseGaenLatest(textOf(document.value));
  if (!latest.ok) return { kind: 'bad-list', path, rule: 'must be the latest batch, as JSON' };
  const { latestBatchId } = latest.value;
  if (latestBatchId < last) return { kind: 'bad-list', path, rule: `must not end before batch ${last}` };
  for (let n = Math.max(last + 1, latestBatchId - MOST_BACK, 1); n <= latestBatchId; n++) {
    const batch = await signed(ports, transfer, n, MAX_ZIP_BYTES);
    const isGone = !batch.ok && batch.error.kind === 'status' && batch.error.status === 404;
    if (!batch.ok && !(isGone && isAway && n < latestBatchId)) return batch.error;
    if (batch.ok) {
      // Counted first: a field of two bytes would be an object.
      const isTooMany = countFields(batch.value) > MAX_FEED_KEYS + MAX_HEAD_FIELDS;
      const list = isTooMany ? err('malformed') : decodeExposedList(batch.value);
      if (!list.ok) return { kind: 'bad-list', path: pathOf(n), rule: 'must be a batch of keys' };
      const keys = [...list.value.exposed].map(keyOf).filter(isUsableKey);
      const isRevoked = ({ reportType }: TemporaryExposureKey): boolean => reportType === REPORT_TYPE.REVOKED;
      await ports.onFile({
        path: pathOf(n),
        exportFile: {
          header: { region, startTimestamp: 0, endTimestamp: list.value.batchReleaseTime, keyId: '', keyVersion: '' },
          keys: keys.filter((key) => !isRevoked(key)),
          revisedKeys: keys.filter(isRevoked),
        },
      });
      transfer.files++;
    }
    await ports.store.save({ region, last: n, at: ports.clock() });
  }
  return null;
}

const pathOf = (batch: number | null): string => feedPath({ feed: null, view: 'gaen', batch }).slice(1);

/** DP-3T tells neither level nor onset. */
function keyOf({ keyData, rollingStartIntervalNumber, validBeforeTime, type }: ExposedKey): TemporaryExposureKey {
  return {
    keyData,
    rollingStartIntervalNumber,
    rollingPeriod: validBeforeTime / SECONDS_PER_INTERVAL - rollingStartIntervalNumber,
    transmissionRiskLevel: 0,
    reportType: reportTypeOf(type),
    daysSinceOnsetOfSymptoms: DAYS_SINCE_ONSET_UNKNOWN,
  };
}

async function signed(
  ports: Dp3tPorts,
  transfer: Transfer,
  batch: number | null,
  maxBytes: number,
): Promise<Result<Uint8Array, DownloadError>> {
  const path = pathOf(batch);
  const answer = await transfer.get(path, maxBytes);
  if (!answer.ok) return answer;
  const body = answer.value.bytes ?? new Uint8Array();
  const keys = [ports.exportKey].flat().flatMap((key) => jwksOf(key.keyId, key.keyVersion, key.publicKeySpki));
  const url = `${ports.baseUrl}/${path}`;
  const token = answer.value.headers.get(SIGNATURE_HEADER);
  const verified = await verifyAnswer(token, { url, body }, ports.clock(), { keys, subtle: crypto.subtle });
  return verified.ok ? ok(body) : err({ kind: 'answer-signature', path, rule: verified.error });
}

function textOf(bytes: Uint8Array): string {
  try {
    return fromUtf8(bytes);
  } catch {
    return '';
  }
}
