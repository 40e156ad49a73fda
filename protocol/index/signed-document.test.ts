import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { concatBytes, fromBase64Url, fromUtf8, toBase64Url, utf8 } from '../primitives/bytes.ts';
import { sha256 } from '../primitives/hash.ts';
import { describeDocumentError, openDocument, signDocument } from './signed-document.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem, verifyRaw } from '../signing.ts';

const ours = signerFromPkcs8Pem(pkcs8PemFromScalar(sha256(utf8('manifest key of the tests'))));
const other = signerFromPkcs8Pem(pkcs8PemFromScalar(sha256(utf8('another key'))));
const KEYS = { 'manifest-v1': ours.publicKeySpki };
const text = signDocument('manifest', 'manifest-v1', { sequence: 7, region: 'DE' }, ours.raw);

function errorOf(document: string, type = 'manifest', keys: Record<string, Uint8Array> = KEYS): string {
  const opened = openDocument(type, document, keys);
  return opened.ok ? 'ok' : `${opened.error.kind}: ${describeDocumentError(opened.error)}`;
}

function changed(change: Record<string, unknown>): string {
  return JSON.stringify({ ...(JSON.parse(text) as object), ...change });
}

describe('signed documents', () => {
  it('open with the payload and its very bytes', ({ expect }) => {
    const opened = openDocument('manifest', text, KEYS);
    if (!opened.ok) throw new Error(describeDocumentError(opened.error));
    expect(opened.value.payload).toEqual({ sequence: 7, region: 'DE' });
    expect(fromUtf8(opened.value.payloadBytes)).toBe('{"sequence":7,"region":"DE"}');
    expect(signDocument('manifest', 'manifest-v1', { sequence: 7, region: 'DE' }, ours.raw)).toBe(text);
  });

  it('what is signed: prefix, zero byte, payload', ({ expect }) => {
    const { payload, signature } = JSON.parse(text) as { payload: string; signature: string };
    const message = concatBytes(utf8('exposure-edge/manifest/v1'), Uint8Array.of(0), utf8(payload));
    expect(fromBase64Url(signature)).toHaveLength(64);
    expect(verifyRaw(ours.publicKeySpki, message, fromBase64Url(signature))).toBe(true);
  });

  it('any JSON comes back, ordered as it was, whatever white space is around it', ({ expect }) => {
    fc.assert(
      fc.property(fc.jsonValue(), (payload) => {
        const document = signDocument('config', 'k', payload, ours.raw);
        const spaced = JSON.stringify(JSON.parse(document), null, 2);
        const opened = openDocument('config', spaced, { k: ours.publicKeySpki });
        expect(opened.ok && JSON.stringify(opened.value.payload)).toBe(JSON.stringify(payload));
      }),
      { seed: 14, numRuns: 40 },
    );
  });

  const config = signDocument('config', 'manifest-v1', { sequence: 7, region: 'DE' }, ours.raw);
  const cases: readonly [string, string, RegExp][] = [
    ['no JSON', 'hello', /^malformed-document/],
    ['null', 'null', /^malformed-document/],
    ['an array', '[]', /^malformed-document/],
    ['no signature', changed({ signature: undefined }), /^malformed-document/],
    ['a payload that is no text', changed({ payload: { sequence: 7 } }), /^malformed-document/],
    ['a signature that is no base64url', changed({ signature: '+++' }), /^malformed-document/],
    ['another type', config, /^wrong-type/],
    ['another type, renamed', config.replace('"config"', '"manifest"'), /^bad-signature/],
    ['another payload', changed({ payload: '{"sequence":8,"region":"DE"}' }), /^bad-signature/],
    ['the payload spelled otherwise', changed({ payload: '{"sequence":7, "region":"DE"}' }), /^bad-signature/],
    ['a key nobody trusts', changed({ key: 'manifest-v2' }), /^unknown-key/],
    ['a key named as a member of Object', changed({ key: 'toString' }), /^unknown-key/],
    ['__proto__ as key', changed({ key: '__proto__' }), /^unknown-key/],
    ['a signature by another key', signDocument('manifest', 'manifest-v1', {}, other.raw), /^bad-signature/],
    ['a DER signature', signDocument('manifest', 'manifest-v1', {}, ours.der), /^bad-signature/],
    ['an empty signature', changed({ signature: '' }), /^bad-signature/],
  ];
  it.for(cases)('refuse %s', ([, document, message], { expect }) => {
    expect(errorOf(document)).toMatch(message);
  });

  it('refuse a payload that is signed but no JSON', ({ expect }) => {
    const signature = ours.raw.sign(utf8('exposure-edge/manifest/v1\0oops'));
    expect(errorOf(changed({ payload: 'oops', signature: toBase64Url(signature) }))).toMatch(/^malformed-document/);
  });

  it('refuse any text without throwing', ({ expect }) => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (document) => {
        expect(openDocument('manifest', document, KEYS).ok).toBe(false);
      }),
      { seed: 15 },
    );
  });

  it('a type that could reach into the prefix is a fault of the caller', ({ expect }) => {
    for (const type of ['a/b', 'a\0', '', 'A']) {
      expect(() => signDocument(type, 'k', {}, ours.raw)).toThrow(TypeError);
      expect(() => openDocument(type, text, KEYS)).toThrow(TypeError);
    }
  });
});
