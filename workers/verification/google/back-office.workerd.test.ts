/** @module Codes as administrators issue them: many at once, an order once, quotas, collisions, what issuers may see; links and keys that are published. */
import { createExecutionContext, reset, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, it } from 'vitest';
import {
  apiKeyIssuer,
  type IssueCodeReply,
  type IssueCodeRequest,
  MAX_CODES_PER_CALL,
} from '../../../domain/rpc-codes.ts';
import type { CodeStore } from '../../../durable-objects/code-store/code-store.ts';
import type { CodeOrder } from '../../../durable-objects/code-store/contract.ts';
import { toBase64 } from '../../../protocol/primitives/bytes.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../../../protocol/signing.ts';
import { createApp } from '../app.ts';
import { parseVerificationConfig, type VerificationEnv } from '../bindings.ts';
import { BackOffice } from '../entrypoints.ts';
import { servicesOf } from '../services.ts';

const bindings = { ...(env as unknown as VerificationEnv), ANSWER_DEADLINE_MS: '0' };
const desk = (): BackOffice => new BackOffice(createExecutionContext(), bindings);
const store = () => bindings.CODE_STORE.getByName('store');
const today = (): string => new Date().toISOString().slice(0, 10);
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
  long: false,
  ...more,
});
const errorOf = (reply: IssueCodeReply | undefined): string | null =>
  reply !== undefined && 'error' in reply ? reply.error : null;

beforeEach(reset);

describe('issuing', () => {
  it('takes a thousand at once, answers in their order, and each is its own', async ({ expect }) => {
    const uuid = crypto.randomUUID();
    const requests = Array.from({ length: 1_000 }, (_, i) =>
      order(i === 7 ? { testType: 'cured' as 'likely' } : i === 999 ? { uuid } : { long: i % 2 === 0 }),
    );
    const replies = await desk().issueCodes(apiKeyIssuer('ab'), requests);
    expect(replies).toHaveLength(1_000);
    expect(replies.flatMap((reply, i) => (errorOf(reply) === null ? [] : [i]))).toEqual([7]);
    const issued = replies.flatMap((reply) => ('error' in reply ? [] : [reply]));
    expect(new Set(issued.map(({ code }) => code)).size).toBe(999);
    expect(issued.filter(({ longCode }) => longCode === null)).toHaveLength(499);
    expect(issued.at(-1)?.uuid).toBe(uuid);
    expect(await desk().codeBook(apiKeyIssuer('ab'))).toMatchObject({ used: 999, limit: 20_000 });
    await expect(desk().issueCodes('anna', [])).rejects.toThrow(RangeError);
    await expect(desk().issueCodes('anna', Array(MAX_CODES_PER_CALL + 1).fill(null))).rejects.toThrow(RangeError);
  });

  it('an order once: the same again gives the same code, another’s or another one nothing', async ({ expect }) => {
    const uuid = crypto.randomUUID();
    const [first] = await desk().issueCodes('anna', [order({ uuid })]);
    const again = await desk().issueCodes('anna', [order({ uuid }), order({ uuid, testType: 'likely' })]);
    expect(again).toEqual([first, { error: 'uuid_already_exists' }]);
    expect(await desk().issueCodes('ben', [order({ uuid })])).toEqual([{ error: 'uuid_already_exists' }]);
    expect((await desk().codeBook('anna')).used).toBe(1);
    expect((await desk().codeBook('ben')).used).toBe(0);
    await desk().expireCode('anna', uuid);
    expect(await desk().issueCodes('anna', [order({ uuid })])).toEqual([{ error: 'uuid_already_exists' }]);
  });

  it('has quotas for issuers and whom they issue for; what never left is given back', async ({ expect }) => {
    await desk().setCodeQuota('anna', 2);
    const uuid = crypto.randomUUID();
    const replies = await desk().issueCodes('anna', [order({ uuid }), order(), order()]);
    expect(replies.map(errorOf)).toEqual([null, null, 'quota_exceeded']);
    expect((await desk().issueCodes('ben', [order()])).map(errorOf)).toEqual([null]);
    await desk().cancelCode('ben', uuid);
    expect((await desk().issueCodes('anna', [order()])).map(errorOf)).toEqual(['quota_exceeded']);
    await desk().cancelCode('anna', uuid);
    expect((await desk().issueCodes('anna', [order()])).map(errorOf)).toEqual([null]);
    expect(await desk().codeStatus('anna', uuid)).toBeNull();
    expect(await desk().codeQuotas()).toEqual([{ issuer: 'anna', codesPerDay: 2 }]);
    await expect(desk().setCodeQuota('anna', -1)).rejects.toThrow(RangeError);
    const [key, external] = [apiKeyIssuer('cd'), 'laboratory 7'];
    await desk().issueCodes(key, [order({ externalIssuerId: external })]);
    await runInDurableObject(store(), (_object, { storage }) =>
      storage.sql.exec('UPDATE issued_count SET count = 2000 WHERE length(name) = 64'),
    );
    const more = await desk().issueCodes(key, [
      order({ externalIssuerId: external }),
      order({ externalIssuerId: '8' }),
      order(),
    ]);
    expect(more.map(errorOf)).toEqual(['quota_exceeded', null, null]);
  });

  it.for([
    ['missing_date', { symptomDate: null }],
    ['missing_date', { symptomDate: '', testDate: '' }],
    ['invalid_date', { symptomDate: '2026-02-30' }],
    ['invalid_date', { symptomDate: 'yesterday' }],
    ['invalid_date', { tzOffset: 1_441 }],
    ['phone_number_invalid', { phone: '112' }],
    ['phone_number_invalid', { testType: 'user-report' }],
    ['uuid_already_exists', { uuid: 'no uuid' }],
    ['invalid_external_issuer_id', { externalIssuerId: 'x'.repeat(256) }],
  ] as const)('refuses with %s', async ([error, more], { expect }) => {
    expect(await desk().issueCodes('anna', [order(more)])).toEqual([{ error }]);
  });

  it('draws another code for one that meets one that is live, also of yesterday', async ({ expect }) => {
    const hash = (byte: number): Uint8Array => new Uint8Array(32).fill(byte);
    const asked = (uuid: string, short: number, long: number): CodeOrder => ({
      uuid,
      testType: 'confirmed',
      symptomDay: 1,
      testDay: null,
      fields: hash(0),
      external: null,
      seed: hash(9).subarray(16),
      digits: 8,
      short: hash(short),
      long: hash(long),
      longSeconds: 86_400,
      nonce: null,
      phone: null,
    });
    await store().issue('anna', 'h1', [asked('a', 1, 2)]);
    await runInDurableObject(store(), (object) => {
      Object.assign(object, { clock: () => Math.floor(Date.now() / 1000) + 86_400 });
    });
    const replies = await store().issue('anna', 'h1', [asked('b', 1, 3), asked('c', 3, 2), asked('d', 4, 3)]);
    expect(replies.map(({ kind }) => kind)).toEqual(['collided', 'collided', 'issued']);
    // What collided is no code of anybody's.
    expect(await store().codeBook('anna')).toMatchObject({ used: 1 });
    // The first two of three draws meet one.
    let met = 0;
    const unlucky = {
      terms: () => store().terms(),
      issue: async (...[issuer, issueId, orders]: Parameters<CodeStore['issue']>) =>
        met++ < 2 ? orders.map(() => ({ kind: 'collided' })) : store().issue(issuer, issueId, orders),
    };
    const meeting = { ...bindings, CODE_STORE: { getByName: () => unlucky } } as unknown as VerificationEnv;
    expect((await servicesOf(meeting).codes.issue('ben', [order()])).map(errorOf)).toEqual([null]);
    met = -1;
    expect((await servicesOf(meeting).codes.issue('ben', [order()])).map(errorOf)).toEqual(['internal_server_error']);
  });
});

