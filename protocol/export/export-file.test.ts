import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { anyHeader, anyKey } from '../../test/support/protocol-arbitraries.ts';
import { concatBytes, fromUtf8, toHex, utf8 } from '../primitives/bytes.ts';
import { EXPORT_HEADER, type ExportHeader, ExportWriter, exportSignature, exportZip } from './export-file.ts';
import { readExportZip } from './export-reader.ts';
import { gaen } from '../generated/gaen-export.js';
import { sha256 } from '../primitives/hash.ts';
import type { TemporaryExposureKey } from '../gaen/keys.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem, verifyDer } from '../signing.ts';

const signing = signerFromPkcs8Pem(pkcs8PemFromScalar(sha256(utf8('export key of the tests'))));
const HEADER: ExportHeader = {
  startTimestamp: 1_764_028_800,
  endTimestamp: 1_764_032_400,
  region: 'DE',
  keyId: '262',
  keyVersion: 'v1',
};
const KEY: TemporaryExposureKey = {
  keyData: new Uint8Array(16).fill(0xab),
  transmissionRiskLevel: 6,
  rollingStartIntervalNumber: 2_939_904,
  rollingPeriod: 144,
  reportType: 1,
  daysSinceOnsetOfSymptoms: -1,
};

function write(
  header: ExportHeader,
  keys: readonly TemporaryExposureKey[],
  revised: readonly TemporaryExposureKey[] = [],
): Uint8Array {
  const writer = new ExportWriter(header, keys.length + revised.length);
  for (const key of keys) writer.add(key);
  for (const key of revised) writer.addRevised(key);
  return writer.finish();
}

/** The same message by protobufjs, every field set. */
function byLibrary(
  header: ExportHeader,
  keys: readonly TemporaryExposureKey[],
  revisedKeys: readonly TemporaryExposureKey[],
): Uint8Array {
  const message = gaen.TemporaryExposureKeyExport.encode({
    startTimestamp: header.startTimestamp,
    endTimestamp: header.endTimestamp,
    region: header.region,
    batchNum: 1,
    batchSize: 1,
    signatureInfos: [
      {
        verificationKeyId: header.keyId,
        verificationKeyVersion: header.keyVersion,
        signatureAlgorithm: '1.2.840.10045.4.3.2',
      },
    ],
    keys: [...keys],
    revisedKeys: [...revisedKeys],
  }).finish();
  return concatBytes(utf8('EK Export v1    '), message);
}

const someKeys = fc.array(anyKey, { maxLength: 30 });

describe('export.bin', () => {
  it('is what protobufjs writes, byte for byte', ({ expect }) => {
    fc.assert(
      fc.property(anyHeader, someKeys, someKeys, (header, keys, revised) => {
        expect(toHex(write(header, keys, revised))).toBe(toHex(byLibrary(header, keys, revised)));
      }),
      { seed: 11, numRuns: 300 },
    );
  });

  it('one key, laid out by hand (docs/spec/gaen.md §4.1)', ({ expect }) => {
    const hex = toHex(write(HEADER, [KEY]));
    const fields = [
      '454b204578706f727420763120202020', // "EK Export v1" and four spaces
      '0980f1246900000000', // start_timestamp, fixed64
      '1190ff246900000000', // end_timestamp
      '1a024445', // region "DE"
      '20012801', // batch 1 of 1
      '321e', // SignatureInfo
      '1a027631', // version "v1"
      '2203323632', // id "262"
      `2a13${toHex(utf8('1.2.840.10045.4.3.2'))}`,
      '3a20', // key
      `0a10${'ab'.repeat(16)}`,
      '1006', // transmission_risk_level
      '1880b8b301', // rolling_start_interval_number
      '209001', // rolling_period
      '2801', // report_type
      '3001', // days_since_onset_of_symptoms −1, zigzag
    ];
    expect(hex).toBe(fields.join(''));
  });

  it('writes what equals a default too: period 144, level 0, type 0, onset 0', ({ expect }) => {
    const zero = {
      ...KEY,
      transmissionRiskLevel: 0,
      rollingStartIntervalNumber: 0,
      reportType: 0,
      daysSinceOnsetOfSymptoms: 0,
    } as const;
    expect(toHex(write(HEADER, [zero])).slice(-22)).toBe('1000180020900128003000');
  });

  it('has 34 bytes a key of today, and 74 before the first', ({ expect }) => {
    expect(write(HEADER, [])).toHaveLength(74);
    expect(write(HEADER, [KEY, KEY]).length - write(HEADER, [KEY]).length).toBe(34);
  });

  it.for([
    ['key_data', { keyData: new Uint8Array(15) }],
    ['key_data', { keyData: new Uint8Array(17) }],
    ['rolling_period', { rollingPeriod: 0 }],
    ['rolling_period', { rollingPeriod: 145 }],
    ['rolling_start_interval_number', { rollingStartIntervalNumber: -1 }],
    ['rolling_start_interval_number', { rollingStartIntervalNumber: 0x80000000 }],
    ['rolling_start_interval_number', { rollingStartIntervalNumber: 1.5 }],
    ['transmission_risk_level', { transmissionRiskLevel: 9 }],
    ['days_since_onset_of_symptoms', { daysSinceOnsetOfSymptoms: 15 }],
    ['days_since_onset_of_symptoms', { daysSinceOnsetOfSymptoms: Number.NaN }],
    ['report_type', { reportType: 6 as 5 }],
  ] as const)('refuses a bad %s', ([field, change], { expect }) => {
    const writer = new ExportWriter(HEADER, 1);
    expect(() => writer.add({ ...KEY, ...change })).toThrow(`export: ${field}`);
    expect(writer.finish()).toHaveLength(74);
  });

  it('revised keys are bounded with the others, judged as they are, and come after them', ({ expect }) => {
    const writer = new ExportWriter(HEADER, 2);
    writer.add(KEY);
    expect(() => writer.addRevised({ ...KEY, reportType: 6 as 5 })).toThrow('export: report_type');
    writer.addRevised({ ...KEY, reportType: 5 });
    expect(() => writer.addRevised(KEY)).toThrow('more keys');
    const late = new ExportWriter(HEADER, 2);
    late.addRevised(KEY);
    expect(() => late.add(KEY)).toThrow('keys stand before revised_keys');
  });

  it('refuses more keys than said, and a header that phones refuse', ({ expect }) => {
    const writer = new ExportWriter(HEADER, 1);
    writer.add({ ...KEY, rollingStartIntervalNumber: 0x7fffffff });
    expect(() => writer.add(KEY)).toThrow('more keys');
    const bad: Partial<ExportHeader>[] = [
      { endTimestamp: HEADER.startTimestamp },
      { startTimestamp: -1 },
      { keyId: '26 2' },
      { keyId: '' },
      { keyVersion: 'v.1' },
      { region: 'de' },
    ];
    for (const change of bad) expect(() => new ExportWriter({ ...HEADER, ...change }, 1)).toThrow(RangeError);
    expect(() => new ExportWriter(HEADER, -1)).toThrow(RangeError);
  });
});

