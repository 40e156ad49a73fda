/** @module A feed's file, key by key: as the library has it whole, of any bytes that were signed. */
import * as fc from 'fast-check';
import { it } from 'vitest';
import { gaen } from '../generated/gaen-export.js';
import { concatBytes, utf8 } from '../primitives/bytes.ts';
import { decodeMessage } from '../primitives/protobuf-read.ts';
import { sha256 } from '../primitives/hash.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../signing.ts';
import { ECDSA_WITH_SHA256, EXPORT_HEADER, exportSignature, exportZip } from './export-file.ts';
import { readFeedZip } from './feed-reader.ts';

const NAME = { keyId: '262', keyVersion: 'v1' };
const own = signerFromPkcs8Pem(pkcs8PemFromScalar(sha256(utf8('export key of the tests'))));
const INFO = { verificationKeyId: '262', verificationKeyVersion: 'v1', signatureAlgorithm: ECDSA_WITH_SHA256 };
const RUNS = { seed: 16, numRuns: 60 };

const key = fc.record({
  keyData: fc.uint8Array({ maxLength: 20 }),
  transmissionRiskLevel: fc.nat(9),
  rollingStartIntervalNumber: fc.nat(2 ** 31 - 1),
  rollingPeriod: fc.nat(200),
  reportType: fc.nat(7),
  daysSinceOnsetOfSymptoms: fc.integer({ min: -20, max: 20 }),
});
const file = fc.record({ keys: fc.array(key), revisedKeys: fc.array(key) });

const encoded = (lists: object): Uint8Array =>
  gaen.TemporaryExposureKeyExport.encode({ region: 'NL', signatureInfos: [INFO], ...lists }).finish();

function read(message: Uint8Array) {
  const bin = concatBytes(EXPORT_HEADER, message);
  return readFeedZip(exportZip(bin, exportSignature(NAME, bin, own.der)), {
    ...NAME,
    publicKeySpki: own.publicKeySpki,
  });
}

it('each key is read as it was sent, however bad, each time it is asked for', ({ expect }) => {
  fc.assert(
    fc.property(file, ({ keys, revisedKeys }) => {
      const found = read(encoded({ keys, revisedKeys }));
      if (!found.ok) throw new Error(found.error.kind);
      const sent = [
        ...keys.map((one) => ({ key: one, revised: false })),
        ...revisedKeys.map((one) => ({ key: one, revised: true })),
      ];
      for (let n = 0; n < 2; n++) expect([...found.value.keys]).toEqual(sent);
      expect([found.value.count, found.value.header.region]).toEqual([sent.length, 'NL']);
    }),
    RUNS,
  );
});

it('is a file where the library says so, of any bytes', ({ expect }) => {
  fc.assert(
    fc.property(file, fc.nat(), fc.nat(255), (lists, where, byte) => {
      const bytes = encoded(lists);
      bytes[where % bytes.length] = byte;
      const whole = decodeMessage(gaen.TemporaryExposureKeyExport, bytes);
      const found = read(bytes);
      if (whole === null) expect(found).toMatchObject({ ok: false, error: { kind: 'malformed-protobuf' } });
      else if (found.ok) expect([...found.value.keys]).toHaveLength(whole.keys.length + whole.revisedKeys.length);
      else expect(found.error.kind).toMatch(/^(?:signature-count|bad-batch)$/);
    }),
    RUNS,
  );
});

it('of 400,000 fields that nobody knows is no file', ({ expect }) => {
  const unknown = new Uint8Array(2 * 400_000).map((_, n) => (n % 2 === 0 ? 0x7a : 0));
  expect(read(concatBytes(encoded({ keys: [] }), unknown))).toEqual({
    ok: false,
    error: { kind: 'malformed-protobuf', name: 'export.bin' },
  });
});

it('may be a part of a batch, and says which', ({ expect }) => {
  const partOf = (batch: object) => {
    const found = read(encoded({ keys: [], ...batch }));
    return found.ok ? found.value.part : found.error.kind;
  };
  expect(partOf({})).toEqual({ num: 1, size: 1 });
  expect(partOf({ batchNum: 2, batchSize: 3 })).toEqual({ num: 2, size: 3 });
  for (const batch of [
    { batchNum: 4, batchSize: 3 },
    { batchNum: 0, batchSize: 3 },
    { batchSize: 3 },
    { batchNum: 1, batchSize: 1_000_001 },
  ]) {
    expect(partOf(batch)).toBe('bad-batch');
  }
});
