import { readFile } from 'node:fs/promises';
import { describe, it } from 'vitest';
import { ECDSA_WITH_SHA256, EXPORT_HEADER, exportZip, signatureList } from '../../protocol/export/export-file.ts';
import { gaen } from '../../protocol/generated/gaen-export.js';
import { concatBytes } from '../../protocol/primitives/bytes.ts';
import { spkiFromPem } from '../../protocol/signing.ts';
import { testKey } from '../testing/keys.ts';
import { testRandom } from '../testing/random.ts';
import { tamperedFiles } from '../testing/tampered.ts';
import { EXPORT_KEY, exportSigner, manifestSigner } from '../testing/timeline.ts';
import { verifyFile } from './verify.ts';

const random = testRandom('verify');
const keys = Array.from({ length: 20 }, () => testKey(random));
const { good, bad } = tamperedFiles(keys);
const byName = { publicKeySpki: EXPORT_KEY.publicKeySpki, keyId: null, keyVersion: null };

describe('a phone’s verdict on a file', () => {
  it('accepts what it must, and has the keys', ({ expect }) => {
    const verdict = verifyFile(good, EXPORT_KEY);
    if (!verdict.accepted) throw new Error(verdict.reason);
    expect(verdict.exportFile.keys).toEqual(keys);
    expect(verdict.pinned).toEqual(EXPORT_KEY);
  });

  it('takes the names of the key from the file when none are given', ({ expect }) => {
    const verdict = verifyFile(good, byName);
    expect(verdict).toMatchObject({ accepted: true, pinned: { keyId: '262', keyVersion: 'v1' } });
    const half = verifyFile(good, { ...byName, keyId: '262' });
    expect(half).toMatchObject({ accepted: true, pinned: { keyVersion: 'v1' } });
    const other = verifyFile(good, { ...byName, keyId: '310' });
    expect(other).toMatchObject({ accepted: false, error: { kind: 'unknown-key', wanted: '310-v1' } });
  });

  describe('with two signatures', () => {
    const name = { region: 'EUR', startTimestamp: 1_780_000_000, endTimestamp: 1_780_003_600 };
    const infos = [
      { verificationKeyId: '310', verificationKeyVersion: 'v7', signatureAlgorithm: ECDSA_WITH_SHA256 },
      { verificationKeyId: '262', verificationKeyVersion: 'v1', signatureAlgorithm: ECDSA_WITH_SHA256 },
    ];
    /** An export with both infos, signed by somebody else and by our key, in this order. */
    const twice = (order: readonly [number, number], signers = [manifestSigner, exportSigner]): Uint8Array => {
      const message = gaen.TemporaryExposureKeyExport.encode({ ...name, signatureInfos: order.map((n) => infos[n]!) });
      const bin = concatBytes(EXPORT_HEADER, message.finish());
      const signed = order.map((n) => ({
        name: { keyId: infos[n]!.verificationKeyId, keyVersion: infos[n]!.verificationKeyVersion },
        signer: signers[n]!.der,
      }));
      return exportZip(bin, signatureList(bin, signed));
    };

    it('accepts one whose second is ours, and says which it was, since iOS looks at the first alone', ({ expect }) => {
      const second = { accepted: true, pinned: { keyId: '262', keyVersion: 'v1' }, signature: 2, signatures: 2 };
      for (const key of [byName, { ...byName, keyId: '262' }, { ...byName, keyVersion: 'v1' }, EXPORT_KEY]) {
        expect(verifyFile(twice([0, 1]), key)).toMatchObject(second);
        expect(verifyFile(twice([1, 0]), key)).toMatchObject({ ...second, signature: 1 });
      }
    });

    it('of one name accepts ours behind somebody else’s, and says that it is the second', ({ expect }) => {
      const sameName = (signers: readonly (typeof exportSigner)[]): Uint8Array => {
        const message = gaen.TemporaryExposureKeyExport.encode({
          ...name,
          signatureInfos: signers.map(() => infos[1]!),
        });
        const bin = concatBytes(EXPORT_HEADER, message.finish());
        const signed = signers.map(({ der }) => ({ name: { keyId: '262', keyVersion: 'v1' }, signer: der }));
        return exportZip(bin, signatureList(bin, signed));
      };
      for (const key of [byName, EXPORT_KEY]) {
        const second = verifyFile(sameName([manifestSigner, exportSigner]), key);
        expect(second).toMatchObject({ accepted: true, signature: 2, signatures: 2 });
        const last = verifyFile(sameName([...Array.from({ length: 9 }, () => manifestSigner), exportSigner]), key);
        expect(last).toMatchObject({ accepted: true, signature: 10, signatures: 10 });
        const none = verifyFile(sameName([manifestSigner, manifestSigner]), key);
        expect(none).toMatchObject({ accepted: false, error: { kind: 'bad-signature', key: '262-v1' } });
      }
    });

    it('refuses one without ours, by the first name', ({ expect }) => {
      const verdict = verifyFile(twice([0, 1], [manifestSigner, manifestSigner]), byName);
      expect(verdict).toMatchObject({ accepted: false, error: { kind: 'bad-signature', key: '310-v7' } });
      const named = verifyFile(twice([0, 1], [exportSigner, manifestSigner]), EXPORT_KEY);
      expect(named).toMatchObject({ accepted: false, error: { kind: 'bad-signature', key: '262-v1' } });
    });
  });

  it('refuses a file of another signer', ({ expect }) => {
    const verdict = verifyFile(good, { ...byName, publicKeySpki: manifestSigner.publicKeySpki });
    expect(verdict).toMatchObject({ accepted: false, error: { kind: 'bad-signature' } });
  });

  it.for(bad)('refuses $name: $kind', ({ kind, zip }, { expect }) => {
    expect(verifyFile(zip, EXPORT_KEY)).toMatchObject({ accepted: false, error: { kind } });
    // Whoever hands in no names takes those of export.sig, whatever export.bin says (docs/spec/gaen.md §4.3).
    expect(verifyFile(zip, byName).accepted).toBe(kind === 'unknown-key');
  });

  it('takes names from export.sig, where Android looks for them, and not from export.bin', ({ expect }) => {
    const { zip } = bad.find(({ kind }) => kind === 'unknown-key')!;
    expect(verifyFile(zip, byName)).toMatchObject({ accepted: true, pinned: { keyId: '262', keyVersion: 'v2' } });
    const pinned = verifyFile(zip, { ...byName, keyVersion: 'v1' });
    expect(pinned).toMatchObject({
      accepted: false,
      error: { kind: 'unknown-key', wanted: '262-v1', found: ['262-v2'] },
    });
  });

  it('is never fooled by a flipped byte: the file is refused, or the byte was none that says anything', ({
    expect,
  }) => {
    let refused = 0;
    for (let at = 0; at < good.length; at++) {
      const changed = Uint8Array.from(good);
      changed[at] = (changed[at] ?? 0) ^ 0x01;
      const verdict = verifyFile(changed, EXPORT_KEY);
      if (verdict.accepted) expect(verdict.exportFile.keys, `byte ${at}`).toEqual(keys);
      else refused++;
    }
    // What is left are times and versions of the ZIP, and what its directory repeats.
    expect(refused).toBeGreaterThan(0.9 * good.length);
  });

  it('accepts the export of Google’s server, an example with its public key', async ({ expect }) => {
    const vectors = new URL('../../test/vectors/', import.meta.url);
    const zip = Uint8Array.from(await readFile(new URL('enserver-testExport-2-records-1-of-1.zip', vectors)));
    const pem = await readFile(new URL('enserver-public.pem', vectors), 'utf8');
    const verdict = verifyFile(zip, { publicKeySpki: spkiFromPem(pem), keyId: null, keyVersion: null });
    expect(verdict).toMatchObject({ accepted: true, pinned: { keyId: 'some_id', keyVersion: '1' } });
  });
});
