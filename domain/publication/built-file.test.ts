import { describe, it } from 'vitest';
import { exportSignature, type ExportHeader } from '../../protocol/export/export-file.ts';
import { readExportZip } from '../../protocol/export/export-reader.ts';
import { REPORT_TYPE, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { buildFile, chunkObjects } from './built-file.ts';
import { compareRows, packKey, packProvenance, ROW_BYTES } from './packed-keys.ts';
import { partKey, type SetRecord } from './record.ts';
import { RecordMerge, wholeRecord } from './record-merge.ts';
import { newWorkspace } from './workspace.ts';

const signer = signerFromPkcs8Pem(pkcs8PemFromScalar(sha256(utf8('export key of the tests'))));
const PINNED = { publicKeySpki: signer.publicKeySpki, keyId: '262', keyVersion: 'v1' };
const HOUR = 490_000;
const HEADER: ExportHeader = {
  startTimestamp: HOUR * 3600,
  endTimestamp: (HOUR + 1) * 3600,
  region: 'DE',
  keyId: '262',
  keyVersion: 'v1',
};
const DAY = Math.floor(HOUR / 24);

const keysOf = (label: string, count: number): TemporaryExposureKey[] =>
  Array.from({ length: count }, (_, i) => ({
    keyData: sha256(utf8(`${label} ${i}`)).slice(0, 16),
    transmissionRiskLevel: 6,
    rollingStartIntervalNumber: (DAY - 2) * 144,
    rollingPeriod: 144,
    reportType: REPORT_TYPE.CONFIRMED_TEST,
    daysSinceOnsetOfSymptoms: 0,
  }));

/** A record with one part, and a merge over all its rows. */
function mergeOver(keys: readonly TemporaryExposureKey[], workspace = newWorkspace()): RecordMerge {
  const rows = keys.map((key) => {
    const row = new Uint8Array(ROW_BYTES);
    packKey(row, 0, key);
    packProvenance(row, 0, 0);
    return row;
  });
  const bytes = new Uint8Array(rows.length * ROW_BYTES);
  for (const [i, row] of rows.toSorted((a, b) => compareRows(a, 0, b, 0)).entries()) bytes.set(row, i * ROW_BYTES);
  const part = { day: DAY + 12, n: 0, rows: keys.length, regionKeys: { DE: keys.length }, issues: false };
  const record: SetRecord = {
    hour: HOUR,
    setNo: 1,
    keys: keys.length,
    regionKeys: part.regionKeys,
    syntheticKeys: {},
    provenances: { 0: { regions: ['DE'], consentToFederation: false, origin: 'DE', synthetic: false } },
    parts: [part],
  };
  const objects = new Map([[partKey(HOUR, part), bytes]]);
  const ports = {
    read: (name: string, { offset, length }: { offset: number; length: number }, memory: Uint8Array) => {
      const found = objects.get(name)?.subarray(offset, offset + length) ?? null;
      if (found === null) return Promise.resolve(null);
      const own = new Uint8Array(memory.buffer, 0, found.length);
      own.set(found);
      return Promise.resolve(own);
    },
    unionRegion: 'EUR',
    retentionDays: 14,
    readWhole: () => Promise.resolve(null),
    workspace,
  };
  return new RecordMerge(ports, 'DE', wholeRecord(record, 0, HOUR));
}

const sign = (bin: Uint8Array): Uint8Array => exportSignature(HEADER, bin, signer.der);
const names = (keys: readonly TemporaryExposureKey[]): string[] => keys.map(({ keyData }) => keyData.join()).toSorted();

describe('a built file', () => {
  it('may hold revoked rows alone, or after its keys, each as REVOKED', async ({ expect }) => {
    const [fresh, taken] = [keysOf('fresh', 150), keysOf('taken back', 140)];
    for (const keys of [[], fresh]) {
      const workspace = newWorkspace();
      const revoked = { merge: mergeOver(taken, workspace), keys: taken.length };
      const file = await buildFile(workspace, HEADER, mergeOver(keys, workspace), keys.length, sign, revoked);
      const read = readExportZip(file.zip, PINNED);
      if (!read.ok) throw new Error(read.error.kind);
      expect(names(read.exportFile.keys)).toEqual(names(keys));
      expect(names(read.exportFile.revisedKeys)).toEqual(names(taken));
      expect(new Set(read.exportFile.revisedKeys.map(({ reportType }) => reportType))).toEqual(
        new Set([REPORT_TYPE.REVOKED]),
      );
      expect(file.sealed).toMatchObject({ keys: keys.length, size: file.zip.length });
    }
  });

  it('is two objects, of which the second is empty where it would be no smaller than the ZIP', async ({ expect }) => {
    const workspace = newWorkspace();
    const keys = keysOf('fresh', 150);
    const file = await buildFile(workspace, HEADER, mergeOver(keys, workspace), keys.length, sign);
    const sizes = (compact: () => Uint8Array | null): number[] =>
      [...chunkObjects('DE', { ...file, compact }, 0, 3600)].map(({ bytes }) => bytes.length);
    const { size } = file.sealed;
    expect(sizes(file.compact)).toEqual([size, file.compact()!.length]);
    expect(sizes(() => null)).toEqual([size, 0]);
    expect(sizes(() => new Uint8Array(size))).toEqual([size, 0]);
    expect(sizes(() => new Uint8Array(size - 1))).toEqual([size, size - 1]);
  });

  it('is not made of fewer revoked rows than were said', async ({ expect }) => {
    const revoked = { merge: mergeOver(keysOf('taken back', 139)), keys: 140 };
    await expect(buildFile(newWorkspace(), HEADER, mergeOver([]), 0, sign, revoked)).rejects.toThrow(
      '140 keys expected',
    );
  });
});
