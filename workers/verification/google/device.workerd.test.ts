/** @module The device API over the real store: from a code to a token and certificates, each refusal of docs/spec/google.md §5.3, and what a lost answer or a thief can do. */
import {
  createExecutionContext,
  reset,
  runDurableObjectAlarm,
  runInDurableObject,
  waitOnExecutionContext,
} from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { compactVerify, importJWK, type JWK } from 'jose';
import { beforeEach, describe, it } from 'vitest';
import type { IssueCodeRequest, IssuedCode, SmsMessage, SmsOutcome } from '../../../domain/rpc-codes.ts';
import { REPEAT_SECONDS } from '../../../durable-objects/code-store/claim-ops.ts';
import type { CodeStore } from '../../../durable-objects/code-store/code-store.ts';
import { FAILED_CODE_BUDGET } from '../../../durable-objects/code-store/guess-count.ts';
import { certificateHash } from '../../../protocol/publish/issued-certificate.ts';
import { toBase64 } from '../../../protocol/primitives/bytes.ts';
import { ANSWER_BODY_BYTES } from '../answers.ts';
import { createApp } from '../app.ts';
import type { VerificationEnv } from '../bindings.ts';
import { servicesOf } from '../services.ts';

const bindings = { ...(env as unknown as VerificationEnv), ANSWER_DEADLINE_MS: '0' };
const DAY = 86_400;
/** Noon of a UTC day. */
const NOON = Math.floor(Date.now() / 1000 / DAY) * DAY + DAY / 2;
let now = NOON;
let sent: SmsMessage[] = [];
let outcome: SmsOutcome = 'sent';
const sms = {
  send: async (message: SmsMessage) => {
    sent.push(message);
    return outcome;
  },
};
const app = createApp({ clock: () => now, mayAnswerAtOnce: true, sms: () => sms });
const store = () => bindings.CODE_STORE.getByName('store');
const codes = () => servicesOf(bindings).codes;
const atStore = <R>(work: (sql: SqlStorage) => R): Promise<R> =>
  runInDurableObject(store(), (_object, state) => work(state.storage.sql));

/** Moves the clocks of Worker and store; the second source says the same. */
async function moveTo(at: number): Promise<void> {
  now = at;
  for (const object of [store(), bindings.CODE_DESK.getByName('desk')]) {
    await runInDurableObject(object as DurableObjectStub<CodeStore>, (instance) => {
      Object.assign(instance, { clock: () => now, secondClock: async () => now });
    });
  }
}

let apiKey = '';
beforeEach(async () => {
  await reset();
  await moveTo(NOON);
  [sent, outcome] = [[], 'sent'];
  apiKey = (await codes().createApiKey('device', 'app')).text;
});

interface Sending {
  readonly key?: string | null;
  readonly headers?: Record<string, string>;
  readonly app?: typeof app;
  readonly of?: VerificationEnv;
}

async function post(
  path: string,
  body: unknown,
  { key = apiKey, headers = {}, app: to = app, of = bindings }: Sending = {},
) {
  const context = createExecutionContext();
  const request = new Request(`https://verification.example/api/${path}`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...(key !== null && { 'x-api-key': key }), ...headers },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
  const response = await to.fetch(request, of, context);
  const text = await response.text();
  await waitOnExecutionContext(context);
  return {
    status: response.status,
    headers: response.headers,
    text,
    json: JSON.parse(text) as Record<string, unknown>,
  };
}

const today = (): string => new Date(now * 1000).toISOString().slice(0, 10);
const order = (more: Partial<IssueCodeRequest> = {}): IssueCodeRequest => ({
  testType: 'confirmed',
  symptomDate: today(),
  testDate: null,
  tzOffset: 0,
  phone: null,
  uuid: null,
  externalIssuerId: null,
  smsTemplateLabel: null,
  onlyGenerateSms: false,
  long: true,
  ...more,
});

async function issue(more: Partial<IssueCodeRequest> = {}, issuer = 'anna'): Promise<IssuedCode> {
  const [reply] = await codes().issue(issuer, [order(more)]);
  if (reply === undefined || 'error' in reply) throw new Error(reply?.error);
  return reply;
}

