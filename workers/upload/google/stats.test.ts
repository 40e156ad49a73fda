/** @module Who is told what by `POST /v1/stats`, and that every answer is of one size. */
import { beforeAll, describe, it } from 'vitest';
import { NO_UPLOADS, type ShownStats } from '../../../domain/publish-stats.ts';
import { utf8 } from '../../../protocol/primitives/bytes.ts';
import type { PublishedPolicy } from '../../../domain/keys/regions.ts';
import { STATS_RESPONSE_BYTES, verifyStatsToken } from '../../../protocol/publish/stats.ts';
import { testAuthority, type TestAuthority } from '../../../test/support/health-authority.ts';
import type { BodyResult } from '../../shared/body.ts';
import { decideStats, statsAnswer, statsSaid, type StatsOutcome } from './stats.ts';

const NOW = 1_780_000_000;
const DAYS: readonly ShownStats[] = [{ day: 20_600, ...NO_UPLOADS, publishes: 12 }];
let ours: TestAuthority;
let token: string;
beforeAll(async () => {
  ours = await testAuthority({ stats: true });
  const claims = { aud: 'keyserver', exp: NOW + 300 };
  token = `Bearer ${await ours.certify([], { now: NOW, claims })}`;
});

/** How a request ends, and what `origin` was asked; `origin` verifies the token as the real one does. */
async function ask(
  { headers = {}, body = '{"padding":"AAAA"}' }: { headers?: Record<string, string>; body?: string | BodyResult },
  trusts: TestAuthority | null = ours,
): Promise<{ outcome: StatsOutcome; asked: number }> {
  let asked = 0;
  const policy: PublishedPolicy = {
    version: 1,
    supportedCountries: ['DE'],
    ended: false,
    authorities: ours.authorities,
  };
  const intake = {
    stats: async (authorization: string) => {
      asked += 1;
      const known = trusts?.authorities ?? { version: 1, authorities: [] };
      return (await verifyStatsToken(authorization, known, NOW)) === null ? null : DAYS;
    },
  };
  const read: BodyResult = typeof body === 'string' ? { kind: 'body', bytes: utf8(body) } : body;
  const all = new Headers({ 'content-type': 'application/json', authorization: token, ...headers });
  const outcome = await decideStats(all, read, { clock: () => NOW, policy: async () => policy }, intake);
  return { outcome, asked };
}

describe('statistics', () => {
  it('are told to the authority whose token it is', async ({ expect }) => {
    const { outcome } = await ask({});
    expect(statsSaid(outcome)).toEqual({ status: 200, said: { days: DAYS } });
  });

  it('are not told by upload alone: origin looks at the token too', async ({ expect }) => {
    const { outcome, asked } = await ask({}, null);
    expect([outcome.kind, asked]).toEqual(['unauthorized', 1]);
  });

  it.for<{ name: string; headers?: Record<string, string>; body?: string | BodyResult; status: number }>([
    { name: 'no token', headers: { authorization: '' }, status: 401 },
    { name: 'somebody’s token', headers: { authorization: 'Bearer a.b.c' }, status: 401 },
    { name: 'another media type', headers: { 'content-type': 'text/plain' }, status: 415 },
    { name: 'no JSON', body: '{', status: 400 },
    { name: 'another field', body: '{"padding":"","day":1}', status: 400 },
    { name: 'one name twice', body: '{"padding":"","padding":""}', status: 400 },
    { name: 'no UTF-8', body: { kind: 'body', bytes: Uint8Array.of(0xff) }, status: 400 },
    { name: 'too much', body: { kind: 'too-large' }, status: 413 },
  ])('$name: $status, and origin is not asked', async ({ status, name: _name, ...request }, { expect }) => {
    const { outcome, asked } = await ask(request);
    expect([statsSaid(outcome).status, asked]).toEqual([status, 0]);
  });

  it('are told to no chaff, whatever comes with it', async ({ expect }) => {
    for (const headers of [{ 'x-chaff': '1' }, { 'x-chaff': '1', authorization: '' }]) {
      const { outcome, asked } = await ask({ headers });
      expect([statsSaid(outcome), asked]).toEqual([{ status: 200, said: { days: [] } }, 0]);
    }
  });

  it('are answered with one size and one set of headers', async ({ expect }) => {
    const outcomes: StatsOutcome[] = [
      { kind: 'days', days: DAYS },
      ...(
        ['chaff', 'wrong-method', 'wrong-media-type', 'too-large', 'malformed', 'unauthorized', 'try-later'] as const
      ).map((kind) => ({ kind })),
    ];
    const sizes = new Set<string>();
    for (const outcome of outcomes) {
      const answer = statsAnswer(outcome, false);
      expect((await answer.arrayBuffer()).byteLength).toBe(STATS_RESPONSE_BYTES);
      sizes.add(JSON.stringify([...answer.headers].map(([name, value]) => [name, value.length])));
    }
    expect(sizes.size).toBe(1);
  });
});
