/**
 * @module The administrators' API, in workerd: its host and no other, its keys, each field and error of docs/spec/google.md §5.2 and §5.4.
 */
import { createExecutionContext, waitOnExecutionContext } from 'cloudflare:test';
import { beforeAll, describe, it } from 'vitest';
import { ENDED_MESSAGE } from '../../../domain/sunset.ts';
import { createApp } from '../app.ts';
import { ENV, identityOf, NOW } from '../test-rig.ts';

const HOST = ENV.ADMIN_API_HOST;
const app = createApp({ identify: identityOf({ roles: ['operator'] }), clock: () => NOW });

/** What an answer says; padding, whose size alone is of interest, is counted in base64's characters. */
interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly body: Record<string, unknown>;
  readonly padding: number;
}

async function send(path: string, init: RequestInit, host = HOST): Promise<Response> {
  const context = createExecutionContext();
  const response = await app.fetch(new Request(`https://${host}${path}`, init), ENV, context);
  await waitOnExecutionContext(context);
  return response;
}

let key = '';
const keyNamed = async (name: string, kind: 'admin' | 'device' = 'admin'): Promise<string> =>
  (await ENV.VERIFICATION.createApiKey(kind, name)).text;

async function ask(path: string, body: unknown, headers: Record<string, string> = {}): Promise<Answer> {
  const response = await send(path, {
    method: 'POST',
    body: typeof body === 'string' ? body : JSON.stringify(body),
    headers: { 'content-type': 'application/json', 'x-api-key': key, ...headers },
  });
  const { padding = '', ...rest } = await response.json<Record<string, unknown>>();
  return { status: response.status, headers: response.headers, body: rest, padding: String(padding).length };
}

const saidOf = ({ status, body }: Answer) => [status, body['errorCode']];
const CONFIRMED = { testType: 'confirmed', testDate: '2026-09-20' } as const;

beforeAll(async () => {
  key = await keyNamed('laboratory system');
  await ENV.VERIFICATION.setCodeQuota(`key:${(await ENV.VERIFICATION.checkApiKey('admin', key))?.id}`, 10_000);
});

describe('the host', () => {
  it('answers these methods alone, and nothing of the portal', async ({ expect }) => {
    const others = [
      '/',
      '/staff',
      '/operator/status',
      '/operator/tans',
      '/api/verify',
      '/api/issue/',
      '/staff/assets/x',
    ];
    for (const path of others) {
      const answer = await ask(path, {});
      expect([path, ...saidOf(answer)]).toEqual([path, 404, 'not_found']);
    }
    const get = await send('/api/issue', { headers: { 'x-api-key': key } });
    expect([get.status, get.headers.get('allow')]).toEqual([405, 'POST']);
  });

  it('is the only one: on the portal’s own there is no API', async ({ expect }) => {
    const init = { method: 'POST', body: '{}', headers: { 'content-type': 'application/json', 'x-api-key': key } };
    expect((await send('/api/issue', init, 'portal.example')).status).toBe(404);
    expect((await send('/operator/status', {}, 'portal.example')).status).toBe(200);
  });
});

describe('a key', () => {
  it('is wanted before anything is said, of kind admin, and not revoked', async ({ expect }) => {
    const device = await keyNamed('an app', 'device');
    const revoked = await keyNamed('former system');
    const found = (await ENV.VERIFICATION.apiKeys()).find(({ name }) => name === 'former system');
    await ENV.VERIFICATION.revokeApiKey(found?.id ?? '');
    for (const other of ['', 'admin.nobody', device, revoked]) {
      const answer = await ask('/api/issue', '{', { 'x-api-key': other });
      expect([other, ...saidOf(answer)]).toEqual([other, 401, 'unauthorized']);
    }
    expect((await send('/staff', {})).status).toBe(401);
  });
});

