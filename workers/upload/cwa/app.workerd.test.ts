/** @module The upload Worker in workerd: the deployed app over real RPC; its neighbours are the stubs of test/support. */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, it } from 'vitest';
import type { PublishedPolicy } from '../../../domain/keys/regions.ts';
import { composeTan } from '../../../domain/tan.ts';
import { NO_AUTHORITIES } from '../../../protocol/publish/authorities.ts';
import {
  encodeSubmissionPayload,
  type SubmissionPayload,
  type SubmittedKey,
} from '../../../protocol/submission-payload.ts';
import { unpackUpload } from '../../../domain/packed-upload.ts';
import { createHourlyCounts } from '../../shared/hourly-counts.ts';
import { createApp } from '../app.ts';
import { MAX_BODY_BYTES, UPLOAD_PATH } from './decide.ts';
import { parseUploadConfig, type UploadEnv } from '../bindings.ts';

const ENV = { ...(env as unknown as UploadEnv), ANSWER_DEADLINE_MS: '0' };
/** 2020-11-25T12:00:00Z */
const NOW = 1_606_305_600;
const MIDNIGHT = Math.floor(NOW / 86_400) * 144;
const URL = `https://submission.example${UPLOAD_PATH}`;

let serial = 0;
const newTan = (): string => {
  const unpredictable = new Uint8Array(10);
  new DataView(unpredictable.buffer).setUint32(0, ++serial);
  return composeTan(unpredictable, Math.floor(NOW / 86_400) + 1, parseUploadConfig(ENV).tanMacKeys.current);
};
const key = (change: Partial<SubmittedKey> = {}): SubmittedKey => ({
  keyData: new Uint8Array(16).fill(++serial),
  transmissionRiskLevel: 6,
  rollingStartIntervalNumber: MIDNIGHT,
  rollingPeriod: 144,
  reportType: 1,
  daysSinceOnsetOfSymptoms: 0,
  ...change,
});
const body = (keys: SubmittedKey[], padding = 0, own: Partial<SubmissionPayload> = {}): Uint8Array =>
  encodeSubmissionPayload({
    keys,
    requestPadding: new Uint8Array(padding),
    visitedCountries: ['DE'],
    origin: 'DE',
    consentToFederation: true,
    checkIns: [],
    submissionType: 0,
    checkInProtectedReports: [],
    cover: null,
    authorization: null,
    ...own,
  });
const PROTOBUF = { 'content-type': 'application/x-protobuf' };
const headers = (change: Record<string, string> = {}): Record<string, string> => ({
  'content-type': 'application/x-protobuf',
  'cwa-fake': '0',
  'cwa-authorization': newTan(),
  ...change,
});

const app = createApp({ clock: () => NOW, mayAnswerAtOnce: true, counts: createHourlyCounts(() => undefined) });
async function post(init: RequestInit, bindings: UploadEnv = ENV, server = app): Promise<Response> {
  const context = createExecutionContext();
  const response = await server.fetch(new Request(URL, { method: 'POST', ...init }), bindings, context);
  await waitOnExecutionContext(context);
  return response;
}

/** Wraps a binding and writes down which of its methods were called. */
function recorded<T extends object>(target: T, calls: string[]): T {
  return new Proxy(target, {
    get: (object, name) => {
      calls.push(String(name));
      const method: unknown = Reflect.get(object, name);
      return typeof method === 'function' ? (...args: unknown[]) => Reflect.apply(method, object, args) : method;
    },
  });
}

