/** @module What people report by themselves, answers of one size, and what is forgotten when, over the real store. */
import { runDurableObjectAlarm } from 'cloudflare:test';
import { beforeEach, describe, it } from 'vitest';
import type { SmsMessage } from '../../../domain/rpc-codes.ts';
import { toBase64, toHex, utf8 } from '../../../protocol/primitives/bytes.ts';
import { ANSWER_BODY_BYTES } from '../answers.ts';
import { createApp } from '../app.ts';
import {
  atStore,
  begin,
  certify,
  DAY,
  issue,
  macOf,
  moveTo,
  NOON,
  post,
  state,
  store,
  today,
  tokenOf,
} from './device-rig.ts';

beforeEach(begin);

describe('user reports', () => {
  const PHONE = '+4915112345678';
  const nonceOf = (byte: number): string => toBase64(new Uint8Array(256).fill(byte));
  const report = (more: object = {}) =>
    post('user-report', { symptomDate: today(), tzOffset: 60, phone: PHONE, nonce: nonceOf(1), ...more });

  it('send a code that opens with the nonce of the device alone', async ({ expect }) => {
    const asked = await report();
    expect(asked).toMatchObject({ status: 200, json: { expiresAtTimestamp: state.now + 900 } });
    expect(asked.json['expiresAt']).toMatch(/^\w{3}, \d\d \w{3} \d{4} [\d:]{8} UTC$/);
    const { code, purpose, phone } = state.sent[0] as SmsMessage;
    expect([purpose, phone, code.longExpiresAt]).toEqual(['User Report', PHONE, state.now + 900]);
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
    expect(state.sent).toHaveLength(1);
    const { code } = state.sent[0] as SmsMessage;
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
      expect(state.sent).toHaveLength(messages);
    }
  });

  it('whose message doesn’t leave can be asked for again', async ({ expect }) => {
    state.outcome = 'failed';
    expect((await report()).status).toBe(200);
    state.outcome = 'sent';
    await report();
    expect(state.sent).toHaveLength(2);
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
    const without = createApp({ clock: () => state.now, mayAnswerAtOnce: true });
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
  const stored = await atStore((sql) => {
    const tables = sql.exec<{ name: string }>(
      "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE '\\_%' ESCAPE '\\'",
    );
    const asText = (_name: string, value: unknown): unknown =>
      value instanceof ArrayBuffer ? toHex(new Uint8Array(value)) : value;
    return tables
      .toArray()
      .map(({ name }) => JSON.stringify(sql.exec(`SELECT * FROM "${name}"`).toArray(), asText))
      .join('\n');
  });
  expect(stored).toContain('anna');
  const { code: told, longCode } = (state.sent[0] as SmsMessage).code;
  for (const secret of [code, told, longCode ?? '', '4915112345678', macOf(1), state.apiKey.slice(0, 80)]) {
    expect(stored).not.toContain(secret);
    expect(stored).not.toContain(toHex(utf8(secret)));
  }
  expect(stored).not.toContain('01'.repeat(32));
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
