/** @module A batch in the public export's format (docs/spec/gaen.md §4), signed by one of the peer's keys: ours, Google's and Corona-Warn-App's feeds all carry it. */
import { DAYS_SINCE_ONSET_UNKNOWN, REPORT_TYPE, type TemporaryExposureKey } from '../../../protocol/gaen/keys.ts';
import { describeExportError, type ExportError } from '../../../protocol/export/export-reader.ts';
import { type FeedFile, readFeedZip } from '../../../protocol/export/feed-reader.ts';
import { err, ok, type Result } from '../../../protocol/primitives/result.ts';
import type { InboundKey } from '../inbound.ts';
import { nameOf, type PeerKey, type ReadBatch, type ReadFault, type ReadPorts } from './reader.ts';

/** What a file's bytes are read as. */
interface Wanted {
  /** The format's name of it. */
  readonly id: string;
  readonly zip: Uint8Array;
  /** See {@link keysOf}. */
  readonly levels: boolean;
  /** @returns what is wrong with a header, since whoever signed it may have meant it for somebody else; null: nothing */
  readonly isOther: (header: FeedFile['header']) => string | null;
}

/** @returns the batch when one of the peer's keys signed the file and it is the one that was asked for */
export function batchOf(
  { keys, config }: ReadPorts,
  { id, zip, levels, isOther }: Wanted,
): Result<ReadBatch, ReadFault> {
  const about = { id, sha256: nameOf(zip) };
  const file = verifiedExport(zip, keys);
  if (!file.ok) return file;
  if ('tooMany' in file.value) return ok({ ...about, count: 0, keys: [], ...file.value });
  const { num, size } = file.value.part;
  if (size !== 1) return err({ kind: 'format', what: `part ${num} of ${size}` });
  const other = isOther(file.value.header);
  if (other !== null) return err({ kind: 'format', what: other });
  return ok({ ...about, count: file.value.count, keys: keysOf(file.value, config.RegionID, levels) });
}

/** Errors whose description has words that a stranger chose: what an operator reads is ours. */
const WORDS_OF_OTHERS: ReadonlySet<ExportError['kind']> = new Set([
  'unexpected-entry',
  'unknown-key',
  'unsupported-algorithm',
]);

/** @returns the file when one of the keys signed it, whole batch or part; or how many keys it has, where they are more than are read */
export function verifiedExport(
  zip: Uint8Array,
  keys: readonly PeerKey[],
): Result<FeedFile | { readonly tooMany: number }, ReadFault> {
  let fault: ReadFault = { kind: 'signature', what: 'the peer has no key' };
  for (const { keyId, keyVersion, spki } of keys) {
    const read = readFeedZip(zip, { keyId, keyVersion, publicKeySpki: spki });
    if (read.ok) return read;
    const { kind } = read.error;
    // Signed, and counted before it was read.
    if (read.error.kind === 'too-many-keys') return ok({ tooMany: read.error.count });
    const isOther = kind === 'unknown-key' || kind === 'bad-signature' || kind === 'unsupported-algorithm';
    const what = WORDS_OF_OTHERS.has(kind) ? kind : describeExportError(read.error);
    fault = { kind: isOther ? 'signature' : 'format', what };
    if (!isOther) break;
  }
  return err(fault);
}

/**
 * @param origin the region that signed
 * @param levels whether its levels mean what ours do; else they are left, and the onset says more
 */
export function keysOf(file: FeedFile, origin: string, levels: boolean): Iterable<InboundKey> {
  const inbound = (key: TemporaryExposureKey, reportType: number): InboundKey => ({
    keyData: key.keyData,
    rollingStartIntervalNumber: key.rollingStartIntervalNumber,
    rollingPeriod: key.rollingPeriod,
    transmissionRiskLevel: levels ? key.transmissionRiskLevel : null,
    onset: levels || key.daysSinceOnsetOfSymptoms === DAYS_SINCE_ONSET_UNKNOWN ? null : key.daysSinceOnsetOfSymptoms,
    reportType,
    origin,
  });
  return {
    *[Symbol.iterator]() {
      for (const { key, revised } of file.keys) {
        // Of changes of status only one is ours to follow: that a key is taken back.
        if (!revised || key.reportType === REPORT_TYPE.REVOKED) yield inbound(key, key.reportType);
      }
    },
  };
}
