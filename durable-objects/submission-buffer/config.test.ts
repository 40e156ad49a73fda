import { it } from 'vitest';
import { TEST_SECRETS } from '../../test/support/secrets.ts';
import { parseBufferConfig } from './config.ts';

const SECRET = 'AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=';
const ENV = {
  HOME_COUNTRY: 'DE',
  UNION_REGION: 'EUR',
  KNOWN_KEY_HASH_KEY: SECRET,
  REVISION_TOKEN_KEY: SECRET,
  RESTORE_PUBLIC_KEY: TEST_SECRETS.RESTORE_PUBLIC_KEY,
};

it('gives a complete environment its regions and the policy of the design', ({ expect }) => {
  expect(parseBufferConfig(ENV)).toMatchObject({ regions: ['DE', 'EUR'], policy: { minKeys: 140, retentionDays: 14 } });
});

it.for([
  [{ MIN_KEYS: '5' }, 'MIN_KEYS=5 must not be below MIN_UPLOADS=10'],
  [{ MAX_HOLD_HOURS: '336' }, 'MAX_HOLD_HOURS=336 must be shorter than RETENTION_DAYS=14'],
  [{ UNION_REGION: 'DE' }, 'UNION_REGION=DE must differ from HOME_COUNTRY'],
  [{ HOME_COUNTRY: 'Germany' }, 'HOME_COUNTRY=Germany must be an ISO 3166-1 alpha-2 code'],
  [{ KNOWN_KEY_HASH_KEY: 'c2hvcnQ=' }, 'KNOWN_KEY_HASH_KEY: base64 of 32 bytes is expected, got 5 bytes'],
  [{ REVISION_TOKEN_KEY: `${SECRET},${SECRET}` }, 'REVISION_TOKEN_KEY: keys of a ring must differ, got one twice'],
  [
    { RESTORE_PUBLIC_KEY: '-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----' },
    'RESTORE_PUBLIC_KEY must be an SPKI PEM of a P-256 key',
  ],
  [{ RESTORE_PUBLIC_KEY: 'a key' }, 'RESTORE_PUBLIC_KEY=a key must be an SPKI PEM of a P-256 key'],
] as const)('refuses %j and says why', ([change, message], { expect }) => {
  expect(() => parseBufferConfig({ ...ENV, ...change })).toThrow(message);
});

it('does not print a secret that it refuses', ({ expect }) => {
  expect(() => parseBufferConfig({ ...ENV, KNOWN_KEY_HASH_KEY: 'not base64!' })).toThrow(
    /^KNOWN_KEY_HASH_KEY: base64 of 32 bytes is expected, got no base64$/,
  );
});
