/** @module A credential as other implementations would make and break it (docs/credential.md). */
import * as fc from 'fast-check';
import { decodeJwt, decodeProtectedHeader, SignJWT } from 'jose';
import { beforeAll, describe, it } from 'vitest';
import type { VerificationKey } from '../directory/entry.ts';
import { fromBase64Url, toBase64, toBase64Url, utf8 } from '../primitives/bytes.ts';
import { pkcs8PemFromScalar, pointFromSpki, signerFromPkcs8Pem } from '../signing.ts';
import {
  type Credential,
  credentialEnd,
  type CredentialSigner,
  credentialSigner,
  holderKey,
  issueCredential,
  MAX_CREDENTIAL_LENGTH,
  readCredential,
  verifyCredential,
} from './credential.ts';
import { credentialInLink, credentialLink } from './link.ts';
import { MAX_PRESENTATION_LENGTH, presentCredential, readPresentation, verifyProof } from './presentation.ts';

const NOW = 1_795_700_000;
const DE = 'https://verification.de.example';
const pemOf = (byte: number): string => pkcs8PemFromScalar(new Uint8Array(32).fill(byte));
const pointOf = (pem: string): Uint8Array => pointFromSpki(signerFromPkcs8Pem(pem).publicKeySpki).subarray(1);
const [ISSUER, HOLDER, OTHER] = [pemOf(7), pemOf(8), pemOf(9)];
const keyOf = (pem: string, keyVersion = 'v1'): VerificationKey => ({
  keyId: 'credential',
  keyVersion,
  spki: toBase64(signerFromPkcs8Pem(pem).publicKeySpki),
});
const KEYS = [keyOf(ISSUER)];
const random = (length: number): Uint8Array => new Uint8Array(length).fill(3);

const SAID: Credential = {
  issuer: 'https://verification.nl.example',
  region: 'NL',
  reportType: 'confirmed-test',
  onset: '2026-11-24',
  expiresAt: credentialEnd(NOW),
  id: toBase64Url(new Uint8Array(16).fill(5)),
  statusIndex: 77,
  holder: holderKey(pointOf(HOLDER)),
};

let signer: CredentialSigner;
let text: string;
beforeAll(async () => {
  signer = await credentialSigner(ISSUER, 'credential-v1');
  text = await issueCredential(SAID, signer);
});

/** The credential with other claims or another header, signed by whom one likes. */
async function signedAs(claims: object, header: object = {}, by: CredentialSigner = signer): Promise<string> {
  const jwt = new SignJWT({ ...decodeJwt(text.slice(0, -1)), ...claims });
  const own = decodeProtectedHeader(text.slice(0, -1));
  return `${await jwt.setProtectedHeader({ ...own, alg: 'ES256', ...header }).sign(by.key)}~`;
}

describe('a credential', () => {
  it('says what its issuer said, and nothing of when it was issued', async ({ expect }) => {
    expect(await verifyCredential(text, KEYS, NOW)).toEqual({ ok: true, value: SAID });
    const claims = decodeJwt(text.slice(0, -1));
    expect(Object.keys(claims).toSorted()).toEqual(
      ['cnf', 'exp', 'iss', 'jti', 'onset', 'region', 'report_type', 'status', 'vct'].toSorted(),
    );
    expect(credentialEnd(NOW) % 86_400).toBe(0);
    expect(credentialEnd(NOW)).toBe(credentialEnd(NOW - (NOW % 86_400)));
  });

  it('without an onset has none', async ({ expect }) => {
    const bare = await issueCredential({ ...SAID, onset: null }, signer);
    expect(await verifyCredential(bare, KEYS, NOW)).toEqual({ ok: true, value: { ...SAID, onset: null } });
  });

  it('ends with its day', async ({ expect }) => {
    expect((await verifyCredential(text, KEYS, SAID.expiresAt - 1)).ok).toBe(true);
    expect(await verifyCredential(text, KEYS, SAID.expiresAt)).toEqual({ ok: false, error: 'expired' });
  });

  it.for([
    { name: 'by another key of that name', make: async () => signedAs({}, {}, await credentialSigner(OTHER, 'x')) },
    { name: 'by a key that the directory doesn’t know', make: () => signedAs({}, { kid: 'credential-v2' }) },
    { name: 'by no key', make: () => signedAs({}, { kid: undefined }) },
    { name: 'of another type', make: () => signedAs({}, { typ: 'JWT' }) },
    {
      name: 'without a signature',
      make: () => {
        const [, claims] = text.split('.');
        return Promise.resolve(
          `${toBase64Url(utf8('{"alg":"none","typ":"dc+sd-jwt","kid":"credential-v1"}'))}.${claims}.AA~`,
        );
      },
    },
    {
      name: 'with a byte changed',
      make: () => {
        const [header = '', claims = '', signature = ''] = text.slice(0, -1).split('.');
        const bytes = fromBase64Url(signature);
        bytes[9] = (bytes[9] ?? 0) ^ 1;
        return Promise.resolve(`${header}.${claims}.${toBase64Url(bytes)}~`);
      },
    },
  ])('$name isn’t the issuer’s', async ({ make }, { expect }) => {
    expect(await verifyCredential(await make(), KEYS, NOW)).toEqual({ ok: false, error: 'bad-signature' });
  });

  it.for([
    { name: 'a name', claims: { name: 'Anna' } },
    { name: 'when it was issued', claims: { iat: NOW } },
    { name: 'an end within a day', claims: { exp: SAID.expiresAt + 1 } },
    { name: 'an hour of onset', claims: { onset: '2026-11-24T10:00:00Z' } },
    { name: 'a day that is none', claims: { onset: '2026-02-30' } },
    { name: 'another kind', claims: { vct: 'urn:example:diploma' } },
    { name: 'another report', claims: { report_type: 'self-report' } },
    { name: 'an issuer with a path', claims: { iss: 'https://verification.nl.example/x' } },
    { name: 'another issuer’s list', claims: { status: { status_list: { idx: 1, uri: 'https://it.example/list' } } } },
    {
      name: 'a place outside the list',
      claims: { status: { status_list: { idx: 131_072, uri: `${SAID.issuer}/v1/credential-status` } } },
    },
    { name: 'a second key', claims: { cnf: { jwk: { kty: 'EC', crv: 'P-256', ...SAID.holder, kid: 'x' } } } },
  ])('with $name is none, whoever signed it', async ({ claims }, { expect }) => {
    expect(await verifyCredential(await signedAs(claims), KEYS, NOW)).toEqual({ ok: false, error: 'malformed' });
  });

  it.for(['', '~', 'a.b.c~', 'a.b.c', `${'a'.repeat(900)}~`])('%s is none', async (given, { expect }) => {
    expect(readCredential(given)).toBeNull();
    expect(await verifyCredential(given, KEYS, NOW)).toEqual({ ok: false, error: 'malformed' });
  });

  it('is refused, never thrown at, whatever comes', async ({ expect }) => {
    const part = fc.oneof(
      fc.base64String(),
      fc.string(),
      fc.json().map((json) => toBase64Url(utf8(json))),
    );
    const anything = fc.oneof(
      fc.string(),
      fc.tuple(part, part, part).map((parts) => `${parts.join('.')}~`),
    );
    await fc.assert(
      fc.asyncProperty(anything, async (given) => {
        expect((await verifyCredential(given, KEYS, NOW)).ok).toBe(false);
        const shown = readPresentation(given);
        if (shown !== null) expect((await verifyProof(shown, SAID.holder, DE, NOW)).ok).toBe(false);
      }),
      { seed: 59, numRuns: 200 },
    );
  });

  it('is verified by either key while one replaces the other', async ({ expect }) => {
    expect((await verifyCredential(text, [keyOf(OTHER, 'v2'), keyOf(ISSUER)], NOW)).ok).toBe(true);
    expect((await verifyCredential(text, [keyOf(OTHER, 'v2')], NOW)).ok).toBe(false);
  });

  it('is carried by a link, and found in it', ({ expect }) => {
    expect(credentialInLink(credentialLink(text))).toBe(text);
    expect(credentialInLink(text)).toBe(text);
    expect(credentialInLink(`https://localhost/?${text}`)).toBeNull();
  });
});

