/** @module A batch in the public export's format (docs/spec/gaen.md §4), signed by one of the peer's keys: ours, Google's and Corona-Warn-App's feeds all carry it. */
import { DAYS_SINCE_ONSET_UNKNOWN, REPORT_TYPE, type TemporaryExposureKey } from '../../../protocol/gaen/keys.ts';
import {
  describeExportError,
  type ExportFile,
  type ExportPart,
  readFeedZip,
} from '../../../protocol/export/export-reader.ts';
import { err, ok, type Result } from '../../../protocol/primitives/result.ts';
import type { InboundKey } from '../inbound.ts';
import type { PeerKey, ReadFault } from './reader.ts';

/** @returns the file when one of the keys signed it, and it is a whole batch */
export function verifiedExport(zip: Uint8Array, keys: readonly PeerKey[]): Result<ExportFile, ReadFault> {
  const read = verifiedPart(zip, keys);
  if (!read.ok) return read;
  const { file, num, size } = read.value;
  return size === 1 ? ok(file) : err({ kind: 'format', what: `part ${num} of ${size}` });
}

/** @returns the file when one of the keys signed it, and which part of a batch it is */
export function verifiedPart(
  zip: Uint8Array,
  keys: readonly PeerKey[],
): Result<ExportPart & { readonly file: ExportFile }, ReadFault> {
  let fault: ReadFault = { kind: 'signature', what: 'the peer has no key' };
  for (const { keyId, keyVersion, spki } of keys) {
    const read = readFeedZip(zip, { keyId, keyVersion, publicKeySpki: spki });
    if (read.ok) return ok({ file: read.exportFile, ...read.part });
    const { kind } = read.error;
    const isOther = kind === 'unknown-key' || kind === 'bad-signature' || kind === 'unsupported-algorithm';
    fault = { kind: isOther ? 'signature' : 'format', what: describeExportError(read.error) };
    if (!isOther) break;
  }
  return err(fault);
}

/**
 * @param origin the region that signed
 * @param levels whether its levels mean what ours do; else they are left, and the onset says more
 */
export function keysOf(file: ExportFile, origin: string, levels: boolean): InboundKey[] {
  const inbound = (key: TemporaryExposureKey, reportType: number): InboundKey => ({
    keyData: key.keyData,
    rollingStartIntervalNumber: key.rollingStartIntervalNumber,
    rollingPeriod: key.rollingPeriod,
    transmissionRiskLevel: levels ? key.transmissionRiskLevel : null,
    onset: levels || key.daysSinceOnsetOfSymptoms === DAYS_SINCE_ONSET_UNKNOWN ? null : key.daysSinceOnsetOfSymptoms,
    reportType,
    origin,
  });
  const revised = file.revisedKeys.filter(({ reportType }) => reportType === REPORT_TYPE.REVOKED);
  return [
    ...file.keys.map((key) => inbound(key, key.reportType)),
    ...revised.map((key) => inbound(key, REPORT_TYPE.REVOKED)),
  ];
}
