import { env, exports } from 'cloudflare:workers';
import { createExecutionContext, reset, runInDurableObject } from 'cloudflare:test';
import { beforeEach, describe, it } from 'vitest';
import { tokenHash } from '../../domain/derived-codes.ts';
import { issuedSession } from '../../domain/session.ts';
import { UNPOSTED_ROWS_PER_HOUR } from '../../durable-objects/test-session/registration-pace.ts';
import { generateTeleTan } from '../../domain/teletan.ts';
import { reserveRequest } from '../../test/support/reserve-request.ts';
import { ANSWER_BODY_BYTES } from './answers.ts';
import { createApp } from './app.ts';
import { parseVerificationConfig, type VerificationEnv } from './bindings.ts';
import { Issues } from './issues.ts';
import { Ledger } from './ledger.ts';
import { Sessions } from './sessions.ts';

const bindings = env as unknown as VerificationEnv;
/** What an answer says is tested here, at once; when it leaves, in test/integration. */
const app = createApp({ clock: () => Date.now() / 1000, mayAnswerAtOnce: true });
const worker = {
  fetch: async (request: Request): Promise<Response> => app.fetch(request, bindings, createExecutionContext()),
};
const deployed = (exports as unknown as { default: { fetch(request: Request): Promise<Response> } }).default;
const random = (n: number) => crypto.getRandomValues(new Uint8Array(n));

/** RFC 9110 §15 */
const PHRASES = new Map([
  [200, 'OK'],
  [201, 'Created'],
  [400, 'Bad Request'],
  [403, 'Forbidden'],
  [404, 'Not Found'],
  [500, 'Internal Server Error'],
]);

interface Said {
  readonly status: number;
  readonly body: Record<string, unknown>;
  readonly bytes: number;
  readonly headers: string;
}