describe('a proof', () => {
  const shown = (more: { audience?: string; now?: number; pem?: string; credential?: string } = {}): Promise<string> =>
    presentCredential(more.credential ?? text, more.pem ?? HOLDER, {
      audience: more.audience ?? DE,
      now: more.now ?? NOW,
      random,
    });
  const judged = async (given: string, credential = text) => {
    const read = readPresentation(given);
    return read === null ? null : verifyProof({ ...read, credential }, SAID.holder, DE, NOW);
  };

  it('is of whose the credential is, for here and now', async ({ expect }) => {
    expect(await judged(await shown())).toEqual({ ok: true, value: null });
    expect(await judged(await shown({ now: NOW - 7_000 }))).toEqual({ ok: true, value: null });
  });

  it.for([
    { name: 'of another phone', more: { pem: OTHER }, error: 'proof' },
    { name: 'for another region', more: { audience: 'https://verification.it.example' }, error: 'proof' },
    { name: 'of three hours ago', more: { now: NOW - 10_800 }, error: 'clock' },
    { name: 'of a time to come', more: { now: NOW + 10_800 }, error: 'clock' },
  ])('$name is none: $error', async ({ more, error }, { expect }) => {
    expect(await judged(await shown(more))).toEqual({ ok: false, error });
  });

  it('over another credential is none', async ({ expect }) => {
    const other = await issueCredential({ ...SAID, statusIndex: 78 }, signer);
    expect(await judged(await shown({ credential: other }), text)).toEqual({ ok: false, error: 'proof' });
  });

  it('by a key that is no point of the curve is none', async ({ expect }) => {
    const read = readPresentation(await shown());
    if (read === null) throw new Error('expected a presentation');
    const nowhere = holderKey(new Uint8Array(64).fill(1));
    expect(await verifyProof(read, nowhere, DE, NOW)).toEqual({ ok: false, error: 'proof' });
  });

  it('is missed where there is none', ({ expect }) => {
    for (const given of ['', text, `${text}~`, `${text}a~b`, `~${text}`]) expect(readPresentation(given)).toBeNull();
  });
});

it('the longest addresses still fit into a question and an answer', async ({ expect }) => {
  const longest = `https://${'v'.repeat(64 - 8 - 8)}.example`;
  expect(longest).toHaveLength(64);
  const named = await credentialSigner(ISSUER, 'k'.repeat(33));
  const long = await issueCredential({ ...SAID, issuer: longest, statusIndex: 131_071 }, named);
  expect(long.length).toBeLessThanOrEqual(MAX_CREDENTIAL_LENGTH);
  const shown = await presentCredential(long, HOLDER, { audience: longest, now: NOW, random });
  expect(shown.length).toBeLessThanOrEqual(MAX_PRESENTATION_LENGTH);
  expect(readPresentation(shown)).not.toBeNull();
});
