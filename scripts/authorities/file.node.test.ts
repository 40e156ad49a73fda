/** @module Files of health authorities and JWKS as people and verification servers write them. */
import { generateKeyPairSync } from 'node:crypto';
import { describe, it } from 'vitest';
import { describeFault, readAuthorityFile } from './file.ts';
import { fetchJwks, keysFromJwks, readJwks } from './jwks.ts';

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
const spki = publicKey.export({ type: 'spki', format: 'der' }).toString('base64');
const pem = publicKey.export({ type: 'spki', format: 'pem' }).toString();
const jwk = { ...publicKey.export({ format: 'jwk' }), kid: 'r1v1', alg: 'ES256', use: 'sig' };
const AUTHORITY = { id: 'de', issuer: 'i', audience: 'a', regions: ['DE'], apps: ['app'] };
const ALL = ['confirmed', 'likely', 'negative', 'user-report'];
const read = (value: unknown) => readAuthorityFile(JSON.stringify(value));

describe('a file', () => {
  const whole = { ...AUTHORITY, name: 'de', keys: [], reportTypes: ALL };
  it.for([
    { name: 'a document', value: { authorities: [AUTHORITY] } },
    { name: 'what list --json prints', value: { version: 7, proposals: [], authorities: [whole] } },
    { name: 'a list', value: [AUTHORITY] },
    { name: 'one authority', value: AUTHORITY },
  ])('may be $name; what is left out is filled in', ({ value }, { expect }) => {
    expect(read(value)).toEqual({ ok: true, value: [whole] });
  });

  it.for([
    { name: 'base64', key: { kid: 'r1v1', publicKey: spki } },
    { name: 'PEM', key: { kid: 'r1v1', publicKey: pem } },
    { name: 'a JWK', key: jwk },
  ])('has keys in $name', ({ key }, { expect }) => {
    const found = read({ ...AUTHORITY, keys: [{ ...key, until: '2026-12-01T00:00:00Z' }] });
    const keys = [{ kid: 'r1v1', publicKey: spki, from: 0, until: 1_796_083_200 }];
    expect(found).toMatchObject({ ok: true, value: [{ keys }] });
  });

  it('that is wrong says so by field, value and rule', ({ expect }) => {
    const lines = (value: unknown): string[] => {
      const found = read(value);
      return found.ok ? [] : found.error.map((fault) => describeFault(fault));
    };
    expect(lines({ ...AUTHORITY, audience: undefined, keys: [{ kid: 'v1', publicKey: 'x', from: 'soon' }] })).toEqual([
      'authorities[0].audience nothing: must be a text',
      'authorities[0].keys[0].publicKey "x": must be a P-256 public key, SubjectPublicKeyInfo in base64',
      'authorities[0].keys[0].from "soon": must be whole Unix seconds',
    ]);
    expect(lines({ ...AUTHORITY, region: 'DE' })).toEqual([
      'authorities[0].region "DE": is not a field of this document',
    ]);
    expect(lines(7)).toEqual(['authorities nothing: must be a list']);
    expect(readAuthorityFile('{"a":1,"a":2}')).toMatchObject({
      ok: false,
      error: [{ rule: 'names a field twice in one object' }],
    });
  });
});

describe('a JWKS', () => {
  it.for([
    ['a bare list, as Google’s server has it', [jwk]],
    ['an object', { keys: [jwk] }],
    ['one with a key for encryption', [{ kty: 'RSA', use: 'enc' }, jwk]],
  ] as const)('may be %s', ([, value], { expect }) => {
    expect(readJwks(JSON.stringify(value), 'JWKS')).toEqual([{ kid: 'r1v1', publicKey: spki }]);
  });

  it.for<[value: unknown, message: string]>([
    [{}, 'J: keys nothing: must be a list of JWKs, or an object with such a list as "keys"'],
    [[], 'J: the list []: must have a key'],
    [[{ ...jwk, kid: 1 }], 'J: [0].kid 1: must be a text'],
    [{ keys: [jwk, { ...jwk, kty: 'RSA' }] }, 'J: keys[1].kty "RSA": must be EC'],
    [[{ ...jwk, crv: 'P-384' }], 'J: [0].crv "P-384": must be P-256'],
    [[{ ...jwk, alg: 'ES384' }], 'J: [0].alg "ES384": must be ES256'],
    [[{ ...jwk, y: jwk.x }], 'must be a point of P-256'],
    [
      [{ ...privateKey.export({ format: 'jwk' }), kid: 'v1' }],
      'J: [0].d: is a private key, which must be published nowhere',
    ],
  ])('%o is refused', ([value, message], { expect }) => {
    expect(() => readJwks(JSON.stringify(value), 'J')).toThrow(message);
  });

  it('says nothing of a private key’s value', ({ expect }) => {
    const secret = { ...privateKey.export({ format: 'jwk' }), kid: 'v1' };
    let said = '';
    try {
      readJwks(JSON.stringify([secret]), 'J');
    } catch (error) {
      said = (error as Error).message;
    }
    expect(said).toBe('J: [0].d: is a private key, which must be published nowhere');
  });

  it('keeps what the authority says of a key, begins with new ones, and drops the others', ({ expect }) => {
    const known = [
      { kid: 'a', publicKey: 'A', from: 5, until: 9 },
      { kid: 'b', publicKey: 'B', from: 5, until: null },
      { kid: 'c', publicKey: 'C', from: 5, until: null },
    ];
    const published = [
      { kid: 'a', publicKey: 'A' },
      { kid: 'b', publicKey: 'other' },
      { kid: 'd', publicKey: 'D' },
    ];
    expect(keysFromJwks(known, published)).toEqual([
      known[0],
      { kid: 'b', publicKey: 'other', from: 0, until: null },
      { kid: 'd', publicKey: 'D', from: 0, until: null },
    ]);
  });

  it('comes by https alone, but from this machine', async ({ expect }) => {
    await expect(fetchJwks('http://a.example/jwks')).rejects.toThrow('must begin with https://');
    await expect(fetchJwks('http://127.0.0.1:1/jwks')).rejects.toThrow('not reached');
  });
});
