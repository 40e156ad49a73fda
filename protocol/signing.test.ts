import { createPrivateKey, createPublicKey, createSign, createVerify, webcrypto } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { fromHex, toHex, utf8 } from './primitives/bytes.ts';
import { sha256 } from './primitives/hash.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem, spkiFromPem, spkiToPem, verifyDer, verifyRaw } from './signing.ts';

/** RFC 6979 A.2.5: P-256, SHA-256. */
const RFC_SCALAR = fromHex('c9afa9d845ba75166b5c215767b1d6934e50c3db36e89b127b8a622b120f6721');
const RFC_POINT =
  '60fed4ba255a9d31c961eb74c6356d68c049b8923b61fa6ce669622e60f29fb6' +
  '7903fe1008b8bc99a41ae9e95628bc64f2f1b20c2d7e9f5177a3c294d4462299';
const RFC_SIGNATURES: readonly [string, string][] = [
  [
    'sample',
    'efd48b2aacb6a8fd1140dd9cd45e81d69d2c877b56aaf991c34d0ea84eaf3716' +
      'f7cb1c942d657c41d436c7a1b6e29f65f3e900dbb9aff4064dc4ab2f843acda8',
  ],
  [
    'test',
    'f1abb023518351cd71d881567b1ea663ed3efcf6c5132b354f28d3b0b7d38367' +
      '019f4113742a2b14bd25926b49c649155f267e60d3814b4c0cc84250e46f0083',
  ],
];
const message = fc.uint8Array({ maxLength: 200 });

/** A scalar that is the hash of a number: never 0, below the order but for one in 2³². */
const scalar = (n: number): Uint8Array => sha256(utf8(`scalar ${n}`));
const key = signerFromPkcs8Pem(pkcs8PemFromScalar(scalar(1)));

describe('ECDSA P-256/SHA-256', () => {
  it.for(RFC_SIGNATURES)('RFC 6979 A.2.5: "%s"', ([text, expected], { expect }) => {
    const rfc = signerFromPkcs8Pem(pkcs8PemFromScalar(RFC_SCALAR));
    expect(toHex(rfc.publicKeySpki).slice(-128)).toBe(RFC_POINT);
    expect(toHex(rfc.raw.sign(utf8(text)))).toBe(expected);
    expect(verifyRaw(rfc.publicKeySpki, utf8(text), rfc.raw.sign(utf8(text)))).toBe(true);
    expect(verifyDer(rfc.publicKeySpki, utf8(text), rfc.der.sign(utf8(text)))).toBe(true);
  });

  it('node:crypto verifies what we sign', ({ expect }) => {
    // PEM, not a KeyObject: workerd's verify() takes text alone.
    const publicKey = spkiToPem(key.publicKeySpki);
    fc.assert(
      fc.property(message, (bytes) => {
        const der = key.der.sign(bytes);
        const raw = key.raw.sign(bytes);
        expect(createVerify('sha256').update(bytes).verify(publicKey, der)).toBe(true);
        expect(raw).toHaveLength(64);
        expect(createVerify('sha256').update(bytes).verify({ key: publicKey, dsaEncoding: 'ieee-p1363' }, raw)).toBe(
          true,
        );
        expect(key.der.sign(bytes)).toEqual(der);
      }),
      { seed: 4, numRuns: 30 },
    );
  });

  it('we verify what node:crypto signs, high s included', ({ expect }) => {
    const privateKey = pkcs8PemFromScalar(scalar(1));
    fc.assert(
      fc.property(message, (bytes) => {
        const der = new Uint8Array(createSign('sha256').update(bytes).sign(privateKey));
        const raw = new Uint8Array(
          createSign('sha256').update(bytes).sign({ key: privateKey, dsaEncoding: 'ieee-p1363' }),
        );
        expect(verifyDer(key.publicKeySpki, bytes, der)).toBe(true);
        expect(verifyRaw(key.publicKeySpki, bytes, raw)).toBe(true);
      }),
      { seed: 5, numRuns: 30 },
    );
  });

  it('WebCrypto imports our PEM, and both sides verify each other', async ({ expect }) => {
    const algorithm = { name: 'ECDSA', namedCurve: 'P-256' };
    const sha = { name: 'ECDSA', hash: 'SHA-256' };
    const pem = pkcs8PemFromScalar(scalar(1));
    const der = Uint8Array.from(Buffer.from(pem.replace(/-----[A-Z ]+-----|\n/g, ''), 'base64'));
    const privateKey = await webcrypto.subtle.importKey('pkcs8', der, algorithm, false, ['sign']);
    const spki = Uint8Array.from(key.publicKeySpki);
    const publicKey = await webcrypto.subtle.importKey('spki', spki, algorithm, false, ['verify']);
    const bytes = Uint8Array.from(utf8('both ways'));
    const theirs = new Uint8Array(await webcrypto.subtle.sign(sha, privateKey, bytes));
    expect(verifyRaw(key.publicKeySpki, bytes, theirs)).toBe(true);
    const ours = Uint8Array.from(key.raw.sign(bytes));
    expect(await webcrypto.subtle.verify(sha, publicKey, ours, bytes)).toBe(true);
  });

  it('no other message, key, encoding or byte verifies', ({ expect }) => {
    const bytes = utf8('export');
    const der = key.der.sign(bytes);
    const raw = key.raw.sign(bytes);
    const other = signerFromPkcs8Pem(pkcs8PemFromScalar(scalar(2))).publicKeySpki;
    expect(verifyDer(key.publicKeySpki, utf8('exporT'), der)).toBe(false);
    expect(verifyDer(other, bytes, der)).toBe(false);
    expect(verifyDer(key.publicKeySpki, bytes, raw)).toBe(false);
    expect(verifyRaw(key.publicKeySpki, bytes, der)).toBe(false);
    expect(verifyRaw(key.publicKeySpki, bytes, new Uint8Array(64))).toBe(false);
    expect(verifyDer(key.publicKeySpki, bytes, new Uint8Array())).toBe(false);
    for (let i = 0; i < der.length; i++) {
      const flipped = Uint8Array.from(der, (byte, at) => (at === i ? byte ^ 1 : byte));
      expect(verifyDer(key.publicKeySpki, bytes, flipped)).toBe(false);
    }
  });
});

