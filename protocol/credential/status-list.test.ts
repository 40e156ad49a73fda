/** @module Status lists against the draft's own example, and as issuers would break them. */
import { SignJWT } from 'jose';
import { beforeAll, describe, it } from 'vitest';
import { toBase64, toHex } from '../primitives/bytes.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../signing.ts';
import { type CredentialSigner, credentialSigner } from './credential.ts';
import { isRevoked, signStatusList, statusBits, verifyStatusList } from './status-list.ts';

const ISSUER = 'https://verification.nl.example';
const PEM = pkcs8PemFromScalar(new Uint8Array(32).fill(7));
const KEYS = [{ keyId: 'credential', keyVersion: 'v1', spki: toBase64(signerFromPkcs8Pem(PEM).publicKeySpki) }];
const HOUR = 498_805;
const NOW = HOUR * 3_600 + 120;

let signer: CredentialSigner;
beforeAll(async () => {
  signer = await credentialSigner(PEM, 'credential-v1');
});

describe('bits', () => {
  it('lie as in the draft’s example (draft-ietf-oauth-status-list, section 4.1: one bit a token)', ({ expect }) => {
    const statuses = [1, 0, 0, 1, 1, 1, 0, 1, 1, 1, 0, 0, 0, 1, 0, 1];
    const bits = statusBits(statuses.flatMap((status, place) => (status === 1 ? [place] : [])));
    expect(toHex(bits.subarray(0, 2))).toBe('b9a3');
    expect(statuses.map((_status, place) => Number(isRevoked(bits, place)))).toEqual(statuses);
  });

  it('have no place outside the list: one that is asked for counts as taken back', ({ expect }) => {
    expect(() => statusBits([131_072])).toThrow(RangeError);
    expect(isRevoked(statusBits([]), 131_072)).toBe(true);
  });
});

describe('a list', () => {
  it('is the same for the whole hour, holds for a day, and is small while little was taken back', async ({
    expect,
  }) => {
    const bits = statusBits([0, 77, 131_071]);
    const jwt = await signStatusList(bits, ISSUER, HOUR, signer);
    expect(jwt.length).toBeLessThan(600);
    const list = await verifyStatusList(jwt, ISSUER, KEYS, NOW);
    expect(list).toEqual({ ok: true, value: { bits, issuedAt: HOUR * 3_600, expiresAt: (HOUR + 24) * 3_600 } });
    expect(await verifyStatusList(jwt, ISSUER, KEYS, (HOUR + 24) * 3_600)).toEqual({ ok: false, error: 'expired' });
  });

  it('of which half was taken back, at random, can be read too', async ({ expect }) => {
    let state = 1;
    const half = Array.from({ length: 131_072 }, (_, place) => place).filter(() => {
      state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
      return state > 2 ** 30;
    });
    const jwt = await signStatusList(statusBits(half), ISSUER, HOUR, signer);
    expect((await verifyStatusList(jwt, ISSUER, KEYS, NOW)).ok).toBe(true);
  });

  it.for([
    { name: 'of another issuer', claims: { sub: 'https://it.example/v1/credential-status' }, error: 'malformed' },
    { name: 'of two bits a token', claims: { status_list: { bits: 2, lst: 'eNrbuRgAAhcBXQ' } }, error: 'malformed' },
    { name: 'of another length', claims: { status_list: { bits: 1, lst: 'eNrbuRgAAhcBXQ' } }, error: 'malformed' },
    { name: 'that isn’t deflated', claims: { status_list: { bits: 1, lst: 'AAAA' } }, error: 'malformed' },
    { name: 'that holds for years', claims: { exp: NOW + 10 ** 8 }, error: 'expired' },
  ])('$name is none', async ({ claims, error }, { expect }) => {
    const good = {
      sub: `${ISSUER}/v1/credential-status`,
      iat: HOUR * 3_600,
      exp: NOW + 3_600,
      status_list: { bits: 1, lst: 'x' },
    };
    const header = { alg: 'ES256', typ: 'statuslist+jwt', kid: 'credential-v1' };
    const jwt = await new SignJWT({ ...good, ...claims }).setProtectedHeader(header).sign(signer.key);
    expect(await verifyStatusList(jwt, ISSUER, KEYS, NOW)).toEqual({ ok: false, error });
  });

  it('by another key is none', async ({ expect }) => {
    const other = await credentialSigner(pkcs8PemFromScalar(new Uint8Array(32).fill(8)), 'credential-v1');
    const jwt = await signStatusList(statusBits([]), ISSUER, HOUR, other);
    expect(await verifyStatusList(jwt, ISSUER, KEYS, NOW)).toEqual({ ok: false, error: 'bad-signature' });
  });
});