describe('answers of the dialect', () => {
  const cases: [name: string, init: () => RequestInit, status: number][] = [
    ['an upload', () => ({ headers: headers(), body: body([key()]) }), 200],
    [
      'a dummy without keys',
      () => ({ headers: headers({ 'cwa-fake': '1', 'cwa-authorization': '' }), body: body([]) }),
      200,
    ],
    ['a dummy with keys', () => ({ headers: headers({ 'cwa-fake': '1' }), body: body([key()]) }), 200],
    ['a dummy that is no protobuf', () => ({ headers: headers({ 'cwa-fake': '1' }), body: 'hello' }), 400],
    ['no protobuf', () => ({ headers: headers(), body: 'hello' }), 400],
    ['no body', () => ({ headers: headers() }), 400],
    ['a rule broken', () => ({ headers: headers(), body: body([key({ rollingPeriod: 145 })]) }), 400],
    [
      'every key in the future',
      () => ({ headers: headers(), body: body([key({ rollingStartIntervalNumber: MIDNIGHT + 144 })]) }),
      400,
    ],
    ['a body of the limit and a byte', () => ({ headers: headers(), body: new Uint8Array(MAX_BODY_BYTES + 1) }), 400],
    ['cwa-fake missing', () => ({ headers: PROTOBUF, body: body([key()]) }), 400],
    [
      'an upload said so in the body',
      () => ({ headers: PROTOBUF, body: body([key()], 0, { authorization: newTan() }) }),
      200,
    ],
    [
      'the same, and no dummy',
      () => ({ headers: PROTOBUF, body: body([key()], 0, { authorization: newTan(), cover: false }) }),
      200,
    ],
    ['a dummy said so in the body', () => ({ headers: PROTOBUF, body: body([], 0, { cover: true }) }), 200],
    [
      'a forged TAN in the body',
      () => ({ headers: PROTOBUF, body: body([key()], 0, { authorization: crypto.randomUUID() }) }),
      403,
    ],
    [
      'a dummy with a TAN, both in the body',
      () => ({ headers: PROTOBUF, body: body([key()], 0, { authorization: newTan(), cover: true }) }),
      400,
    ],
    [
      'neither a dummy nor a TAN in the body',
      () => ({ headers: PROTOBUF, body: body([key()], 0, { authorization: '', cover: false }) }),
      400,
    ],
    [
      'an upload said so in the body, without a key',
      () => ({ headers: PROTOBUF, body: body([], 0, { authorization: newTan() }) }),
      400,
    ],
    [
      'a TAN in the body behind a header that has another',
      () => ({
        headers: headers({ 'cwa-authorization': crypto.randomUUID() }),
        body: body([key()], 0, { authorization: newTan() }),
      }),
      403,
    ],
    [
      'a one-time password',
      () => ({ headers: headers({ 'cwa-authorization': '', 'cwa-otp': newTan() }), body: body([key()]) }),
      403,
    ],
    [
      'a forged TAN',
      () => ({ headers: headers({ 'cwa-authorization': crypto.randomUUID() }), body: body([key()]) }),
      403,
    ],
    ['no UUID', () => ({ headers: headers({ 'cwa-authorization': 'TAN' }), body: body([key()]) }), 403],
    ['another content type', () => ({ headers: headers({ 'content-type': 'text/plain' }), body: body([key()]) }), 500],
  ];

  it.for(cases)('%s', async ([, init, status], { expect }) => {
    const response = await post(init());
    expect(response.status).toBe(status);
    expect([...response.headers.keys()].toSorted()).toEqual([
      'cache-control',
      'content-encoding',
      'cwa-filtered-checkins',
      'cwa-saved-checkins',
      'x-padding',
    ]);
    expect(response.headers.get('cache-control')).toBe('no-store, no-transform');
    expect(await response.text()).toBe('');
  });

  it('a repeated upload with other padding is answered as stored, another one is refused', async ({ expect }) => {
    const authorised = headers();
    const keys = [key()];
    const statuses = [
      (await post({ headers: authorised, body: body(keys, 100) })).status,
      (await post({ headers: authorised, body: body(keys, 500) })).status,
      (await post({ headers: authorised, body: body([key()]) })).status,
    ];
    expect(statuses).toEqual([200, 200, 403]);
  });

  it('a body in chunks is read to its end', async ({ expect }) => {
    const bytes = body([key()], 40_000);
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < bytes.length; at += 999) controller.enqueue(bytes.slice(at, at + 999));
        controller.close();
      },
    });
    expect((await post({ headers: headers(), body: stream })).status).toBe(200);
  });

  it.for(['GET', 'PUT', 'DELETE', 'OPTIONS'])('%s is not allowed', async (method, { expect }) => {
    expect((await post({ method })).status).toBe(405);
  });

  it('another path is unknown', async ({ expect }) => {
    const response = await app.request('https://x/version/v1/submission-on-behalf', { method: 'POST' }, ENV);
    expect([response.status, response.headers.get('cache-control')]).toEqual([404, 'no-store, no-transform']);
  });
});

/** An app of its own, so that it begins with nothing; its neighbour answers as told, and keeps what it accepted. */
function deployment() {
  const state = {
    now: NOW,
    policy: {
      version: 1,
      supportedCountries: ['DE', 'FR'],
      ended: false,
      authorities: NO_AUTHORITIES,
    } as PublishedPolicy | null,
  };
  const calls: string[] = [];
  const accepted: (readonly string[])[] = [];
  const INTAKE: UploadEnv['INTAKE'] = {
    resolve: (id, nonce) => ENV.INTAKE.resolve(id, nonce),
    known: (keys) => ENV.INTAKE.known(keys),
    withdraw: (openings) => ENV.INTAKE.withdraw(openings),
    replayed: (id, nonce) => ENV.INTAKE.replayed(id, nonce),
    stats: (token) => ENV.INTAKE.stats(token),
    accept: async (_id, upload) => {
      accepted.push(upload.regions);
      return { kind: 'stored' };
    },
    policy: async () => {
      calls.push('policy');
      if (state.policy === null) throw new Error('origin is away');
      return state.policy;
    },
  };
  const REDEEM = recorded(ENV.REDEEM, calls);
  const server = createApp({
    clock: () => state.now,
    mayAnswerAtOnce: true,
    counts: createHourlyCounts(() => undefined),
  });
  const send = (init: RequestInit): Promise<Response> => post(init, { ...ENV, INTAKE, REDEEM }, server);
  const upload = async (visitedCountries: string[]): Promise<number> =>
    (await send({ headers: headers(), body: body([key()], 0, { visitedCountries }) })).status;
  return { state, calls, accepted, upload, send };
}