describe('API keys', () => {
  it('are told once, the same order gives the same, and a revoked one stays revoked', async ({ expect }) => {
    const request = 'ab'.repeat(32);
    const created = await desk().createApiKey('admin', 'laboratory', request);
    expect(created.text).toMatch(/^[\w-]{86}\.de\.[\w-]{86}$/);
    expect(await desk().createApiKey('admin', 'laboratory', request)).toEqual(created);
    const { id } = created.apiKey;
    expect(await desk().checkApiKey('admin', created.text)).toEqual({ id, name: 'laboratory' });
    expect([await desk().revokeApiKey(id), await desk().revokeApiKey('no key')]).toEqual([true, false]);
    expect((await desk().createApiKey('admin', 'laboratory', request)).apiKey.revokedAt).not.toBeNull();
    expect(await desk().checkApiKey('admin', created.text)).toBeNull();
    const kept = await runInDurableObject(store(), (_object, { storage }) =>
      JSON.stringify(storage.sql.exec('SELECT * FROM api_key').toArray()),
    );
    expect(kept).not.toContain(created.text.slice(0, 20));
    expect(await desk().apiKeys()).toMatchObject([{ id, kind: 'admin' }]);
    await expect(desk().createApiKey('root' as 'admin', 'x')).rejects.toThrow(RangeError);
  });
});

