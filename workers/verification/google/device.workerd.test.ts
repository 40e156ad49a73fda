/** @module The device API over the real store: from a code to a token and certificates, each refusal of docs/spec/google.md §5.3, and what a lost answer or a thief can do. */
import { compactVerify, importJWK, type JWK } from 'jose';
import { beforeEach, describe, it } from 'vitest';
import type { IssuedCode } from '../../../domain/rpc-codes.ts';
import { REPEAT_SECONDS } from '../../../durable-objects/code-store/claim-ops.ts';
import { FAILED_CODE_BUDGET } from '../../../durable-objects/code-store/guess-count.ts';
import { certificateHash } from '../../../protocol/publish/issued-certificate.ts';
import type { VerificationEnv } from '../bindings.ts';
import { servicesOf } from '../services.ts';
import {
  app,
  atStore,
  begin,
  bindings,
  certify,
  claimsOf,
  codes,
  DAY,
  issue,
  macOf,
  moveTo,
  NOON,
  order,
  post,
  state,
  store,
  today,
  tokenOf,
} from './device-rig.ts';

beforeEach(begin);

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

describe('from a code to a certificate', () => {
  it('says what Google’s verification server says, and jwks verifies it', async ({ expect }) => {
    const { code, expiresAt, longExpiresAt } = await issue({ testDate: today() });
    expect(code).toMatch(/^\d{8}$/);
    expect([expiresAt - state.now, (longExpiresAt ?? 0) - state.now]).toEqual([900, DAY]);
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
      symptomOnsetInterval: ((state.now - (state.now % DAY)) / 600) | 0,
      tekmac: macOf(7),
      aud: 'exposure-edge',
      exp: state.now + 900,
      iat: state.now - 5,
      iss: 'exposure-edge',
      nbf: state.now - 5,
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
    const day = Math.floor(state.now / DAY);
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
    await moveTo(state.now + REPEAT_SECONDS - 1);
    expect(await tokenOf(code)).toBe(token);
    const first = (await certify(token, 1)).json['certificate'];
    expect((await post('verify', { code })).json['errorCode']).toBe('code_invalid');
    // The same keys again: the same certificate, to the byte; and anew when little of it is left.
    await moveTo(state.now + 500);
    expect((await certify(token, 1)).json['certificate']).toBe(first);
    await moveTo(state.now + 200);
    const again = (await certify(token, 1)).json['certificate'];
    expect(claimsOf(again)).toEqual({
      ...claimsOf(first),
      iat: state.now - 5,
      nbf: state.now - 5,
      exp: state.now + 900,
    });
  });

  it('is not given to whoever learns the code later', async ({ expect }) => {
    const { code } = await issue();
    await tokenOf(code);
    await moveTo(state.now + REPEAT_SECONDS);
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
      iat: state.now - 5,
      nbf: state.now - 5,
      exp: state.now + 900,
    });
    expect((await certify(token, 2)).json['certificate']).toBe(next.json['certificate']);
    expect((await certify(token, 3)).json['errorCode']).toBe('token_expired');
    expect(claimsOf((await certify(token, 1)).json['certificate'])['tekmac']).toBe(macOf(1));
    await moveTo(NOON + DAY / 2 + DAY - 1);
    expect((await certify(token, 2)).status).toBe(200);
    await moveTo(NOON + DAY / 2 + DAY);
    expect((await certify(token, 2)).json['errorCode']).toBe('token_expired');
  });

  it('gets none with a token that was given twice: a thief of the code would be certified beside the person', async ({
    expect,
  }) => {
    const { code } = await issue();
    const token = await tokenOf(code);
    expect(await tokenOf(code)).toBe(token);
    expect((await certify(token, 1)).status).toBe(200);
    await moveTo(NOON + DAY / 2);
    expect((await certify(token, 2)).json['errorCode']).toBe('token_expired');
    expect((await certify(token, 1)).status).toBe(200);
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
    expect(await store().expireCode('anna', ended.uuid)).toMatchObject({ expiresAt: state.now, claimed: false });
    expect(await post('verify', { code: ended.longCode })).toMatchObject(code('code_expired'));
    const late = await issue();
    await moveTo(state.now + 900);
    expect(await post('verify', { code: late.code })).toMatchObject(code('code_expired'));
    expect((await post('verify', { code: late.longCode })).status).toBe(200);
  });

  it('a key that is forged, of another kind or revoked', async ({ expect }) => {
    const admin = await codes().createApiKey('admin', 'laboratory');
    const forged = `${state.apiKey.slice(0, -1)}${state.apiKey.endsWith('A') ? 'B' : 'A'}`;
    for (const key of [null, '', forged, admin.text]) {
      expect(await post('verify', { code: '1' }, { key })).toMatchObject({
        status: 401,
        json: { error: 'unauthorized' },
      });
    }
    const issued = await issue();
    const id = (await codes().checkApiKey('device', state.apiKey))?.id ?? '';
    expect(await store().revokeApiKey(id)).toBe(true);
    for (const [path, body] of [
      ['verify', { code: issued.code }],
      ['certificate', { token: 'x', ekeyhmac: macOf(1) }],
    ] as const) {
      expect((await post(path, body)).status, path).toBe(path === 'verify' ? 401 : 400);
    }
    expect(await codes().checkApiKey('device', state.apiKey)).toBeNull();
    expect(await codes().checkApiKey('stats', admin.text)).toBeNull();
    expect(await codes().checkApiKey('admin', admin.text)).toEqual({ id: admin.apiKey.id, name: 'laboratory' });
  });

  it('never a valid code, however many guesses failed; new codes are longer then', async ({ expect }) => {
    const { code: before } = await issue();
    await atStore((sql) =>
      sql.exec('INSERT INTO failed_code VALUES (?, ?)', Math.floor(state.now / 3600) - 1, FAILED_CODE_BUDGET + 1),
    );
    const { code: guarded } = await issue();
    expect(guarded).toMatch(/^\d{12}$/);
    expect((await post('verify', { code: before })).status).toBe(200);
    expect((await post('verify', { code: guarded })).status).toBe(200);
    await post('verify', { code: '00000000' });
    expect(await store().failedGuesses()).toEqual({ thisHour: 1, lastHour: FAILED_CODE_BUDGET + 1 });
  });
});