describe('POST /api/issue', () => {
  it('answers a code with its ends, padded, and kept nowhere on the way', async ({ expect }) => {
    const uuid = crypto.randomUUID();
    const answer = await ask('/api/issue', {
      ...CONFIRMED,
      uuid,
      tzOffset: -300,
      externalIssuerID: 'ward 7',
      padding: 'QUI=',
    });
    expect(answer.status).toBe(200);
    expect(answer.body).toEqual({
      uuid,
      code: expect.stringMatching(/^\d{8}$/),
      expiresAt: 'Mon, 21 Sep 2026 14:28:20 UTC',
      expiresAtTimestamp: NOW + 900,
    });
    expect(answer.padding).toBeGreaterThanOrEqual((1_024 / 3) * 4);
    expect(answer.padding).toBeLessThanOrEqual((2_048 / 3) * 4 + 3);
    expect(answer.headers.get('cache-control')).toBe('no-store');
    expect(answer.headers.get('access-control-allow-origin')).toBeNull();
  });

  it('takes names in any case, and null or nothing for what is left out, as Go’s reader does', async ({ expect }) => {
    const answer = await ask('/api/issue', {
      TESTTYPE: 'Confirmed',
      testdate: '2026-09-20',
      uuid: '',
      phone: null,
      tzOffset: null,
      onlyGenerateSMS: null,
    });
    expect(answer.status).toBe(200);
  });

  it('sends to a number however it is grouped, and says the text where only that is wanted', async ({ expect }) => {
    const sent = await ask('/api/issue', { ...CONFIRMED, phone: '+49 (170) 123-4567' });
    expect(sent.body).toMatchObject({
      longExpiresAtTimestamp: 1790086400,
      longExpiresAt: expect.stringMatching(/UTC$/),
    });
    expect(sent.body).not.toHaveProperty('generatedSMS');
    const text = await ask('/api/issue', { ...CONFIRMED, phone: '+491701234567', onlyGenerateSMS: true });
    expect(text.body).toMatchObject({ generatedSMS: expect.stringContaining('Your code'), phone: '+491701234567' });
  });

  it('gives a uuid’s code again, and a conflict for another request', async ({ expect }) => {
    const uuid = crypto.randomUUID();
    const [first, again] = [
      await ask('/api/issue', { ...CONFIRMED, uuid }),
      await ask('/api/issue', { ...CONFIRMED, uuid }),
    ];
    expect(again.body).toEqual(first.body);
    expect(saidOf(await ask('/api/issue', { ...CONFIRMED, testType: 'likely', uuid }))).toEqual([
      409,
      'uuid_already_exists',
    ]);
  });

  it.for<[name: string, body: unknown, status: number, errorCode: string]>([
    ['no JSON', '{', 400, 'unparsable_request'],
    ['a list', '[]', 400, 'unparsable_request'],
    ['a name twice', '{"testType":"confirmed","testType":"likely"}', 400, 'unparsable_request'],
    ['a name twice in two cases', '{"testType":"confirmed","TestType":"likely"}', 400, 'unparsable_request'],
    ['an unknown field', { ...CONFIRMED, sms: true }, 400, 'unparsable_request'],
    ['a date that is a number', { ...CONFIRMED, testDate: 20260920 }, 400, 'unparsable_request'],
    ['an offset that is a text', { ...CONFIRMED, tzOffset: '60' }, 400, 'unparsable_request'],
    ['an offset of two days', { ...CONFIRMED, tzOffset: 2_880 }, 400, 'unparsable_request'],
    ['a uuid that is none', { ...CONFIRMED, uuid: 'patient 7' }, 400, 'unparsable_request'],
    ['64,001 bytes', `{"padding":"${'A'.repeat(64_001 - 14)}"}`, 400, 'unparsable_request'],
    ['no type', { testDate: '2026-09-20' }, 400, 'invalid_test_type'],
    ['another type', { ...CONFIRMED, testType: 'maybe' }, 400, 'invalid_test_type'],
    ['no date', { testType: 'confirmed' }, 400, 'missing_date'],
    ['a date of the future', { ...CONFIRMED, testDate: '2026-10-20' }, 400, 'invalid_date'],
    ['a number without its country', { ...CONFIRMED, phone: '0170 1234567' }, 400, 'phone_number_invalid'],
    ['a message that does not leave', { ...CONFIRMED, phone: '+491701234560' }, 400, 'sms_failure'],
  ])('refuses %s', async ([, body, status, errorCode], { expect }) => {
    const answer = await ask('/api/issue', body);
    expect(saidOf(answer)).toEqual([status, errorCode]);
    expect(answer.body).toEqual({ error: expect.stringMatching(/./), errorCode, error_code: errorCode });
  });

  it('takes a body of 64,000 bytes', async ({ expect }) => {
    const bare = JSON.stringify({ ...CONFIRMED, padding: '' });
    const body = JSON.stringify({ ...CONFIRMED, padding: 'A'.repeat(64_000 - bare.length) });
    expect((await ask('/api/issue', body)).status).toBe(200);
  });

  it('refuses another content type, which a form of a foreign page could send', async ({ expect }) => {
    const answer = await ask('/api/issue', CONFIRMED, { 'content-type': 'text/plain' });
    expect(saidOf(answer)).toEqual([400, 'unparsable_request']);
  });

  it('says when to come back once a key’s codes of the day are used up', async ({ expect }) => {
    const small = await keyNamed('small system');
    const answers = [];
    for (let i = 0; i < 4; i += 1) answers.push(await ask('/api/issue', CONFIRMED, { 'x-api-key': small }));
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 200, 429]);
    expect(answers[3]?.body['errorCode']).toBe('quota_exceeded');
    expect(answers[3]?.headers.get('retry-after')).toBe('Tue, 22 Sep 2026 00:00:00 GMT');
  });
});

