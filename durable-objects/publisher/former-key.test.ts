import { describe, it } from 'vitest';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { pkcs8PemFromScalar } from '../../protocol/signing.ts';
import { parseFormerKey } from './former-key.ts';

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
