import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'vitest';
import vectors from '../../test/vectors/gaen-export-files.json' with { type: 'json' };
import { compareBytes, fromBase64, toBase64, toHex } from '../primitives/bytes.ts';
import { describeExportError, readExportBin, readExportZip } from './export-reader.ts';
import { sha256 } from '../primitives/hash.ts';
import { DAYS_SINCE_ONSET_UNKNOWN } from '../gaen/keys.ts';
import { spkiFromPem } from '../signing.ts';

const sample = (name: string): Uint8Array =>
  new Uint8Array(readFileSync(join(import.meta.dirname, '../../test/vectors', name)));

describe('files of other systems (test/vectors/ORIGIN.md)', () => {
  it("Google's sample: 140 keys, verified with the key 310-v1", ({ expect }) => {
    const pinned = {
      publicKeySpki: fromBase64(vectors.internalsSampleKeys.keys['310-v1']),
      keyId: '310',
      keyVersion: 'v1',
    };
    const zip = sample('internals-sample_diagnosis_key_file.zip');
    const read = readExportZip(zip, pinned);
    if (!read.ok) throw new Error(describeExportError(read.error));
    expect(read.verified).toBe(true);
    expect(read.exportBin).toHaveLength(3854);
    expect(toHex(sha256(read.exportBin))).toBe('1df2d78a603e2f85ca178f2fbd339a587f699bffd9d46a79f61b0448e79fe9f7');
    expect(read.exportFile.header).toEqual({
      startTimestamp: 1593633600,
      endTimestamp: 1593633900,
      region: 'US',
      keyId: '310',
      keyVersion: 'v1',
    });
    const { keys } = read.exportFile;
    expect(keys).toHaveLength(140);
    expect(keys.every((key) => key.rollingPeriod === 144 && key.rollingStartIntervalNumber % 144 === 0)).toBe(true);
    expect(keys.every((key) => key.daysSinceOnsetOfSymptoms === DAYS_SINCE_ONSET_UNKNOWN)).toBe(true);
    const wrong = { ...pinned, publicKeySpki: fromBase64(vectors.internalsSampleKeys.keys['ExampleServer-v1']) };
    const refused = readExportZip(zip, wrong);
    expect(refused.ok ? '' : refused.error.kind).toBe('bad-signature');
  });

  it("the EN server's example: the keys of its JSON, verified with its public key", ({ expect }) => {
    const pem = new TextDecoder().decode(sample('enserver-public.pem'));
    const pinned = { publicKeySpki: spkiFromPem(pem), keyId: 'some_id', keyVersion: '1' };
    const read = readExportZip(sample('enserver-testExport-2-records-1-of-1.zip'), pinned);
    if (!read.ok) throw new Error(describeExportError(read.error));
    const source = JSON.parse(new TextDecoder().decode(sample('enserver-keys.json'))) as {
      temporaryExposureKeys: unknown[];
    };
    const keys = read.exportFile.keys.map((key) => ({
      key: toBase64(key.keyData),
      rollingStartNumber: key.rollingStartIntervalNumber,
      rollingPeriod: key.rollingPeriod,
      transmissionRisk: key.transmissionRiskLevel,
    }));
    expect(keys).toEqual(source.temporaryExposureKeys);
  });

  it("CWA's development server: 24,131 distinct keys, not sorted, signature not verified", ({ expect }) => {
    const read = readExportZip(sample('cwa-keys.zip'), null);
    if (!read.ok) throw new Error(describeExportError(read.error));
    expect(read.verified).toBe(false);
    expect(read.exportBin).toHaveLength(724_056);
    expect(toHex(sha256(read.exportBin))).toMatch(/^247d9ccb.*220442$/);
    const { header, keys } = read.exportFile;
    expect(header).toMatchObject({ startTimestamp: 1590883200, endTimestamp: 1590969600, region: 'DE', keyId: '262' });
    expect(new Set(keys.map(({ keyData }) => toHex(keyData))).size).toBe(24_131);
    expect(keys.some((key, i) => i > 0 && compareBytes(keys[i - 1]!.keyData, key.keyData) > 0)).toBe(true);
  });

  it('bare files: 110 and 200 keys of mixed periods', ({ expect }) => {
    const app = readExportBin(sample('internals-app-export.bin'));
    const cpp = readExportBin(sample('internals-cpp-testdata-export.bin'));
    if (!app.ok || !cpp.ok) throw new Error('a bare sample does not read');
    expect(app.value.keys).toHaveLength(110);
    const known = app.value.keys.find(({ keyData }) => toHex(keyData) === '2b714d3ec93c14e5d345003e59027aea');
    expect(known).toMatchObject({ rollingStartIntervalNumber: 2646801, rollingPeriod: 89 });
    expect(cpp.value.keys).toHaveLength(200);
    expect(cpp.value.keys.filter(({ rollingPeriod }) => rollingPeriod === 144).length).toBe(2);
    expect(Math.min(...cpp.value.keys.map(({ rollingPeriod }) => rollingPeriod))).toBe(1);
  });

  it('the Dutch test file is refused, for its third entry', ({ expect }) => {
    const read = readExportZip(sample('nl-ProtobufHeaderTestFile.zip'), null);
    expect(read.ok ? null : read.error).toEqual({ kind: 'unexpected-entry', name: 'content.sig' });
  });
});