describe('after the end of the service', () => {
  it('everybody gets one answer: real, dummy, malformed, too large, without headers; and nobody else is asked', async ({
    expect,
  }) => {
    const { state, calls, accepted, upload, send } = deployment();
    expect(await upload(['DE'])).toBe(200);
    const stored = accepted.length;
    state.now += 60;
    state.policy = { version: 1, supportedCountries: ['DE', 'FR'], ended: true, authorities: NO_AUTHORITIES };
    calls.length = 0;
    const dummy = headers({ 'cwa-fake': '1', 'cwa-authorization': '' });
    const answers = [
      await send({ headers: headers(), body: body([key()]) }),
      await send({ headers: dummy, body: body([key()]) }),
      await send({ headers: headers(), body: Uint8Array.of(255) }),
      await send({ headers: headers(), body: new Uint8Array(MAX_BODY_BYTES + 1) }),
      await send({ headers: PROTOBUF, body: body([key()]) }),
    ];
    const said = await Promise.all(
      answers.map(async (answer) => [answer.status, [...answer.headers], await answer.text()]),
    );
    expect(answers[0]!.status).toBe(403);
    for (const one of said) expect(one).toEqual(said[0]);
    expect([calls, accepted.length]).toEqual([['policy'], stored]);
    // The last word stays while origin is away.
    Object.assign(state, { now: state.now + 3600, policy: null });
    expect(await upload(['DE'])).toBe(403);
  });
});

describe('countries that the published parameters support', () => {
  it('are asked for once a minute, with whether the service goes on, by whoever comes', async ({ expect }) => {
    const { state, calls, accepted, upload } = deployment();
    expect(await upload(['DE'])).toBe(200);
    expect(calls[0]).toBe('policy');
    for (let n = 0; n < 3; n++) expect(await upload(['DE', 'FR'])).toBe(200);
    expect(calls.filter((name) => name === 'policy')).toEqual(['policy']);
    state.now += 60;
    state.policy = { version: 2, supportedCountries: ['DE', 'NL'], ended: false, authorities: NO_AUTHORITIES };
    expect(await upload(['FR', 'NL'])).toBe(200);
    expect(accepted).toEqual([['DE'], ['DE', 'FR'], ['DE', 'FR'], ['DE', 'FR'], ['DE', 'NL']]);
  });

  it('a country that isn’t among them is left out, and the upload is kept', async ({ expect }) => {
    const { accepted, upload } = deployment();
    expect([await upload(['XX']), await upload(['FR', 'XX']), await upload(['de'])]).toEqual([200, 200, 200]);
    expect(accepted).toEqual([['DE'], ['DE', 'FR'], ['DE']]);
  });

  it('that were told once stay while origin doesn’t tell them', async ({ expect }) => {
    const { state, accepted, upload } = deployment();
    await upload(['FR']);
    Object.assign(state, { now: NOW + 3600, policy: null });
    expect([await upload(['FR']), accepted.at(-1)]).toEqual([200, ['DE', 'FR']]);
  });

  it('that nobody told yet are waited for: try later, nothing is reserved; who was at home is stored', async ({
    expect,
  }) => {
    const { state, calls, accepted, upload } = deployment();
    state.policy = null;
    expect([await upload(['FR']), new Set(calls)]).toEqual([500, new Set(['policy'])]);
    expect([await upload(['DE']), accepted]).toEqual([200, [['DE']]]);
    state.policy = { version: 1, supportedCountries: ['DE', 'FR'], ended: false, authorities: NO_AUTHORITIES };
    expect([await upload(['FR']), accepted.at(-1)]).toEqual([200, ['DE', 'FR']]);
  });

  it('two uploads at once are both stored', async ({ expect }) => {
    const { accepted, upload } = deployment();
    expect(await Promise.all([upload(['FR']), upload(['FR'])])).toEqual([200, 200]);
    expect(accepted).toEqual([
      ['DE', 'FR'],
      ['DE', 'FR'],
    ]);
  });
});