describe('POST /api/batch-issue', () => {
  it('issues 1,000 at once, index by index, and says the first failure’s status', async ({ expect }) => {
    const faults = new Map<number, [fault: object, errorCode: string]>([
      [3, [{ testType: 'maybe' }, 'invalid_test_type']],
      [4, [{ phone: '1' }, 'phone_number_invalid']],
      [500, [{ unknown: 1 }, 'unparsable_request']],
      [999, [{ testDate: '2026-12-24' }, 'invalid_date']],
    ]);
    const codes = Array.from({ length: 1_000 }, (_, i) => ({
      ...CONFIRMED,
      uuid: crypto.randomUUID(),
      ...faults.get(i)?.[0],
    }));
    const answer = await ask('/api/batch-issue', { codes });
    expect(saidOf(answer)).toEqual([400, 'invalid_test_type']);
    expect(answer.body['error']).toMatch(/^4 of 1000 /);
    const replies = answer.body['codes'] as Record<string, unknown>[];
    expect(replies.map((reply) => reply['errorCode'] ?? reply['uuid'])).toEqual(
      codes.map(({ uuid }, i) => faults.get(i)?.[1] ?? uuid),
    );
  });

  it('is 200 when all are issued, and each again by its uuid', async ({ expect }) => {
    const codes = Array.from({ length: 3 }, () => ({ ...CONFIRMED, uuid: crypto.randomUUID() }));
    const [first, again] = [
      await ask('/api/batch-issue', { codes }),
      await ask('/api/batch-issue', { codes, padding: 'QQ==' }),
    ];
    expect(first.status).toBe(200);
    expect(again.body).toEqual(first.body);
    expect(first.body).not.toHaveProperty('error');
  });

  it.for<[name: string, body: unknown]>([
    ['no codes', {}],
    ['none', { codes: [] }],
    ['2,001', { codes: Array.from({ length: 2_001 }, () => CONFIRMED) }],
    ['an unknown field', { codes: [CONFIRMED], sms: true }],
    ['2,000,001 bytes', `{"padding":"${'A'.repeat(2_000_001 - 14)}"}`],
  ])('refuses %s', async ([, body], { expect }) => {
    expect(saidOf(await ask('/api/batch-issue', body))).toEqual([400, 'unparsable_request']);
  });
});

describe('POST /api/checkcodestatus and /api/expirecode', () => {
  it('tell and end a code of the same key, in any spelling of its uuid', async ({ expect }) => {
    const { body } = await ask('/api/issue', { ...CONFIRMED, phone: '+491701234567' });
    const uuid = String(body['uuid']).toUpperCase();
    const status = await ask('/api/checkcodestatus', { uuid, padding: 'QQ==' });
    expect(status.body).toEqual({ claimed: false, expiresAtTimestamp: NOW + 900, longExpiresAtTimestamp: 1790086400 });
    const ended = await ask('/api/expirecode', { uuid });
    expect(ended.body).toMatchObject({ expiresAtTimestamp: 1790000060 });
    expect((await ask('/api/expirecode', { uuid })).body).toEqual(ended.body);
    const claimed = `ffff${uuid.slice(4)}`.toLowerCase();
    await ask('/api/issue', { ...CONFIRMED, uuid: claimed });
    expect((await ask('/api/checkcodestatus', { uuid: claimed })).body).toMatchObject({ claimed: true });
    expect(saidOf(await ask('/api/expirecode', { uuid: claimed }))).toEqual([400, 'code_invalid']);
    const other = { 'x-api-key': await keyNamed('another system') };
    for (const path of ['/api/checkcodestatus', '/api/expirecode']) {
      expect(saidOf(await ask(path, { uuid }, other))).toEqual([404, 'code_not_found']);
      expect(saidOf(await ask(path, { uuid: 'x' }))).toEqual([400, 'unparsable_request']);
      expect(saidOf(await ask(path, { uuid, code: '1' }))).toEqual([400, 'unparsable_request']);
    }
  });
});

describe('when verification is away', () => {
  it.for([
    ['not reached', 'connection lost', 500, 'internal_server_error'],
    ['ended', `stopped: ${ENDED_MESSAGE}`, 410, 'maintenance_mode'],
  ] as const)('%s: its message is not passed on', async ([, message, status, errorCode], { expect }) => {
    const VERIFICATION = {
      checkApiKey: async () => ({ id: 'ab'.repeat(16), name: 'a system' }),
      deliverCodes: async () => Promise.reject(new Error(message)),
    };
    const headers = { 'content-type': 'application/json', 'x-api-key': key };
    const request = new Request(`https://${HOST}/api/issue`, {
      method: 'POST',
      headers,
      body: JSON.stringify(CONFIRMED),
    });
    const response = await app.fetch(request, { ...ENV, VERIFICATION }, createExecutionContext());
    const { padding: _, error, ...body } = await response.json<Record<string, string>>();
    expect([response.status, body]).toEqual([status, { errorCode, error_code: errorCode }]);
    expect(error).not.toContain(message);
  });
});
