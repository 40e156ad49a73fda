/**
 * @module Export files that a phone must refuse, one fault each (docs/spec/gaen.md §4, §13).
 */
import { concatBytes } from '../../protocol/primitives/bytes.ts';
import { EXPORT_BIN, EXPORT_HEADER, EXPORT_SIG, exportZip, ExportWriter } from '../../protocol/export/export-file.ts';
import { gaen } from '../../protocol/generated/gaen-export.js';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { writeZip } from '../../protocol/export/zip.ts';
import { EXPORT_KEY, exportSigner, REGION } from './timeline.ts';

export interface Tampered {
  readonly name: string;
  /** Kind of the ExportError that is due. */
  readonly kind: string;
  readonly zip: Uint8Array;
}

const HEADER = { region: REGION, keyId: EXPORT_KEY.keyId, keyVersion: EXPORT_KEY.keyVersion };
const WINDOW = { startTimestamp: 1_780_000_000, endTimestamp: 1_780_003_600 };

function sigOf(signatures: readonly Uint8Array[], info: Partial<gaen.SignatureInfo.$Properties> = {}): Uint8Array {
  const signatureInfo = {
    verificationKeyVersion: HEADER.keyVersion,
    verificationKeyId: HEADER.keyId,
    signatureAlgorithm: '1.2.840.10045.4.3.2',
    ...info,
  };
  const list = { signatures: signatures.map((signature) => ({ signatureInfo, batchNum: 1, batchSize: 1, signature })) };
  return Uint8Array.from(gaen.TEKSignatureList.encode(list).finish());
}

/**
 * @param keys of the file
 * @returns the file as it should be, and in each way in which it must be refused
 */
export function tamperedFiles(keys: readonly TemporaryExposureKey[]): { good: Uint8Array; bad: Tampered[] } {
  const writer = new ExportWriter({ ...HEADER, ...WINDOW }, keys.length);
  for (const key of keys) writer.add(key);
  const bin = writer.finish();
  const body = bin.subarray(EXPORT_HEADER.length);
  const { der, raw } = exportSigner;
  const valid = der.sign(bin);
  const zip = (data: Uint8Array, sig: Uint8Array): Uint8Array => exportZip(data, sig);
  const entries = [
    { name: EXPORT_BIN, data: bin },
    { name: EXPORT_SIG, data: sigOf([valid]) },
  ];
  const flipped = Uint8Array.from(bin);
  flipped[bin.length - 10] = (flipped[bin.length - 10] ?? 0) ^ 1;
  const good = zip(bin, sigOf([valid]));
  const damaged = Uint8Array.from(good);
  damaged[60] = (damaged[60] ?? 0) ^ 1;
  const otherHeader = concatBytes(Uint8Array.from(EXPORT_HEADER.map((byte) => (byte === 49 ? 50 : byte))), body);
  return {
    good,
    bad: [
      { name: 'a flipped byte in the keys', kind: 'bad-signature', zip: zip(flipped, sigOf([valid])) },
      { name: 'a signature without the header', kind: 'bad-signature', zip: zip(bin, sigOf([der.sign(body)])) },
      { name: 'a raw r‖s signature', kind: 'bad-signature', zip: zip(bin, sigOf([raw.sign(bin)])) },
      {
        name: 'a third entry',
        kind: 'unexpected-entry',
        zip: writeZip([...entries, { name: 'content.sig', data: valid }]),
      },
      { name: 'two signatures for one info', kind: 'signature-count', zip: zip(bin, sigOf([valid, valid])) },
      { name: 'no signature', kind: 'no-signature', zip: zip(bin, sigOf([])) },
      { name: 'no export.sig', kind: 'missing-entry', zip: writeZip(entries.slice(0, 1)) },
      {
        name: 'an algorithm that phones do not take',
        kind: 'unsupported-algorithm',
        zip: zip(bin, sigOf([valid], { signatureAlgorithm: '1.2.840.10045.4.3.4' })),
      },
      {
        name: 'another version of the key',
        kind: 'unknown-key',
        zip: zip(bin, sigOf([valid], { verificationKeyVersion: 'v2' })),
      },
      { name: 'another header', kind: 'bad-header', zip: zip(otherHeader, sigOf([der.sign(otherHeader)])) },
      { name: 'bytes after the archive', kind: 'malformed-zip', zip: concatBytes(good, Uint8Array.of(0)) },
      { name: 'half of the archive', kind: 'malformed-zip', zip: good.slice(0, good.length / 2) },
      { name: 'no archive', kind: 'malformed-zip', zip: bin },
    ],
  };
}