/** Posts like a phone, and measures the answer with its header names and lengths. */
async function post(
  route: string,
  body: unknown,
  headers: Record<string, string> = { 'cwa-fake': '0' },
): Promise<Said> {
  const response = await worker.fetch(
    new Request(`http://v/version/v1/${route}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    }),
  );
  const text = await response.text();
  const phrase = PHRASES.get(response.status) ?? '';
  const lines = [...response.headers].map(([name, value]) => `${name}: ${name === 'x-padding' ? '' : value}`);
  return {
    status: response.status,
    body: JSON.parse(text) as Record<string, unknown>,
    bytes: text.length + phrase.length + (response.headers.get('x-padding') ?? '').length,
    headers: lines.toSorted().join('\n'),
  };
}

/** The stub laboratory answers with the second digit of the id. */
const guidWithResult = (result: number, tail = '0'): string => `a${result}${tail.repeat(62)}`;
const register = async (key: string, keyType = 'GUID'): Promise<string> =>
  String((await post('registrationToken', { key, keyType })).body['registrationToken']);

/** A session's first TAN, as if it had been given yesterday. */
async function aDayLater(token: string): Promise<void> {
  const hash = tokenHash(token, parseVerificationConfig(bindings).tanHashKeys.current);
  const shard = bindings.TEST_SESSION.getByName(`s${hash.charAt(0)}`);
  await runInDurableObject(shard, (_object, { storage: { sql } }) => {
    sql.exec('UPDATE test_session SET first_tan_at = first_tan_at - 86400');
  });
}

beforeEach(() => reset());

describe('registration', () => {
  it('one token a GUID: repeated until the first poll, then refused', async ({ expect }) => {
    const key = guidWithResult(2);
    const token = await register(key);
    expect(token).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-4/);
    expect(await register(key)).toBe(token);
    expect((await post('testresult', { registrationToken: token })).status).toBe(200);
    expect((await post('registrationToken', { key, keyType: 'GUID' })).status).toBe(400);
  });

  it('two devices with one QR code at the same instant get the same token, and only until one polls', async ({
    expect,
  }) => {
    const key = guidWithResult(1);
    const tokens = await Promise.all(Array.from({ length: 5 }, () => register(key)));
    expect(new Set(tokens).size).toBe(1);
  });

  it('a teleTAN opens once it is issued, however it is typed; a guess opens nothing', async ({ expect }) => {
    const config = parseVerificationConfig(bindings);
    const sessions = new Sessions(bindings, config, new Ledger(bindings, config), new Issues(bindings));
    const key = generateTeleTan(random);
    expect((await post('registrationToken', { key, keyType: 'TELETAN' })).status).toBe(400);
    const session = issuedSession('teletan', null, Date.now() / 1000 + 3600);
    await sessions.issue([{ keyType: 'TELETAN', key, session }]);
    const token = await register(key.toLowerCase(), 'TELETAN');
    expect((await post('testresult', { registrationToken: token })).body['testResult']).toBe(2);
    expect((await post('tan', { registrationToken: token })).status).toBe(201);
  });
});

describe('TANs', () => {
  for (const { result, given } of [
    { result: 0, given: 400 },
    { result: 1, given: 400 },
    { result: 2, given: 201 },
    { result: 3, given: 400 },
    { result: 4, given: 400 },
    { result: 7, given: 201 },
  ]) {
    it(`result ${result}: ${given}`, async ({ expect }) => {
      const token = await register(guidWithResult(result));
      expect((await post('tan', { registrationToken: token })).status).toBe(given);
    });
  }

  it('the same one until it is committed, then a second from the next day on, then none', async ({ expect }) => {
    const config = parseVerificationConfig(bindings);
    const ledger = new Ledger(bindings, config);
    const token = await register(guidWithResult(2, '7'));
    const ask = async () => (await post('tan', { registrationToken: token })).body['tan'];
    const use = async (tan: unknown) => {
      const reply = await ledger.reserve(String(tan), reserveRequest());
      if (reply.kind !== 'reserved') throw new Error(`reserve: ${reply.kind}`);
      await ledger.commit(String(tan), reply.reservationId);
    };
    const first = await ask();
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
    expect(await ask()).toBe(first);
    await use(first);
    expect(await ask()).toBeUndefined();
    await aDayLater(token);
    const second = await ask();
    expect(second).not.toBe(first);
    expect(await ask()).toBe(second);
    await use(second);
    expect(await ask()).toBeUndefined();
  });

  it('twenty at once, from one phone or several, are one', async ({ expect }) => {
    const token = await register(guidWithResult(2, '6'));
    const said = await Promise.all(Array.from({ length: 20 }, () => post('tan', { registrationToken: token })));
    expect(new Set(said.map(({ status }) => status))).toEqual(new Set([201]));
    expect(new Set(said.map(({ body }) => body['tan'])).size).toBe(1);
  });

  it('a person who deletes their test has neither result nor TAN, and the QR code opens nothing again', async ({
    expect,
  }) => {
    const key = guidWithResult(2, '5');
    const token = await register(key);
    expect((await post('forget', { registrationToken: token })).status).toBe(200);
    expect((await post('testresult', { registrationToken: token })).status).toBe(400);
    expect((await post('tan', { registrationToken: token })).status).toBe(400);
    expect((await post('registrationToken', { key, keyType: 'GUID' })).status).toBe(400);
    expect((await post('forget', { registrationToken: token })).status).toBe(200);
  });
});

describe('a question without cwa-fake', () => {
  it('is what its body says: a dummy asks nobody, a real one is answered, and without a word it is refused', async ({
    expect,
  }) => {
    const key = guidWithResult(1, '7');
    const token = await register(key);
    const ask = async (question: object, headers: Record<string, string> = {}) => {
      const { status, body } = await post('testresult', { registrationToken: token, ...question }, headers);
      return [status, body['testResult']];
    };
    expect(await ask({ cover: true })).toEqual([200, 2]);
    expect(await register(key), 'the dummy polled nothing').toBe(token);
    for (const cover of [undefined, null, 'true', 1]) expect(await ask({ cover })).toEqual([400, undefined]);
    expect(await register(key)).toBe(token);
    expect(await ask({ cover: false })).toEqual([200, 1]);
    expect((await post('registrationToken', { key, keyType: 'GUID' })).status).toBe(400);
  });

  it('has a header that says it: the body is not asked', async ({ expect }) => {
    const token = await register(guidWithResult(1, '6'));
    const ask = async (fake: string, cover: boolean) =>
      (await post('testresult', { registrationToken: token, cover }, { 'cwa-fake': fake })).body['testResult'];
    expect([await ask('1', false), await ask('0', true)]).toEqual([2, 1]);
  });
});

it('real, dummy, refused and malformed are of one size with one set of headers, on every route', async ({ expect }) => {
  const token = await register(guidWithResult(2, '9'));
  const unknown = '11111111-2222-4444-8888-161616161616';
  const answers: Said[] = [];
  const ask = async (...args: Parameters<typeof post>) => answers.push(await post(...args));
  await ask('registrationToken', { key: guidWithResult(1, '1'), keyType: 'GUID' });
  await ask('registrationToken', { key: 'x', keyType: 'GUID' });
  await ask('registrationToken', { key: guidWithResult(0), keyType: 'GUID' }, { 'cwa-fake': '1' });
  for (const route of ['testresult', 'tan', 'forget']) {
    await ask(route, { registrationToken: unknown });
    await ask(route, { registrationToken: unknown }, { 'cwa-fake': '1' });
    await ask(route, { registrationToken: token, requestPadding: 'x'.repeat(100) });
    await ask(route, { registrationToken: token }, {});
    await ask(route, { registrationToken: unknown, cover: true }, {});
    await ask(route, { registrationToken: token, cover: false }, {});
    await ask(route, '{"registrationToken":1');
    await ask(route, '['.repeat(5_000));
    await ask(route, `{"registrationToken":"${token}","registrationToken":"${unknown}"}`);
    await ask(route, 'x'.repeat(10_001));
  }
  await ask('unknown', {});
  expect(new Set(answers.map((a) => a.headers)).size).toBe(1);
  expect(new Set(answers.map((a) => a.bytes)).size).toBe(1);
  for (const a of answers) expect(JSON.stringify(a.body).length).toBe(ANSWER_BODY_BYTES);
  expect(new Set(answers.map((a) => a.status))).toEqual(new Set([200, 201, 400, 404]));
});

it('over the pace, a test without a result is to try later, of the same size; a posted one and a code open', async ({
  expect,
}) => {
  const hour = Math.floor(Date.now() / 3_600_000);
  for (const digit of '0123456789abcdef') {
    await runInDurableObject(bindings.TEST_SESSION.getByName(`s${digit}`), (_object, { storage: { sql } }) => {
      // The next hour's too: it may begin meanwhile.
      for (const at of [hour, hour + 1]) {
        sql.exec('INSERT INTO registration_pace VALUES (?, ?, 1)', at, UNPOSTED_ROWS_PER_HOUR);
      }
    });
  }
  const config = parseVerificationConfig(bindings);
  const key = generateTeleTan(random);
  const session = issuedSession('teletan', null, (hour + 2) * 3600);
  await new Sessions(bindings, config, new Ledger(bindings, config), new Issues(bindings)).issue([
    { keyType: 'TELETAN', key, session },
  ]);
  const later = await post('registrationToken', { key: guidWithResult(0, '3'), keyType: 'GUID' });
  const posted = await post('registrationToken', { key: guidWithResult(2, '3'), keyType: 'GUID' });
  const code = await post('registrationToken', { key, keyType: 'TELETAN' });
  expect([later, posted, code].map(({ status }) => status)).toEqual([500, 201, 201]);
  expect(new Set([later, posted].map(({ bytes }) => bytes)).size).toBe(1);
  const dated = { key: guidWithResult(0, '4'), keyType: 'GUID', keyDob: `x${'1'.repeat(63)}` };
  expect((await post('registrationToken', dated)).status).toBe(500);
});

it('is refused without a deadline where it is deployed, whatever is asked', async ({ expect }) => {
  expect(bindings.ANSWER_DEADLINE_MS).toBe('0');
  const request = new Request('http://v/version/v1/testresult', { method: 'POST', headers: { 'cwa-fake': '1' } });
  expect((await deployed.fetch(request)).status).toBe(500);
});
