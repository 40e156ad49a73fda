import { SignJWT } from 'jose';
import { beforeAll, describe, it } from 'vitest';
import { testAuthority, type TestAuthority } from '../../test/support/health-authority.ts';
import { fromUtf8 } from '../primitives/bytes.ts';
import { STATS_RESPONSE_BYTES, verifyStatsToken, writeStatsResponse, type StatsDay } from './stats.ts';

const NOW = 1_780_000_000;
let ours: TestAuthority;
let mute: TestAuthority;
beforeAll(async () => {
  ours = await testAuthority({ stats: true });
  mute = await testAuthority({ id: 'mute', issuer: 'https://mute.example' });
});

const CLAIMS = { aud: 'keyserver', iat: NOW - 1, exp: NOW + 300 };

describe('a token (docs/spec/google.md §3.12)', () => {
  const bearer = async (of: TestAuthority, claims: object, header = {}): Promise<string> =>
    `Bearer ${await of.certify([], { now: NOW, claims: { ...CLAIMS, ...claims }, header })}`;

  it('of an authority that may ask opens its own', async ({ expect }) => {
    const authority = await verifyStatsToken(await bearer(ours, {}), ours.authorities, NOW);
    expect(authority?.id).toBe('health-de');
  });

  it.for<{ name: string; claims?: object; header?: object; of?: 'mute' }>([
    { name: 'for uploads', claims: { aud: 'exposure-notifications-server' } },
    { name: 'for several', claims: { aud: ['keyserver'] } },
    { name: 'without an end', claims: { exp: undefined } },
    { name: 'that is over', claims: { exp: NOW - 5 } },
    { name: 'that lives for more than an hour', claims: { exp: NOW + 3_601 } },
    { name: 'of the future', claims: { nbf: NOW + 6 } },
    { name: 'made in the future', claims: { iat: NOW + 6 } },
    { name: 'by a key that nobody knows', header: { kid: 'v2' } },
    { name: 'of an authority that may not ask', of: 'mute' },
  ])('$name opens nothing', async ({ claims = {}, header = {}, of }, { expect }) => {
    const authorities = { version: 1, authorities: [ours.authority, mute.authority] };
    const token = await bearer(of === 'mute' ? mute : ours, claims, header);
    expect(await verifyStatsToken(token, authorities, NOW)).toBeNull();
  });

  it('by HMAC with the public key, unsigned, or none at all opens nothing', async ({ expect }) => {
    const { issuer, keys } = ours.authority;
    const hmac = await new SignJWT({ ...CLAIMS, iss: issuer })
      .setProtectedHeader({ alg: 'HS256', kid: 'v1' })
      .sign(new TextEncoder().encode(keys[0]!.publicKey));
    const part = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const unsigned = `${part({ alg: 'none', kid: 'v1' })}.${part({ ...CLAIMS, iss: issuer })}.`;
    for (const header of [null, '', 'Bearer ', 'Basic abc', `Bearer ${hmac}`, `Bearer ${unsigned}`, hmac]) {
      expect(await verifyStatsToken(header, ours.authorities, NOW)).toBeNull();
    }
  });
});

describe('an answer', () => {
  const day = (n: number): StatsDay => ({
    day: 20_600 + n,
    publishes: 9_999_999,
    teks: 9_999_999,
    revisions: 9_999_999,
    missingOnset: 9_999_999,
    tekAges: Array.from({ length: 16 }, () => 9_999_999),
    onsetDays: Array.from({ length: 30 }, () => 9_999_999),
  });
  const random = (characters: number): string => 'A'.repeat(characters);

  it('is Google’s, and of one size with no day, with sixteen, and with an error', ({ expect }) => {
    const none = writeStatsResponse({ days: [] }, random);
    const all = writeStatsResponse({ days: Array.from({ length: 16 }, (_, n) => day(n)) }, random);
    const error = writeStatsResponse({ error: 'unauthorized', code: 'unauthorized' }, random);
    for (const one of [none, all, error]) expect(one).toHaveLength(STATS_RESPONSE_BYTES);
    const { days, padding } = JSON.parse(fromUtf8(all)) as { days: Record<string, unknown>[]; padding: string };
    expect(padding.length).toBeGreaterThanOrEqual(1_024);
    expect(days[0]).toEqual({
      day: '2026-05-27T00:00:00Z',
      publish_requests: { unknown: 9_999_999, android: 0, ios: 0 },
      total_teks_published: 9_999_999,
      requests_with_revisions: 9_999_999,
      tek_age_distribution: day(0).tekAges,
      onset_to_upload_distribution: day(0).onsetDays,
      requests_missing_onset_date: 9_999_999,
    });
  });
});
