/** @module `POST /v1/publish` in workerd: the deployed app and the platform's crypto, neighbours in memory. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, describe, it } from 'vitest';
import { NO_UPLOADS } from '../../../domain/publish-stats.ts';
import { unpackUpload } from '../../../domain/packed-upload.ts';
import { fromBase64, toBase64 } from '../../../protocol/primitives/bytes.ts';
import { PUBLISH_RESPONSE_BYTES, readPublishResponse } from '../../../protocol/publish/response.ts';
import { STATS_PATH, STATS_RESPONSE_BYTES, verifyStatsToken } from '../../../protocol/publish/stats.ts';
import type { SentKey } from '../../../protocol/publish/tekmac.ts';
import { testAuthority, type TestAuthority } from '../../../test/support/health-authority.ts';
import { createHourlyCounts } from '../../shared/hourly-counts.ts';
import { createApp } from '../app.ts';
import type { UploadEnv } from '../bindings.ts';
import { START, World } from '../store-world.ts';

const URL = 'https://submission.example/v1/publish';
const STATS_URL = `https://submission.example${STATS_PATH}`;
const HEADERS = { 'content-type': 'application/json; charset=utf-8' };
const NAMES = ['cache-control', 'content-encoding', 'content-type', 'x-api-version', 'x-padding'];
const MIDNIGHT = Math.floor(START / 86_400) * 144;

let authority: TestAuthority;
beforeAll(async () => {
  authority = await testAuthority({ stats: true });
});

let serial = 0;
const keys = (count = 2): SentKey[] =>
  Array.from({ length: count }, (_, age) => ({
    key: toBase64(new Uint8Array(16).fill(++serial)),
    rollingStartNumber: MIDNIGHT - 144 * (age + 1),
    rollingPeriod: 144,
    transmissionRisk: 2,
  }));

function deployment() {
  const world = new World();
  world.authorities = authority.authorities;
  const accepted: unknown[][] = [];
  const bindings = (): UploadEnv => {
    const { redeem, intake } = world.ports();
    const INTAKE: UploadEnv['INTAKE'] = {
      ...intake,
      stats: async (authorization) => {
        const asked = await verifyStatsToken(authorization, authority.authorities, world.now);
        return asked === null ? null : [{ day: 20_600, ...NO_UPLOADS }];
      },
      accept: (...args) => {
        accepted.push(args);
        return intake.accept(...args);
      },
    };
    return { ...(env as unknown as UploadEnv), ANSWER_DEADLINE_MS: '0', REDEEM: redeem, INTAKE };
  };
  const counts = createHourlyCounts(() => undefined);
  const app = createApp({ clock: () => world.now, mayAnswerAtOnce: true, counts });
  const deployed = createApp({ clock: () => world.now, counts });
  async function ask(init: RequestInit, server = app, url = URL) {
    const context = createExecutionContext();
    const response = await server.fetch(new Request(url, init), bindings(), context);
    await waitOnExecutionContext(context);
    const text = await response.text();
    const { status, headers } = response;
    return {
      status,
      names: [...headers.keys()].toSorted(),
      headers,
      text,
      said: readPublishResponse(JSON.parse(text)),
    };
  }
  const publish = (body: object, headers: Record<string, string> = HEADERS) =>
    ask({ method: 'POST', headers, body: JSON.stringify(body) });
  return { world, accepted, ask, publish, deployed };
}

describe('publish in workerd', () => {
  it('stores keys, and answers the same again as the first time', async ({ expect }) => {
    const { publish, world } = deployment();
    const body = await authority.request(keys(), { now: START });
    const first = await publish(body);
    expect([first.status, first.said?.insertedExposures]).toEqual([200, 2]);
    expect((await publish(body)).said).toEqual(first.said);
    expect(world.stored.size).toBe(1);
  });

  it('has one answer: size, header names and lengths of values, whatever the status; its padding is base64 and new each time', async ({
    expect,
  }) => {
    const { publish, ask, deployed } = deployment();
    const answers = [
      await publish(await authority.request(keys(), { now: START })),
      await publish({}, { ...HEADERS, 'x-chaff': '1' }),
      await publish({}),
      await publish({ traveler: 1 }),
      await publish({}, {}),
      await ask({ method: 'GET' }),
      await ask({ method: 'POST', headers: HEADERS, body: '{}' }, deployed),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 401, 400, 415, 405, 503]);
    for (const { text, names, headers } of answers) {
      expect([text.length, names]).toEqual([PUBLISH_RESPONSE_BYTES, NAMES]);
      expect([headers.get('content-type'), headers.get('x-api-version')]).toEqual(['application/json', 'v1']);
    }
    const paddings = answers.map(({ text }) => (JSON.parse(text) as { padding: string }).padding);
    for (const padding of paddings) expect(fromBase64(padding).length).toBeGreaterThan(512);
    expect(new Set(paddings).size).toBe(paddings.length);
  });

  it('tells origin keys, where they go, and what is certified of them; no header, no certificate, nothing that binds it', async ({
    expect,
  }) => {
    const { publish, accepted } = deployment();
    const [key] = keys(1);
    const body = await authority.request(
      [key!],
      { now: START },
      { revisionToken: 'AQID', symptomOnsetInterval: MIDNIGHT - 144 },
    );
    await publish(body, { ...HEADERS, 'user-agent': 'phone', 'cf-connecting-ip': '192.0.2.7' });
    const [, packed, permit, part] = accepted[0] ?? [];
    expect(unpackUpload(packed as Parameters<typeof unpackUpload>[0])).toEqual({
      keys: [
        {
          keyData: fromBase64(key!.key),
          transmissionRiskLevel: 8,
          rollingStartIntervalNumber: MIDNIGHT - 144,
          rollingPeriod: 144,
          reportType: 1,
          daysSinceOnsetOfSymptoms: 2,
          withdrawalHash: null,
        },
      ],
      regions: ['DE'],
      consentToFederation: true,
      origin: 'DE',
      issueId: 'authority-1',
    });
    expect(Object.keys(permit as object).toSorted()).toEqual(['hour', 'idNonce', 'mac', 'payloadNonce']);
    expect(part).toEqual({
      authorityId: 'health-de',
      reportType: 'confirmed',
      token: Uint8Array.of(1, 2, 3),
      expiresAt: START + 900,
      onsetDays: 1 + Math.floor(START / 86_400) - MIDNIGHT / 144,
    });
  });
});

describe('statistics in workerd', () => {
  it('have one answer: size, header names and lengths of values, whatever is asked and by whom', async ({ expect }) => {
    const { ask, deployed } = deployment();
    const claims = { aud: 'keyserver', exp: START + 300 };
    const authorization = `Bearer ${await authority.certify([], { now: START, claims })}`;
    const post = (headers: Record<string, string>, server?: Parameters<typeof ask>[1]) =>
      ask({ method: 'POST', headers: { ...HEADERS, ...headers }, body: '{"padding":"AAAA"}' }, server, STATS_URL);
    const answers = [
      await post({ authorization }),
      await post({ authorization, 'x-chaff': '1' }),
      await post({}),
      await post({ authorization, 'content-type': 'text/plain' }),
      await ask({ method: 'GET' }, undefined, STATS_URL),
      await post({ authorization }, deployed),
    ];
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 401, 415, 405, 503]);
    for (const { text, names } of answers) expect([text.length, names]).toEqual([STATS_RESPONSE_BYTES, NAMES]);
    const dayOf = ({ text }: { text: string }): number => (JSON.parse(text) as { days: unknown[] }).days.length;
    expect([dayOf(answers[0]!), dayOf(answers[1]!)]).toEqual([1, 0]);
  });
});