const tokenOf = async (code: string): Promise<string> => (await post('verify', { code })).json['token'] as string;
const macOf = (byte: number): string => toBase64(new Uint8Array(32).fill(byte));
const certify = (token: string, byte: number) => post('certificate', { token, ekeyhmac: macOf(byte), padding: 'AAAA' });
const claimsOf = (jwt: unknown): Record<string, unknown> =>
  JSON.parse(atob((jwt as string).split('.')[1]?.replaceAll('-', '+').replaceAll('_', '/') ?? '')) as Record<
    string,
    unknown
  >;

describe('from a code to a certificate', () => {
  it('says what Google’s verification server says, and jwks verifies it', async ({ expect }) => {
    const { code, expiresAt, longExpiresAt } = await issue({ testDate: today() });
    expect(code).toMatch(/^\d{8}$/);
    expect([expiresAt - now, (longExpiresAt ?? 0) - now]).toEqual([900, DAY]);
    const verified = await post('verify', { code, accept: ['confirmed'], padding: 'AAAA' });
    expect(verified.status).toBe(200);
    const { token, padding, ...said } = verified.json;
    expect(padding).toBeTypeOf('string');
    expect(said).toEqual({ testtype: 'confirmed', symptomDate: today(), testDate: today() });
    const { certificate } = (await certify(token as string, 7)).json;
    const keys = await (await app.request('/jwks', {}, bindings)).json<JWK[]>();
    expect(keys).toHaveLength(1);
    const { payload, protectedHeader } = await compactVerify(
      certificate as string,
      await importJWK(keys[0] as JWK, 'ES256'),
    );
    expect(protectedHeader).toEqual({ alg: 'ES256', kid: 'v1', typ: 'JWT' });
    expect(JSON.parse(new TextDecoder().decode(payload))).toEqual({
      reportType: 'confirmed',
      symptomOnsetInterval: ((now - (now % DAY)) / 600) | 0,
      tekmac: macOf(7),
      aud: 'exposure-edge',
      exp: now + 900,
      iat: now - 5,
      iss: 'exposure-edge',
      nbf: now - 5,
    });
  });

  it('takes a long code, in any case, with what people write between', async ({ expect }) => {
    const { longCode } = await issue({ testType: 'likely' });
    expect(longCode).toMatch(/^[a-z0-9]{16}$/);
    await moveTo(NOON + DAY - 1);
    const typed = ` ${longCode?.slice(0, 8).toUpperCase()}-${longCode?.slice(8)} `;
    expect((await post('verify', { CODE: typed, Accept: ['likely'] })).json['testtype']).toBe('likely');
  });

  it('a test’s date is never said as the onset of symptoms', async ({ expect }) => {
    const { code } = await issue({ symptomDate: null, testDate: today() });
    const verified = await post('verify', { code });
    expect(verified.json).not.toHaveProperty('symptomDate');
    const { certificate } = (await certify(verified.json['token'] as string, 1)).json;
    expect(claimsOf(certificate)).not.toHaveProperty('symptomOnsetInterval');
  });

  it('says which certificate goes back to whom, and that it is over after a rollback', async ({ expect }) => {
    const { code, uuid } = await issue();
    const other = await issue();
    const late = await tokenOf((await issue()).code);
    const { certificate } = (await certify(await tokenOf(code), 1)).json;
    const hash = certificateHash((certificate as string).split('.').slice(0, 2).join('.'));
    const source = await codes().certificateSource(hash);
    expect(source).toEqual({ issueId: expect.stringMatching(/^h/), isOver: false });
    const day = Math.floor(now / DAY);
    await servicesOf(bindings).rollback.end({ kind: 'hotline', name: 'anna', fromDay: day, toDay: day }, day);
    expect(await codes().certificateSource(hash)).toEqual({ ...source, isOver: true });
    expect((await post('verify', { code: other.code })).json['errorCode']).toBe('code_expired');
    expect((await certify(late, 2)).json['errorCode']).toBe('token_expired');
    expect(await codes().issue('anna', [order()])).toEqual([{ error: 'issuer_ended' }]);
    expect(await store().codeStatus('anna', uuid)).toMatchObject({ claimed: true });
    expect(await codes().certificateSource('00'.repeat(32))).toBeNull();
  });
});