describe('keys in PEM', () => {
  it('PKCS#8 is what node:crypto writes, whatever the scalar', ({ expect }) => {
    fc.assert(
      fc.property(fc.integer({ min: 3, max: 1e6 }), (n) => {
        const pem = pkcs8PemFromScalar(scalar(n));
        expect(createPrivateKey(pem).export({ type: 'pkcs8', format: 'pem' })).toBe(pem);
        const { publicKeySpki } = signerFromPkcs8Pem(pem);
        const spkiPem = spkiToPem(publicKeySpki);
        expect(createPublicKey(pem).export({ type: 'spki', format: 'pem' })).toBe(spkiPem);
        expect(spkiFromPem(spkiPem)).toEqual(publicKeySpki);
      }),
      { seed: 6, numRuns: 20 },
    );
  });

  it('a key without its public half, as some tools write it, is the same key', ({ expect }) => {
    const pem = pkcs8PemFromScalar(scalar(1));
    const der = Buffer.from(pem.replace(/-----[A-Z ]+-----|\n/g, ''), 'base64');
    // Without [1] the lengths of three elements shrink, and the outermost fits one byte.
    const bare = Buffer.concat([
      Buffer.from('3041', 'hex'),
      der.subarray(3, 3 + 24),
      Buffer.from('042730250201010420', 'hex'),
      Buffer.from(scalar(1)),
    ]);
    const text = `-----BEGIN PRIVATE KEY-----\n${bare.toString('base64')}\n-----END PRIVATE KEY-----`;
    expect(signerFromPkcs8Pem(text).publicKeySpki).toEqual(key.publicKeySpki);
  });

  it('other keys are refused, and no message holds a byte of one', ({ expect }) => {
    const pem = pkcs8PemFromScalar(scalar(1));
    const body = pem.replace(/-----[A-Z ]+-----|\n/g, '');
    const wrap = (text: string): string => `-----BEGIN PRIVATE KEY-----\n${text}\n-----END PRIVATE KEY-----`;
    const der = Buffer.from(body, 'base64');
    const otherCurve = Buffer.from(der);
    otherCurve[der.indexOf(Buffer.from('2a8648ce3d030107', 'hex')) + 7] = 6;
    const zero = Buffer.concat([der.subarray(0, 36), Buffer.alloc(32), der.subarray(68)]);
    const cases = [
      '',
      body,
      pem.replaceAll('PRIVATE KEY', 'EC PRIVATE KEY'),
      wrap(body.slice(0, 40)),
      wrap('AAAA'),
      wrap(otherCurve.toString('base64')),
      wrap(zero.toString('base64')),
    ];
    for (const text of cases) {
      let caught: unknown;
      try {
        signerFromPkcs8Pem(text);
      } catch (error) {
        caught = error;
      }
      expect(caught).toBeInstanceOf(TypeError);
      expect(String(caught)).not.toContain(body.slice(50, 60));
    }
    expect(() => pkcs8PemFromScalar(new Uint8Array(32))).toThrow(TypeError);
    expect(() => pkcs8PemFromScalar(new Uint8Array(31).fill(1))).toThrow(TypeError);
  });

  it('a public key off the curve, compressed or of another length is refused', ({ expect }) => {
    const offCurve = Uint8Array.from(key.publicKeySpki);
    offCurve[90] = (offCurve[90] ?? 0) ^ 1;
    expect(() => spkiToPem(offCurve)).toThrow('no point of P-256');
    expect(() => spkiToPem(key.publicKeySpki.subarray(0, 90))).toThrow(TypeError);
    expect(() => spkiFromPem('-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----')).toThrow(TypeError);
    expect(() => verifyDer(offCurve, utf8('x'), new Uint8Array(70))).toThrow(TypeError);
  });
});