describe('what reaches a neighbour', () => {
  it.for<[name: string, init: () => RequestInit]>([
    ['a dummy', () => ({ headers: headers({ 'cwa-fake': '1' }), body: body([key()]) })],
    ['a forged TAN', () => ({ headers: headers({ 'cwa-authorization': crypto.randomUUID() }), body: body([key()]) })],
    ['a broken rule', () => ({ headers: headers(), body: body([key({ rollingPeriod: 0 })]) })],
    ['malformed', () => ({ headers: headers(), body: 'hello' })],
  ])('nothing of %s', async ([, init], { expect }) => {
    const calls: string[] = [];
    await post(init(), { ...ENV, REDEEM: recorded(ENV.REDEEM, calls), INTAKE: recorded(ENV.INTAKE, calls) });
    expect(calls).toEqual([]);
  });

  it('of an upload: keys as phones read them, regions, consent, origin; no header, no TAN, no digest', async ({
    expect,
  }) => {
    let accepted: unknown;
    const INTAKE: UploadEnv['INTAKE'] = {
      accept: async (_uploadId, upload) => {
        accepted = unpackUpload(upload);
        return { kind: 'stored' };
      },
      resolve: (id, nonce) => ENV.INTAKE.resolve(id, nonce),
      known: (keys) => ENV.INTAKE.known(keys),
      policy: () => ENV.INTAKE.policy(),
      withdraw: (openings) => ENV.INTAKE.withdraw(openings),
      replayed: (id, nonce) => ENV.INTAKE.replayed(id, nonce),
      stats: (token) => ENV.INTAKE.stats(token),
    };
    const hash = new Uint8Array(16).fill(3);
    const sent = key({ transmissionRiskLevel: null, daysSinceOnsetOfSymptoms: 0, withdrawalHash: hash });
    await post(
      { headers: headers({ 'user-agent': 'phone', 'cf-connecting-ip': '192.0.2.7' }), body: body([sent]) },
      { ...ENV, INTAKE },
    );
    expect(accepted).toEqual({
      keys: [
        {
          keyData: sent.keyData,
          transmissionRiskLevel: 8,
          rollingStartIntervalNumber: MIDNIGHT,
          rollingPeriod: 144,
          reportType: 1,
          daysSinceOnsetOfSymptoms: 2,
          withdrawalHash: hash,
        },
      ],
      regions: ['DE'],
      consentToFederation: true,
      origin: 'DE',
      issueId: null,
    });
  });
});

describe('trouble', () => {
  const unreachable = { reserve: () => Promise.reject(new Error('down')) } as unknown as UploadEnv['REDEEM'];

  it('a neighbour out of reach is "try later", and counted', async ({ expect }) => {
    const lines: string[] = [];
    const counts = createHourlyCounts((line) => lines.push(line));
    const server = createApp({ clock: () => NOW, mayAnswerAtOnce: true, counts });
    const bindings = { ...ENV, REDEEM: unreachable };
    expect((await post({ headers: headers(), body: body([key()]) }, bindings, server)).status).toBe(500);
    counts.report(Math.floor(Date.now() / 3_600_000) + 1);
    expect(lines).toEqual([expect.stringMatching(/^answer-failed hour=\d+ count=1$/)]);
  });

  it('a neighbour that hangs is "try later" at the deadline, counted once the hour is over, and goes on', async ({
    expect,
  }) => {
    const lines: string[] = [];
    let finished = false;
    const REDEEM: UploadEnv['REDEEM'] = {
      ...unreachable,
      reserve: async () => {
        await new Promise((done) => setTimeout(done, 300));
        finished = true;
        return { kind: 'busy' };
      },
    };
    const counts = createHourlyCounts((line) => lines.push(line));
    const late = createApp({ clock: () => NOW, mayAnswerAtOnce: true, counts });
    const response = await post(
      { headers: headers(), body: body([key()]) },
      { ...ENV, REDEEM, ANSWER_DEADLINE_MS: '50' },
      late,
    );
    expect([response.status, finished]).toEqual([500, true]);
    counts.report(Math.floor(Date.now() / 3_600_000) + 1);
    expect(lines).toEqual([expect.stringMatching(/^answer-late hour=\d+ count=1$/)]);
  });

  it.for<[variable: string, value: string]>([
    ['TAN_MAC_KEY', 'short'],
    ['ANSWER_DEADLINE_MS', 'soon'],
    ['HOME_COUNTRY', 'Germany'],
  ])('a configuration that makes no sense fails the first request: %s', async ([variable, value], { expect }) => {
    const broken = { ...ENV, [variable]: value };
    expect(() => parseUploadConfig(broken)).toThrow(variable);
    expect((await post({ headers: headers(), body: body([key()]) }, broken)).status).toBe(500);
  });

  it('is refused without a deadline where it is deployed', async ({ expect }) => {
    const deployed = createApp({ clock: () => NOW, counts: createHourlyCounts(() => undefined) });
    const request = new Request(`http://u${UPLOAD_PATH}`, { method: 'POST', headers: headers(), body: body([key()]) });
    expect((await deployed.fetch(request, ENV, createExecutionContext())).status).toBe(500);
  });
});