describe('a lost answer', () => {
  it('is given again: the same token, until a certificate shows that it came', async ({ expect }) => {
    const { code } = await issue();
    const token = await tokenOf(code);
    await moveTo(now + REPEAT_SECONDS - 1);
    expect(await tokenOf(code)).toBe(token);
    const first = (await certify(token, 1)).json['certificate'];
    expect((await post('verify', { code })).json['errorCode']).toBe('code_invalid');
    // The same keys again: the same certificate, to the byte; and anew when little of it is left.
    await moveTo(now + 500);
    expect((await certify(token, 1)).json['certificate']).toBe(first);
    await moveTo(now + 200);
    const again = (await certify(token, 1)).json['certificate'];
    expect(claimsOf(again)).toEqual({ ...claimsOf(first), iat: now - 5, nbf: now - 5, exp: now + 900 });
  });

  it('is not given to whoever learns the code later', async ({ expect }) => {
    const { code } = await issue();
    await tokenOf(code);
    await moveTo(now + REPEAT_SECONDS);
    expect((await post('verify', { code })).json['errorCode']).toBe('code_invalid');
  });

  it('of two who claim at once both hold one token, and one set of keys gets a certificate', async ({ expect }) => {
    const { code } = await issue();
    const tokens = await Promise.all([tokenOf(code), tokenOf(code)]);
    expect(new Set(tokens).size).toBe(1);
    const [token] = tokens;
    const answers = await Promise.all([certify(token, 1), certify(token, 2)]);
    expect(new Set(answers.map(({ status }) => status))).toEqual(new Set([200, 400]));
    expect(answers.find(({ status }) => status === 400)?.json['errorCode']).toBe('token_expired');
    expect(await atStore((sql) => sql.exec('SELECT count(*) AS n FROM code_token').one()['n'])).toBe(1);
  });

  it.for(['before', 'after'] as const)(
    'a crash %s any call of an object leaves what the same question gets',
    async (when, { expect }) => {
      for (let at = 0; at < 6; at++) {
        const uuid = crypto.randomUUID();
        const crashing = crashingAt(at, when);
        const tried = async <T>(
          work: (of: VerificationEnv) => Promise<T>,
          crashed: (reply: T) => boolean,
        ): Promise<T> => {
          const reply = await work(crashing).catch(() => null);
          return reply === null || crashed(reply) ? work(bindings) : reply;
        };
        const isOurs = ({ status }: { status: number }): boolean => status === 500;
        const [issued] = await tried(
          (of) => servicesOf(of).codes.issue('anna', [order({ uuid })]),
          () => false,
        );
        const verified = await tried((of) => post('verify', { code: (issued as IssuedCode).code }, { of }), isOurs);
        const body = { token: verified.json['token'], ekeyhmac: macOf(at) };
        const certified = await tried((of) => post('certificate', body, { of }), isOurs);
        expect([verified.status, certified.status], `call ${at}`).toEqual([200, 200]);
        expect((await post('certificate', body)).json['certificate']).toBe(certified.json['certificate']);
      }
      const counts = await atStore((sql) =>
        ['code', 'code_token', 'given_certificate'].map(
          (table) => sql.exec(`SELECT count(*) AS n FROM ${table}`).one()['n'],
        ),
      );
      expect(counts).toEqual([6, 6, 6]);
    },
  );
});

/** The same bindings, whose n-th call of an object is lost: it, or its answer. */
function crashingAt(n: number, when: 'before' | 'after'): VerificationEnv {
  let calls = 0;
  const crash = (): never => {
    throw new Error('crashed');
  };
  const crashing = (object: object): object =>
    new Proxy(object, {
      get:
        (target, name) =>
        async (...given: unknown[]) => {
          const crashes = calls++ === n;
          if (crashes && when === 'before') crash();
          const reply = await (Reflect.get(target, name) as (...given: unknown[]) => unknown)(...given);
          return crashes ? crash() : reply;
        },
    });
  const [CODE_STORE, CODE_DESK] = [bindings.CODE_STORE, bindings.CODE_DESK].map((namespace) => ({
    getByName: (name: string) => crashing(namespace.getByName(name)),
  }));
  return { ...bindings, CODE_STORE, CODE_DESK } as unknown as VerificationEnv;
}

