import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { zipByHand } from '../../test/support/zip-by-hand.ts';
import vectors from '../../test/vectors/gaen-export-files.json' with { type: 'json' };
import { concatBytes, fromBase64, fromHex, toHex, utf8 } from '../primitives/bytes.ts';
import { EXPORT_HEADER, exportSignature, exportZip, type ExportHeader, ExportWriter } from './export-file.ts';
import { describeExportError, type PinnedKey, readExportBin, readExportZip } from './export-reader.ts';
import { gaen } from '../generated/gaen-export.js';
import { sha256 } from '../primitives/hash.ts';
import { DAYS_SINCE_ONSET_UNKNOWN, REPORT_TYPE } from '../gaen/keys.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../signing.ts';

const ours = signerFromPkcs8Pem(pkcs8PemFromScalar(sha256(utf8('export key of the tests'))));
const other = signerFromPkcs8Pem(pkcs8PemFromScalar(sha256(utf8('another key'))));
const PINNED: PinnedKey = { publicKeySpki: ours.publicKeySpki, keyId: '262', keyVersion: 'v1' };
const OID = '1.2.840.10045.4.3.2';
const INFO: gaen.SignatureInfo.$Properties = {
  verificationKeyId: '262',
  verificationKeyVersion: 'v1',
  signatureAlgorithm: OID,
};
const HEADER: ExportHeader = { startTimestamp: 1000, endTimestamp: 2000, region: 'DE', keyId: '262', keyVersion: 'v1' };
const KEY: gaen.TemporaryExposureKey.$Properties = {
  keyData: new Uint8Array(16).fill(7),
  transmissionRiskLevel: 5,
  rollingStartIntervalNumber: 2_939_904,
  rollingPeriod: 144,
  reportType: 1,
  daysSinceOnsetOfSymptoms: 2,
};

function bin(change: gaen.TemporaryExposureKeyExport.$Properties = {}): Uint8Array {
  const message = gaen.TemporaryExposureKeyExport.encode({
    startTimestamp: 1000,
    endTimestamp: 2000,
    region: 'DE',
    batchNum: 1,
    batchSize: 1,
    signatureInfos: [INFO],
    keys: [KEY],
    ...change,
  }).finish();
  return concatBytes(EXPORT_HEADER, message);
}

function sig(...signatures: readonly gaen.TEKSignature.$Properties[]): Uint8Array {
  return Uint8Array.from(gaen.TEKSignatureList.encode({ signatures: [...signatures] }).finish());
}

const signed = (exportBin: Uint8Array, info: gaen.SignatureInfo.$Properties = INFO, key = ours) => ({
  signatureInfo: info,
  batchNum: 1,
  batchSize: 1,
  signature: key.der.sign(exportBin),
});

/** A file by key 262-v1, correctly signed whatever its content. */
const zipOf = (exportBin: Uint8Array): Uint8Array => exportZip(exportBin, sig(signed(exportBin)));

function kindOf(zip: Uint8Array, pinned: PinnedKey | null = PINNED): string {
  const read = readExportZip(zip, pinned);
  if (read.ok) return read.verified ? 'verified' : 'read';
  return `${read.error.kind}: ${describeExportError(read.error)}`;
}

describe('readExportZip', () => {
  it.for(vectors.exportFiles)('reads $name and its signature', (vector, { expect }) => {
    const [keyId, keyVersion] = ['some_id', '1'];
    const pinned = { publicKeySpki: fromBase64(vector.publicKeySpkiBase64), keyId, keyVersion };
    const exportBin = fromHex(vector.exportBin);
    const zip = exportZip(exportBin, fromHex(vector.exportSig));
    const read = readExportZip(zip, pinned);
    expect(read.ok && read.verified).toBe(true);
    expect(read.ok && toHex(read.exportBin)).toBe(vector.exportBin);
    expect(kindOf(zip, { ...pinned, publicKeySpki: other.publicKeySpki })).toMatch(/^bad-signature/);
  });

  it('a revocation is read from revised_keys', ({ expect }) => {
    const vector = vectors.exportFiles.find(({ name }) => name === 'generated-revised-revoke');
    const read = readExportBin(fromHex(vector?.exportBin ?? ''));
    expect(read.ok && read.value.revisedKeys.map(({ reportType }) => reportType)).toEqual([REPORT_TYPE.REVOKED]);
  });

  it('fields that are absent: period 144, no onset, level and type 0', ({ expect }) => {
    const sparse = bin({ keys: [{ keyData: KEY.keyData ?? null, rollingStartIntervalNumber: 5 }] });
    const read = readExportZip(zipOf(sparse), PINNED);
    expect(read.ok && read.exportFile.keys).toEqual([
      {
        keyData: KEY.keyData,
        transmissionRiskLevel: 0,
        rollingStartIntervalNumber: 5,
        rollingPeriod: 144,
        reportType: 0,
        daysSinceOnsetOfSymptoms: DAYS_SINCE_ONSET_UNKNOWN,
      },
    ]);
  });

  it('fields it does not know are skipped (variant_of_concern, app_bundle_id)', ({ expect }) => {
    const key = concatBytes(gaen.TemporaryExposureKey.encode(KEY).finish(), Uint8Array.of(0x40, 1));
    const exportBin = concatBytes(bin({ keys: [] }), Uint8Array.of(0x3a, key.length), key, Uint8Array.of(0x7a, 1, 0));
    expect(kindOf(zipOf(exportBin))).toBe('verified');
  });

  it('a second signature by a foreign key does not matter to Android', ({ expect }) => {
    const foreign = { ...INFO, verificationKeyId: '310' };
    const exportBin = bin({ signatureInfos: [INFO, foreign] });
    const zip = exportZip(exportBin, sig(signed(exportBin, foreign, other), signed(exportBin)));
    expect(kindOf(zip)).toBe('verified');
  });

  it('a single signature without an id is tried against the one pinned key', ({ expect }) => {
    const exportBin = bin();
    const info = { signatureAlgorithm: OID };
    expect(kindOf(exportZip(exportBin, sig(signed(exportBin, info))))).toBe('verified');
    expect(kindOf(exportZip(exportBin, sig(signed(exportBin, info, other))))).toMatch(/^bad-signature/);
  });

  it('without a pinned key it reads and says so', ({ expect }) => {
    expect(kindOf(exportZip(bin(), sig(signed(bin(), INFO, other))), null)).toBe('read');
  });
});