describe('links', () => {
  const FINGERPRINT = 'ab'.repeat(32);
  const linked = {
    ...bindings,
    LINK_DOMAIN: 'en.example',
    APPLE_APPS: 'ABCDE12345.org.example.en',
    ANDROID_APPS: `org.example.en=${FINGERPRINT}`,
  };
  const app = createApp({ clock: () => 0, mayAnswerAtOnce: true });
  const open = (path: string, userAgent = '', of: VerificationEnv = linked, host = 'de.en.example') =>
    app.request(`https://${host}${path}`, { headers: { 'user-agent': userAgent } }, of);

  it('open the app of an iPhone, of an Android phone, or say what to do', async ({ expect }) => {
    const iphone = await open('/v?c=abc123', 'Mozilla/5.0 (iPhone; CPU iPhone OS 15_0)');
    expect([iphone.status, iphone.headers.get('location')]).toEqual([303, 'ens://v?c=abc123&r=DE']);
    const android = await open('/v?c=abc123', 'Mozilla/5.0 (Linux; Android 12)');
    expect(android.headers.get('location')).toBe(
      'intent://v?c=abc123&r=DE#Intent;scheme=ens;package=org.example.en;action=android.intent.action.VIEW;category=android.intent.category.BROWSABLE;S.browser_fallback_url=https%3A%2F%2Fplay.google.com%2Fstore%2Fapps%2Fdetails%3Fid%3Dorg.example.en;end',
    );
    const desktop = await open('/v?c=abc123', 'Mozilla/5.0 (X11; Linux x86_64)');
    const page = await desktop.text();
    expect([desktop.status, page.includes('abc123'), page.includes('Open this link on your phone')]).toEqual([
      200,
      false,
      true,
    ]);
    for (const { headers } of [iphone, android, desktop]) {
      expect([headers.get('cache-control'), headers.get('referrer-policy')]).toEqual(['no-store', 'no-referrer']);
    }
    const play = await open('/v?c=a', 'Android', { ...linked, ANDROID_APPS: '' });
    expect(play.headers.get('location')).toContain('package=com.google.android.gms;');
  });

  it('are none of another host, without a code, or where there are none', async ({ expect }) => {
    const none = [
      await open('/v?c=abc123', 'iPhone', linked, 'nl.en.example'),
      await open('/v', 'iPhone'),
      await open('/v?c=a%26b', 'iPhone'),
      await open('/v?c=abc123', 'iPhone', bindings),
      await open('/.well-known/assetlinks.json', '', bindings),
      await open('/.well-known/apple-app-site-association', '', bindings),
    ];
    expect(none.map(({ status }) => status)).toEqual(none.map(() => 404));
  });

  it('name the apps that may open them', async ({ expect }) => {
    expect(await (await open('/.well-known/apple-app-site-association')).json()).toEqual({
      applinks: { apps: [], details: [{ appID: 'ABCDE12345.org.example.en', paths: ['/v', '/v/*'] }] },
    });
    expect(await (await open('/.well-known/assetlinks.json')).json()).toEqual([
      {
        relation: ['delegate_permission/common.handle_all_urls'],
        target: {
          namespace: 'android_app',
          package_name: 'org.example.en',
          sha256_cert_fingerprints: [Array(32).fill('AB').join(':')],
        },
      },
    ]);
  });
});

describe('settings', () => {
  const spki = toBase64(signerFromPkcs8Pem(pkcs8PemFromScalar(new Uint8Array(32).fill(3))).publicKeySpki);

  it('publish the next key beside the one that signs', async ({ expect }) => {
    const response = await createApp({ clock: () => 0, mayAnswerAtOnce: true }).request(
      '/jwks',
      {},
      { ...bindings, CERTIFICATE_OTHER_KEYS: `v2=${spki}` },
    );
    expect(response.headers.get('cache-control')).toBe('public, max-age=300');
    expect(await response.json()).toMatchObject([{ kid: 'v1', alg: 'ES256', kty: 'EC', crv: 'P-256' }, { kid: 'v2' }]);
  });

  it.for([
    ['CERTIFICATE_SIGNING_KEY', 'x'],
    ['CERTIFICATE_KEY_ID', 'v 1'],
    ['CERTIFICATE_ISSUER', 'x'.repeat(101)],
    ['CERTIFICATE_AUDIENCE', '"'],
    ['CERTIFICATE_OTHER_KEYS', `v1=${spki}`],
    ['CERTIFICATE_OTHER_KEYS', 'v2=AAAA'],
    ['LINK_DOMAIN', 'https://x'],
    ['APPLE_APPS', 'org.example'],
    ['ANDROID_APPS', 'org.example=AA'],
  ] as const)('%s makes no sense as %s', ([name, value], { expect }) => {
    const wrong = { ...bindings, [name]: value };
    expect(() => parseVerificationConfig(wrong)).toThrow(name);
    expect(() => servicesOf(wrong)).toThrow(name);
  });
});