describe('the next day’s key', () => {
  it('gets one certificate more on the following UTC day, bound to its keys', async ({ expect }) => {
    const token = await tokenOf((await issue()).code);
    const first = claimsOf((await certify(token, 1)).json['certificate']);
    await moveTo(NOON + DAY / 2 - 1);
    expect((await certify(token, 2)).json['errorCode']).toBe('token_expired');
    await moveTo(NOON + DAY / 2);
    const next = await certify(token, 2);
    expect(claimsOf(next.json['certificate'])).toEqual({
      ...first,
      tekmac: macOf(2),
      iat: now - 5,
      nbf: now - 5,
      exp: now + 900,
    });
    expect((await certify(token, 2)).json['certificate']).toBe(next.json['certificate']);
    expect((await certify(token, 3)).json['errorCode']).toBe('token_expired');
    expect(claimsOf((await certify(token, 1)).json['certificate'])['tekmac']).toBe(macOf(1));
    await moveTo(NOON + DAY / 2 + DAY - 1);
    expect((await certify(token, 2)).status).toBe(200);
    await moveTo(NOON + DAY / 2 + DAY);
    expect((await certify(token, 2)).json['errorCode']).toBe('token_expired');
  });

  it('is bound to the day after the first certificate, not after the code', async ({ expect }) => {
    const token = await tokenOf((await issue()).code);
    await moveTo(NOON + DAY - 1);
    expect((await certify(token, 1)).status).toBe(200);
    expect((await certify(token, 2)).json['errorCode']).toBe('token_expired');
    await moveTo(NOON + DAY + DAY / 2);
    expect((await certify(token, 2)).status).toBe(200);
  });

  it('a token without a certificate is over after 24 hours', async ({ expect }) => {
    const token = await tokenOf((await issue()).code);
    await moveTo(NOON + DAY);
    expect((await certify(token, 1)).json['errorCode']).toBe('token_expired');
  });
});

describe('what is refused', () => {
  const code = (wanted: string, status = 400) => ({ status, json: { errorCode: wanted, error_code: wanted } });

  it.for([
    ['unknown fields', 'verify', { code: '1', more: 1 }, code('unparsable_request')],
    ['no JSON', 'verify', '{', code('unparsable_request')],
    ['a name twice', 'verify', '{"code":"1","Code":"2"}', code('unparsable_request')],
    ['a nonce that is no base64', 'verify', { code: '12345678', nonce: '!' }, code('unparsable_request')],
    ['an unknown type', 'verify', { code: '12345678', accept: ['cured'] }, code('invalid_test_type')],
    ['a code nobody issued', 'verify', { code: '12345678' }, code('code_invalid')],
    ['no code', 'verify', {}, code('code_invalid')],
    ['no JSON', 'certificate', '[]', code('token_invalid')],
    ['a short MAC', 'certificate', { token: 'x', ekeyhmac: 'AAAA' }, code('hmac_invalid')],
    ['a MAC with much padding', 'certificate', { ekeyhmac: `${macOf(1)}====` }, code('hmac_invalid')],
    ['a forged token', 'certificate', { token: 'A'.repeat(43), ekeyhmac: macOf(1) }, code('token_expired')],
    ['no nonce', 'user-report', { phone: '+4915112345678' }, code('missing_nonce')],
    ['no phone', 'user-report', { nonce: macOf(1) }, code('missing_phone')],
    ['no phone number', 'user-report', { nonce: macOf(1), phone: '0151 12345' }, code('phone_number_invalid')],
    ['no date', 'user-report', { nonce: macOf(1), phone: '+4915112345678' }, code('missing_date')],
    [
      'an old date',
      'user-report',
      { nonce: macOf(1), phone: '+4915112345678', symptomDate: '2020-02-30' },
      code('invalid_date'),
    ],
  ] as const)('%s at %s', async ([, path, body, wanted], { expect }) => {
    expect(await post(path, body)).toMatchObject(wanted);
  });

  it('a code that was used, is over, is of another type, or ended by its issuer', async ({ expect }) => {
    const { code: likely, uuid } = await issue({ testType: 'likely' });
    expect(await post('verify', { code: likely, accept: ['confirmed'] })).toMatchObject(
      code('unsupported_test_type', 412),
    );
    // It isn't used up by that.
    expect((await post('verify', { code: likely, accept: ['negative'] })).status).toBe(200);
    expect(await store().expireCode('anna', uuid)).toBe('claimed');
    const report = await issue({ testType: 'user-report', phone: '+4915112345678' });
    expect(await post('verify', { code: report.code, accept: ['negative'] })).toMatchObject(
      code('unsupported_test_type', 412),
    );
    const ended = await issue();
    expect(await store().expireCode('ben', ended.uuid)).toBeNull();
    expect(await store().expireCode('anna', ended.uuid)).toMatchObject({ expiresAt: now, claimed: false });
    expect(await post('verify', { code: ended.longCode })).toMatchObject(code('code_expired'));
    const late = await issue();
    await moveTo(now + 900);
    expect(await post('verify', { code: late.code })).toMatchObject(code('code_expired'));
    expect((await post('verify', { code: late.longCode })).status).toBe(200);
  });

  it('a key that is forged, of another kind or revoked', async ({ expect }) => {
    const admin = await codes().createApiKey('admin', 'laboratory');
    const forged = `${apiKey.slice(0, -1)}${apiKey.endsWith('A') ? 'B' : 'A'}`;
    for (const key of [null, '', forged, admin.text]) {
      expect(await post('verify', { code: '1' }, { key })).toMatchObject({
        status: 401,
        json: { error: 'unauthorized' },
      });
    }
    const issued = await issue();
    const id = (await codes().checkApiKey('device', apiKey))?.id ?? '';
    expect(await store().revokeApiKey(id)).toBe(true);
    for (const [path, body] of [
      ['verify', { code: issued.code }],
      ['certificate', { token: 'x', ekeyhmac: macOf(1) }],
    ] as const) {
      expect((await post(path, body)).status, path).toBe(path === 'verify' ? 401 : 400);
    }
    expect(await codes().checkApiKey('device', apiKey)).toBeNull();
    expect(await codes().checkApiKey('stats', admin.text)).toBeNull();
    expect(await codes().checkApiKey('admin', admin.text)).toEqual({ id: admin.apiKey.id, name: 'laboratory' });
  });

  it('never a valid code, however many guesses failed; new codes are longer then', async ({ expect }) => {
    const { code: before } = await issue();
    await atStore((sql) =>
      sql.exec('INSERT INTO failed_code VALUES (?, ?)', Math.floor(now / 3600) - 1, FAILED_CODE_BUDGET + 1),
    );
    const { code: guarded } = await issue();
    expect(guarded).toMatch(/^\d{12}$/);
    expect((await post('verify', { code: before })).status).toBe(200);
    expect((await post('verify', { code: guarded })).status).toBe(200);
    await post('verify', { code: '00000000' });
    expect(await store().failedGuesses()).toEqual({ thisHour: 1, lastHour: FAILED_CODE_BUDGET + 1 });
  });
});