describe('readExportZip refuses', () => {
  const good = bin();
  const der = ours.der.sign(good);
  const entries = { bin: { name: 'export.bin', data: good }, sig: { name: 'export.sig', data: sig(signed(good)) } };
  const withSignature = (signature: Uint8Array): Uint8Array => exportZip(good, sig({ ...signed(good), signature }));
  const withKey = (change: gaen.TemporaryExposureKey.$Properties): Uint8Array =>
    zipOf(bin({ keys: [KEY, { ...KEY, ...change }] }));
  const noStart: gaen.TemporaryExposureKey.$Properties = { ...KEY };
  delete noStart.rollingStartIntervalNumber;

  const cases: readonly [string, Uint8Array, RegExp][] = [
    ['a signature without the header', withSignature(ours.der.sign(good.subarray(16))), /^bad-signature/],
    ['a raw r‖s signature', withSignature(ours.raw.sign(good)), /^bad-signature/],
    ['a signature by another key', withSignature(other.der.sign(good)), /^bad-signature/],
    ['a signature with a byte behind it', withSignature(concatBytes(der, Uint8Array.of(0))), /^bad-signature/],
    ['no signature bytes', withSignature(new Uint8Array()), /^bad-signature/],
    ['two signatures for one info', exportZip(good, sig(signed(good), signed(good))), /^signature-count.* 2 .* 1$/],
    ['two infos for one signature', zipOf(bin({ signatureInfos: [INFO, INFO] })), /^signature-count/],
    ['no info', zipOf(bin({ signatureInfos: [] })), /^signature-count/],
    ['no signature', exportZip(good, sig()), /^no-signature/],
    [
      'eleven signatures, counted before one of them is verified',
      exportZip(good, sig(...Array.from({ length: 11 }, () => ({ ...signed(good), signature: new Uint8Array() })))),
      /^too-many-signatures.* 11 signatures/,
    ],
    [
      'several signatures, one without id',
      exportZip(good, sig(signed(good), signed(good, { signatureAlgorithm: OID }))),
      /^signature-without-id/,
    ],
    [
      'another key id',
      exportZip(good, sig(signed(good, { ...INFO, verificationKeyId: '263' }))),
      /^unknown-key.*263-v1/,
    ],
    ['another version', exportZip(good, sig(signed(good, { ...INFO, verificationKeyVersion: 'v2' }))), /^unknown-key/],
    [
      'SHA-512, which iOS does not take',
      exportZip(good, sig(signed(good, { ...INFO, signatureAlgorithm: '1.2.840.10045.4.3.4' }))),
      /^unsupported-algorithm/,
    ],
    ['a third entry', zipByHand([entries.bin, entries.sig, { name: 'content.sig', data: good }]), /^unexpected-entry/],
    ['a duplicate entry', zipByHand([entries.bin, entries.bin, entries.sig]), /^duplicate-entry/],
    ['a path component', zipByHand([{ ...entries.bin, name: '../export.bin' }, entries.sig]), /^unexpected-entry/],
    ['no export.sig', zipByHand([entries.bin]), /^missing-entry.*export.sig/],
    ['no export.bin', zipByHand([entries.sig]), /^missing-entry.*export.bin/],
    [
      'stored with its length behind',
      zipByHand([{ ...entries.bin, method: 0, flags: 8 }, entries.sig]),
      /^unsupported-entry/,
    ],
    ['another header', zipOf(concatBytes(utf8('EK Export v2    '), good.subarray(16))), /^bad-header/],
    ['a header of tabs', zipOf(concatBytes(utf8('EK Export v1\t\t\t\t'), good.subarray(16))), /^bad-header/],
    ['less than a header', zipOf(utf8('EK Export')), /^bad-header/],
    ['protobuf cut off', zipOf(good.subarray(0, good.length - 1)), /^malformed-protobuf.*export.bin/],
    ['export.sig that is no protobuf', exportZip(good, Uint8Array.of(0x0a, 9)), /^malformed-protobuf.*export.sig/],
    ['a key of 15 bytes', withKey({ keyData: new Uint8Array(15) }), /^bad-key.*keys\[1\]\.key_data is 15/],
    ['a key of 53 bytes', withKey({ keyData: new Uint8Array(53) }), /^bad-key.*53/],
    ['no key bytes', withKey({ keyData: null }), /^bad-key/],
    ['no start', zipOf(bin({ keys: [noStart] })), /^bad-key.*rolling_start/],
    ['a negative start', withKey({ rollingStartIntervalNumber: -5 }), /^bad-key.*rolling_start/],
    ['period 0', withKey({ rollingPeriod: 0 }), /^bad-key.*rolling_period is 0/],
    ['period 145', withKey({ rollingPeriod: 145 }), /^bad-key.*rolling_period is 145/],
    ['risk level 9', withKey({ transmissionRiskLevel: 9 }), /^bad-key.*transmission_risk_level/],
    ['report type 6', withKey({ reportType: 6 }), /^bad-key.*report_type/],
    ['onset 15', withKey({ daysSinceOnsetOfSymptoms: 15 }), /^bad-key.*days_since_onset/],
    ['a bad revised key', zipOf(bin({ revisedKeys: [{ ...KEY, rollingPeriod: 0 }] })), /^bad-key.*revised_keys\[0\]/],
    ['batch 1 of 2', zipOf(bin({ batchSize: 2 })), /^bad-batch/],
    ['batch 2 of 1', zipOf(bin({ batchNum: 2 })), /^bad-batch/],
    ['a size without a number', zipOf(bin({ batchNum: null })), /^bad-batch/],
  ];
  it.for(cases)('%s', ([, zip, message], { expect }) => {
    expect(kindOf(zip)).toMatch(message);
  });

  it('more than 16 MB, and more than 750,000 keys', ({ expect }) => {
    expect(kindOf(new Uint8Array(16_000_001))).toMatch(/^file-too-large/);
    // Two bytes a key: an empty message. The count is refused before the first key is looked at.
    const many = new Uint8Array(2 * 750_001).map((_, i) => (i % 2 === 0 ? 0x3a : 0));
    const exportBin = concatBytes(bin({ keys: [] }), many);
    expect(kindOf(zipOf(exportBin))).toMatch(/^too-many-keys/);
  });

  it('each flipped byte of export.bin, and of the signature', ({ expect }) => {
    const small = bin();
    const signature = signed(small);
    for (let i = 0; i < small.length; i++) {
      const flipped = Uint8Array.from(small, (byte, at) => (at === i ? byte ^ 0x10 : byte));
      expect(kindOf(exportZip(flipped, sig(signature)))).toMatch(/^bad-signature/);
    }
    for (let i = 0; i < signature.signature.length; i++) {
      const flipped = signature.signature.map((byte, at) => (at === i ? byte ^ 0x10 : byte));
      expect(kindOf(exportZip(small, sig({ ...signature, signature: flipped })))).toMatch(/^bad-signature/);
    }
  });

  it('each flipped byte of the ZIP is refused or changes nothing that was signed', ({ expect }) => {
    const writer = new ExportWriter(HEADER, 0);
    const exportBin = writer.finish();
    const zip = exportZip(exportBin, exportSignature(HEADER, exportBin, ours.der));
    let refused = 0;
    for (let i = 0; i < zip.length; i++) {
      const read = readExportZip(
        Uint8Array.from(zip, (byte, at) => (at === i ? byte ^ 0x10 : byte)),
        PINNED,
      );
      if (read.ok) expect(read.exportBin).toEqual(exportBin);
      else refused += 1;
    }
    // Dates, versions and attributes in the ZIP's own fields are nothing that a phone goes by: 41 of 398 bytes.
    expect(refused).toBe(357);
  });

  it('any bytes, signed or not, without throwing', ({ expect }) => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        expect(readExportZip(bytes, PINNED).ok).toBe(false);
        readExportZip(exportZip(concatBytes(EXPORT_HEADER, bytes), bytes), null);
        readExportZip(exportZip(concatBytes(EXPORT_HEADER, bytes), sig(signed(good))), null);
        readExportBin(concatBytes(EXPORT_HEADER, bytes));
      }),
      { seed: 13, numRuns: 300 },
    );
  });

  it('a pinned key that is none is a fault of configuration and throws', ({ expect }) => {
    expect(() => readExportZip(zipOf(good), { ...PINNED, publicKeySpki: new Uint8Array(91) })).toThrow(TypeError);
  });
});
