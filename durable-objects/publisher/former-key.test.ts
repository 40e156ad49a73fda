import { describe, it } from 'vitest';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { pkcs8PemFromScalar } from '../../protocol/signing.ts';
import { toBase64 } from '../../protocol/primitives/bytes.ts';
import { TEST_SECRETS } from '../../test/support/secrets.ts';
import { formerManifestKeys, parseFormerKey } from './former-key.ts';

const PRESENT = { keyId: '262', keyVersion: 'v2' };
const GOOD = {
  EXPORT_FORMER_SIGNING_KEY: pkcs8PemFromScalar(sha256(new Uint8Array(1))),
  EXPORT_FORMER_KEY_ID: '262',
  EXPORT_FORMER_KEY_VERSION: 'v1',
  EXPORT_FORMER_KEY_UNTIL: '2026-12-24',
};

describe('the key before', () => {
  it('signs until the beginning of a UTC day, or there is none', ({ expect }) => {
    expect(parseFormerKey({}, PRESENT)).toBeNull();
    expect(parseFormerKey({ EXPORT_FORMER_KEY_ID: '', EXPORT_FORMER_KEY_UNTIL: '' }, PRESENT)).toBeNull();
    expect(parseFormerKey(GOOD, PRESENT)).toMatchObject({
      name: { keyId: '262', keyVersion: 'v1' },
      until: Date.UTC(2026, 11, 24) / 1000,
    });
  });

  it('of CWA’s configuration has fields of its own', ({ expect }) => {
    const fields = Object.fromEntries(
      Object.entries(GOOD).map(([field, value]) => [field.replace('EXPORT', 'CONFIG'), value]),
    );
    expect(parseFormerKey(fields, PRESENT, 'CONFIG')?.name.keyVersion).toBe('v1');
    expect(parseFormerKey(fields, PRESENT)).toBeNull();
    expect(() => parseFormerKey({ ...fields, CONFIG_FORMER_KEY_VERSION: 'v2' }, PRESENT, 'CONFIG')).toThrow(
      'CONFIG_FORMER_KEY_VERSION must differ from CONFIG_KEY_VERSION',
    );
  });

  it.for([
    ['EXPORT_FORMER_SIGNING_KEY', undefined],
    ['EXPORT_FORMER_SIGNING_KEY', '-----BEGIN PRIVATE KEY-----\nAAAA\n-----END PRIVATE KEY-----'],
    ['EXPORT_FORMER_KEY_ID', '262 '],
    ['EXPORT_FORMER_KEY_VERSION', undefined],
    ['EXPORT_FORMER_KEY_VERSION', 'v2'],
    ['EXPORT_FORMER_KEY_UNTIL', '2026-02-30'],
    ['EXPORT_FORMER_KEY_UNTIL', undefined],
  ] as const)('%s %j refuses to start, named, and no secret is told', ([field, value], { expect }) => {
    expect(() => parseFormerKey({ ...GOOD, [field]: value }, PRESENT)).toThrow(new RegExp(`^${field}(?!.*AAAA)`));
  });
});

describe('the manifest key before', () => {
  const good = {
    MANIFEST_KEY_ID: 'manifest-v2',
    MANIFEST_FORMER_KEY_ID: 'manifest-v1',
    MANIFEST_FORMER_PUBLIC_KEY: TEST_SECRETS.UNDO_PUBLIC_KEY,
  };

  it('says by its public half what is ours, or there is none', ({ expect }) => {
    expect(formerManifestKeys({ MANIFEST_KEY_ID: 'manifest-v1', MANIFEST_FORMER_KEY_ID: '' })).toEqual({});
    const keys = formerManifestKeys(good);
    expect(Object.keys(keys)).toEqual(['manifest-v1']);
    expect(TEST_SECRETS.UNDO_PUBLIC_KEY.replaceAll('\n', '')).toContain(toBase64(keys['manifest-v1']!));
  });

  it.for([
    ['MANIFEST_FORMER_KEY_ID', undefined],
    ['MANIFEST_FORMER_KEY_ID', 'manifest-v2'],
    ['MANIFEST_FORMER_PUBLIC_KEY', 'a key'],
    ['MANIFEST_FORMER_PUBLIC_KEY', undefined],
  ] as const)('%s %j refuses to start, named', ([field, value], { expect }) => {
    expect(() => formerManifestKeys({ ...good, [field]: value })).toThrow(new RegExp(`^${field}`));
  });
});