describe('user reports', () => {
  const PHONE = '+4915112345678';
  const nonceOf = (byte: number): string => toBase64(new Uint8Array(256).fill(byte));
  const report = (more: object = {}) =>
    post('user-report', { symptomDate: today(), tzOffset: 60, phone: PHONE, nonce: nonceOf(1), ...more });

  it('send a code that opens with the nonce of the device alone', async ({ expect }) => {
    const asked = await report();
    expect(asked).toMatchObject({ status: 200, json: { expiresAtTimestamp: now + 900 } });
    expect(asked.json['expiresAt']).toMatch(/^\w{3}, \d\d \w{3} \d{4} [\d:]{8} UTC$/);
    const { code, purpose, phone } = sent[0] as SmsMessage;
    expect([purpose, phone, code.longExpiresAt]).toEqual(['User Report', PHONE, now + 900]);
    for (const nonce of [undefined, nonceOf(2)]) {
      expect((await post('verify', { code: code.code, nonce })).json['errorCode']).toBe('code_invalid');
    }
    const verified = await post('verify', { code: code.code, nonce: nonceOf(1), accept: ['user-report'] });
    expect(verified.json['testtype']).toBe('user-report');
  });

  it('answer the same for a number that is known, and send nothing; a device that lost the answer is not lost', async ({
    expect,
  }) => {
    const first = await report();
    const again = await report({ nonce: nonceOf(2) });
    const plain = ({ json: { padding: _padding, ...said }, status }: typeof first) => ({ status, said });
    expect(plain(again)).toEqual(plain(first));
    expect(sent).toHaveLength(1);
    const { code } = sent[0] as SmsMessage;
    expect((await post('verify', { code: code.code, nonce: nonceOf(2) })).status).toBe(200);
    // A number whose code was used is remembered for 30 days, one whose code wasn't for an hour.
    for (const [at, messages] of [
      [30 * DAY - 1, 1],
      [30 * DAY, 2],
      [30 * DAY + 3_599, 2],
      [30 * DAY + 3_600, 3],
    ] as const) {
      await moveTo(NOON + at);
      await report();
      expect(sent).toHaveLength(messages);
    }
  });

  it('whose message doesn’t leave can be asked for again', async ({ expect }) => {
    outcome = 'failed';
    expect((await report()).status).toBe(200);
    outcome = 'sent';
    await report();
    expect(sent).toHaveLength(2);
    expect(await atStore((sql) => sql.exec('SELECT count(*) AS n FROM code').one()['n'])).toBe(1);
  });

  it('have a quota, known numbers included, and none without a gateway', async ({ expect }) => {
    await store().setQuota('user-report', 2);
    await report();
    await report();
    expect(await report({ phone: '+4915100000000' })).toMatchObject({
      status: 429,
      json: { errorCode: 'quota_exceeded' },
    });
    const without = createApp({ clock: () => now, mayAnswerAtOnce: true });
    const body = { symptomDate: today(), phone: PHONE, nonce: nonceOf(1) };
    expect(await post('user-report', body, { app: without })).toMatchObject({
      status: 400,
      json: { errorCode: 'unsupported_test_type' },
    });
  });
});