describe('export.sig and ZIP', () => {
  const bin = write(HEADER, [KEY]);
  const sig = exportSignature(HEADER, bin, signing.der);

  it('one DER signature over the whole file, its header included', ({ expect }) => {
    const list = gaen.TEKSignatureList.decode(sig);
    expect(list.signatures).toHaveLength(1);
    const { signatureInfo, batchNum, batchSize, signature } = list.signatures[0] ?? {};
    expect({ ...signatureInfo }).toEqual({
      verificationKeyId: '262',
      verificationKeyVersion: 'v1',
      signatureAlgorithm: '1.2.840.10045.4.3.2',
    });
    expect([batchNum, batchSize]).toEqual([1, 1]);
    expect(verifyDer(signing.publicKeySpki, bin, signature ?? new Uint8Array())).toBe(true);
    expect(verifyDer(signing.publicKeySpki, bin.subarray(16), signature ?? new Uint8Array())).toBe(false);
  });

  it('the same content gives the same ZIP, pinned to the byte in Node and in workerd', ({ expect }) => {
    const keys = Array.from({ length: 300 }, (_, i) => ({ ...KEY, keyData: sha256(utf8(`key ${i}`)).slice(0, 16) }));
    const first = write(HEADER, keys);
    const zip = exportZip(first, exportSignature(HEADER, first, signing.der));
    const second = write(HEADER, keys);
    expect(exportZip(second, exportSignature(HEADER, second, signing.der))).toEqual(zip);
    expect(toHex(sha256(zip))).toBe('dcf723d7bdeaa6f8ff56c47afa3733aef4a7a837b545b31ec84bb2d077acc4ea');
  });

  it('the strict reader gives back what was written', ({ expect }) => {
    const pinned = { publicKeySpki: signing.publicKeySpki, keyId: '262', keyVersion: 'v1' };
    fc.assert(
      fc.property(anyHeader, someKeys, someKeys, (anyOther, keys, revisedKeys) => {
        const header = { ...anyOther, keyId: '262', keyVersion: 'v1' };
        const exportBin = write(header, keys, revisedKeys);
        const read = readExportZip(exportZip(exportBin, exportSignature(header, exportBin, signing.der)), pinned);
        const name = { keyId: '262', keyVersion: 'v1' };
        expect(read).toEqual({
          ok: true,
          exportFile: { header, keys, revisedKeys },
          exportBin,
          verified: true,
          signature: 0,
          signedBy: [name],
        });
      }),
      { seed: 12, numRuns: 50 },
    );
  });

  it('100,000 revoked keys are packed as other keys are', ({ expect }) => {
    const keys = Array.from({ length: 100_000 }, (_, i) => {
      const keyData = new Uint8Array(16);
      new DataView(keyData.buffer).setUint32(12, i);
      return { ...KEY, keyData, reportType: 5 as const };
    });
    const exportBin = write(HEADER, [], keys);
    const read = readExportZip(exportZip(exportBin, exportSignature(HEADER, exportBin, signing.der)), null);
    expect(read.ok && read.exportFile.keys).toEqual([]);
    expect(read.ok && read.exportFile.revisedKeys.length).toBe(100_000);
    expect(read.ok && read.exportFile.revisedKeys.at(-1)).toEqual(keys.at(-1));
  });

  it('begins with the 16 bytes that phones compare', ({ expect }) => {
    expect(fromUtf8(EXPORT_HEADER)).toBe('EK Export v1    ');
    expect(EXPORT_HEADER).toHaveLength(16);
  });
});