it('answers of all routes, real, refused and dummy, have one size and one set of headers', async ({ expect }) => {
  const token = await tokenOf((await issue({ testType: 'user-report', phone: '+4915112345678' })).code);
  const answers = [
    await post('verify', { code: (await issue({ testDate: today() })).code }),
    await post('verify', { code: '1' }),
    await post('verify', {}, { key: 'x' }),
    await certify(token, 1),
    await post('certificate', 'x'),
    await post('user-report', {}),
    ...(await Promise.all(
      ['verify', 'certificate', 'user-report'].map((path) => post(path, 'x', { headers: { 'x-chaff': '1' } })),
    )),
  ];
  for (const { headers, text } of answers) {
    expect(text).toHaveLength(ANSWER_BODY_BYTES);
    expect([...headers.keys()]).toEqual([...(answers[0]?.headers.keys() ?? [])]);
    expect(headers.get('x-ratelimit-reset')).toHaveLength(29);
  }
  // The pad makes up for the phrase of the status line, which is all that may differ.
  const lengths = answers.map(
    ({ headers }) =>
      [...headers].reduce((sum, [, value]) => sum + value.length, 0) - (headers.get('x-padding')?.length ?? 0),
  );
  expect(new Set(lengths).size).toBe(1);
  expect(answers.slice(-3).map(({ status, json }) => [status, Object.keys(json)])).toEqual(
    Array.from({ length: 3 }, () => [200, ['padding']]),
  );
});

it('forgets each thing at its time, and keeps nothing that could be read', async ({ expect }) => {
  const { code } = await issue();
  await certify(await tokenOf(code), 1);
  await post('user-report', { symptomDate: today(), phone: '+4915112345678', nonce: macOf(1) });
  const left = async (at: number) => {
    await moveTo(at);
    await runDurableObjectAlarm(store());
    const counted = await atStore((sql) => {
      const tables = ['code', 'code_hash', 'code_token', 'given_certificate', 'code_phone', 'hash_key'];
      const counts = tables.map((table) => [
        table,
        sql.exec<{ n: number }>(`SELECT count(*) AS n FROM ${table}`).one().n,
      ]);
      const open = sql.exec('SELECT 1 FROM code WHERE coalesce(seed, nonce, phone, handle, symptom_day) IS NOT NULL');
      return { ...Object.fromEntries(counts), open: open.toArray().length };
    });
    return counted;
  };
  expect(await left(NOON + 299)).toMatchObject({
    code: 2,
    code_hash: 4,
    code_token: 1,
    given_certificate: 1,
    code_phone: 1,
    open: 2,
  });
  expect(await left(NOON + 900)).toMatchObject({ code: 2, code_hash: 2, open: 0 });
  expect(await left(NOON + 3_600)).toMatchObject({ given_certificate: 0, code_phone: 0, code_token: 1 });
  expect(await left(NOON + DAY + 900)).toMatchObject({ code_hash: 0, code_token: 1 });
  expect(await left(NOON + DAY + DAY / 2)).toMatchObject({ code_token: 0, code: 2 });
  expect(await left(NOON + 3 * DAY)).toMatchObject({ hash_key: 1 });
  expect(await left(NOON + 14 * DAY)).toMatchObject({ code: 0 });
  expect(await left(NOON + 62 * DAY)).toMatchObject({ hash_key: 0 });
});
