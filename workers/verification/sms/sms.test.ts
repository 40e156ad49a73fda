/**
 * @module Codes that leave by SMS: what the gateway is posted, what becomes of a code whose message doesn't leave, and that nothing of it is logged.
 */
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { beforeEach, describe, it, vi } from 'vitest';
import type { IssueCodeReply, IssueCodeRequest, SmsMessage } from '../../../domain/rpc-codes.ts';
import { readAuthenticatedSms } from '../../../protocol/sms/authenticated.ts';
import { signerFromPkcs8Pem, verifyDer } from '../../../protocol/signing.ts';
import { parseSmsConfig, type SmsEnv } from './config.ts';
import { deliverCodes } from './deliver.ts';
import { type SendPost, SmsGateway } from './gateway.ts';

const PEM = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  .privateKey.export({ type: 'pkcs8', format: 'pem' })
  .toString();
const ENV: SmsEnv = {
  HOME_COUNTRY: 'DE',
  SMS_WEBHOOK_URL: 'https://sms.example/send',
  SMS_WEBHOOK_SECRET: 'twelve characters',
  SMS_TEMPLATES: JSON.stringify({
    Default: 'Code [code], [expires] min: [enslink]',
    Later: '[longcode]: [longexpires] h',
  }),
  SMS_KEY_ID: '',
  SMS_SIGNING_KEY: PEM,
  LINK_DOMAIN: 'en.example',
};
const NOW = 1_790_000_000;
const PHONE = '+491701234567';

const request = (more: Partial<IssueCodeRequest> = {}): IssueCodeRequest => ({
  testType: 'confirmed',
  symptomDate: null,
  testDate: '2026-09-20',
  tzOffset: 0,
  phone: PHONE,
  uuid: null,
  externalIssuerId: null,
  smsTemplateLabel: null,
  onlyGenerateSms: false,
  long: true,
  ...more,
});

interface Posted {
  readonly url: string;
  readonly init: RequestInit;
  readonly body: Record<string, unknown>;
}

/** Issues codes that count up, and remembers which were cancelled. */
class Books {
  readonly cancelled: string[] = [];
  readonly sent: string[] = [];
  #next = 0;

  async issueCodes(_issuer: string, requests: readonly IssueCodeRequest[]): Promise<IssueCodeReply[]> {
    return requests.map(({ testDate, long, uuid }) => {
      if (testDate === null) return { error: 'missing_date' };
      const n = `${(this.#next += 1)}`;
      return {
        uuid: uuid?.toLowerCase() ?? `uuid-${n}`,
        code: n.padStart(8, '0'),
        expiresAt: NOW + 900,
        longCode: long ? n.padStart(16, 'a') : null,
        longExpiresAt: long ? NOW + 86_400 : null,
      };
    });
  }

  async sentBefore(uuids: readonly string[]): Promise<string[]> {
    return uuids.filter((uuid) => this.sent.includes(uuid));
  }

  async beginSending(): Promise<'go'> {
    return 'go';
  }

  async markSent(uuid: string): Promise<void> {
    this.sent.push(uuid);
  }

  async cancelCode(_issuer: string, uuid: string): Promise<void> {
    this.cancelled.push(uuid);
  }
}

let posted: Posted[];
let books: Books;
const logged = vi.spyOn(console, 'warn');
beforeEach(() => {
  posted = [];
  books = new Books();
  logged.mockReset().mockImplementation(() => undefined);
});

/** @param answer of the gateway to each post */
function gateway(answer: (body: Posted['body']) => number | Promise<never>, env: Partial<SmsEnv> = {}): SmsGateway {
  const post: SendPost = async (url, init) => {
    const body = JSON.parse(init.body as string) as Posted['body'];
    posted.push({ url, init, body });
    return new Response('so we said', { status: await answer(body) });
  };
  return new SmsGateway(parseSmsConfig({ ...ENV, ...env }), post);
}

const deliver = (to: SmsGateway, ...requests: IssueCodeRequest[]) =>
  deliverCodes({ codes: books, gateway: to }, 'anna@example.org', requests);

describe('a message', () => {
  it('is posted with its code, signed by the secret, and not led elsewhere', async ({ expect }) => {
    const replies = await deliver(
      gateway(() => 200),
      request(),
    );
    expect(replies).toEqual([
      expect.objectContaining({ uuid: 'uuid-1', code: '00000001', sent: true, generatedSms: null }),
    ]);
    const [{ url, init, body } = {}] = posted;
    expect(url).toBe('https://sms.example/send');
    expect(body).toEqual({
      uuid: 'uuid-1',
      code: '00000001',
      expiresAt: 'Mon, 21 Sep 2026 14:28:20 GMT',
      expiresAtTimestamp: NOW + 900,
      longExpiresAt: 'Tue, 22 Sep 2026 14:13:20 GMT',
      longExpiresAtTimestamp: NOW + 86_400,
      generatedSMS: 'Code 00000001, 15 min: https://de.en.example/v?c=aaaaaaaaaaaaaaa1',
      phone: PHONE,
    });
    const signature = createHmac('sha512', 'twelve characters')
      .update(init?.body as string)
      .digest('hex');
    expect(init).toMatchObject({ method: 'POST', redirect: 'manual', headers: { 'x-signature': signature } });
  });

  it('takes the template that is named, and a report of one’s own the one for it', async ({ expect }) => {
    const both = JSON.stringify({ ...JSON.parse(ENV.SMS_TEMPLATES), 'User Report': 'You asked: [code]' });
    const to = gateway(() => 200, { SMS_TEMPLATES: both });
    await deliver(to, request({ smsTemplateLabel: 'Later' }), request({ testType: 'user-report' }));
    expect(posted.map(({ body }) => body['generatedSMS'])).toEqual(['aaaaaaaaaaaaaaa1: 24 h', 'You asked: 00000002']);
  });

  it('is authenticated where there is a key: for its number, purpose and day', async ({ expect }) => {
    const to = gateway(() => 200, { SMS_KEY_ID: 'sms-1' });
    await deliver(to, request());
    const text = String(posted[0]?.body['generatedSMS']);
    const read = readAuthenticatedSms(text, { purpose: 'EN Report', phone: PHONE, now: NOW });
    expect([read?.keyId, read?.day]).toEqual(['sms-1', '0921']);
    const { publicKeySpki } = signerFromPkcs8Pem(PEM);
    expect(verifyDer(publicKeySpki, read?.signed ?? new Uint8Array(), read?.signature ?? new Uint8Array())).toBe(true);
  });

  it('is sent once, whoever asks for its uuid again; one that did not leave is sent then', async ({ expect }) => {
    let status = 500;
    const to = gateway(() => status);
    const [uuid] = ['0B5E3C2A-0000-4000-8000-000000000001'];
    expect(await deliver(to, request({ uuid }))).toEqual([{ error: 'sms_failure' }]);
    status = 200;
    for (let times = 0; times < 2; times += 1) {
      expect(await deliver(to, request({ uuid }))).toEqual([
        expect.objectContaining({ sent: true, uuid: uuid?.toLowerCase() }),
      ]);
    }
    expect(posted).toHaveLength(2);
  });

  it('is signed by the first secret of a ring, by another where the gateway refuses that one, and sent once', async ({
    expect,
  }) => {
    const known = new Set(['former secret']);
    const to = new SmsGateway(
      parseSmsConfig({ ...ENV, SMS_WEBHOOK_SECRET: 'the next secret,former secret' }),
      async (_url, init) => {
        const { 'x-signature': given } = init.headers as Record<string, string>;
        const by = (secret: string) =>
          createHmac('sha512', secret)
            .update(init.body as string)
            .digest('hex');
        const isKnown = [...known].some((secret) => by(secret) === given);
        if (isKnown) posted.push({ url: _url, init, body: {} });
        return new Response(null, { status: isKnown ? 200 : 401 });
      },
    );
    for (const secrets of [['former secret'], ['former secret', 'the next secret'], ['the next secret'], []]) {
      known.clear();
      for (const secret of secrets) known.add(secret);
      posted.length = 0;
      const [reply] = await deliver(to, request());
      expect([posted.length, 'error' in reply! ? reply.error : reply?.sent]).toEqual(
        secrets.length > 0 ? [1, true] : [0, 'sms_failure'],
      );
    }
  });

  it('is only composed where that is asked for', async ({ expect }) => {
    const [reply] = await deliver(
      gateway(() => 500),
      request({ onlyGenerateSms: true }),
    );
    expect(reply).toMatchObject({ sent: false, generatedSms: expect.stringContaining('Code 00000001') });
    expect([posted, books.cancelled]).toEqual([[], []]);
  });
});

describe('a code', () => {
  it.for<[name: string, answer: () => number | Promise<never>, error: string]>([
    ['refused', () => 400, 'sms_failure'],
    ['busy', () => 429, 'sms_queue_full'],
    ['overloaded', () => 503, 'sms_queue_full'],
    ['leading elsewhere', () => 302, 'sms_failure'],
    ['out of reach', () => Promise.reject(new Error(`connect ${PHONE}`)), 'sms_failure'],
  ])(
    'is cancelled when the gateway is %s, and the log says neither number nor code',
    async ([, answer, error], { expect }) => {
      expect(await deliver(gateway(answer), request())).toEqual([{ error }]);
      expect(books.cancelled).toEqual(['uuid-1']);
      const lines = logged.mock.calls.flat().join('\n');
      expect(lines).toMatch(/^sms-gateway /);
      for (const secret of [PHONE.slice(1), '00000001', 'aaaa', 'de.en.example', 'so we said'])
        expect(lines).not.toContain(secret);
    },
  );

  it('isn’t made for a template that isn’t there, nor without a gateway', async ({ expect }) => {
    const replies = await deliver(
      gateway(() => 200),
      request({ smsTemplateLabel: 'None' }),
      request({ phone: null }),
    );
    expect(replies).toEqual([{ error: 'template_unknown' }, expect.objectContaining({ uuid: 'uuid-1', sent: false })]);
    const without = gateway(() => 200, { SMS_WEBHOOK_URL: '' });
    expect(await deliver(without, request(), request({ onlyGenerateSms: true }))).toEqual([
      { error: 'sms_failure' },
      expect.objectContaining({ generatedSms: expect.stringMatching(/^Code/) }),
    ]);
    expect(posted).toEqual([]);
  });

  it('is cancelled when the text would be too long for six SMS', async ({ expect }) => {
    const long = gateway(() => 200, { SMS_TEMPLATES: JSON.stringify({ Long: '[enslink]'.repeat(30) }) });
    expect(await deliver(long, request({ onlyGenerateSms: true }), request())).toEqual([
      { error: 'template_unknown' },
      { error: 'sms_failure' },
    ]);
    expect([books.cancelled, posted]).toEqual([['uuid-1', 'uuid-2'], []]);
  });

  it('of a batch waits for no other: each has its own answer, in order', async ({ expect }) => {
    const to = gateway(({ code }) => (code === '00000002' ? 500 : 200));
    const replies = await deliver(
      to,
      request(),
      request(),
      request({ testDate: null }),
      request(),
      request({ phone: null }),
    );
    expect(replies.map((reply) => ('error' in reply ? reply.error : reply.code))).toEqual([
      '00000001',
      'sms_failure',
      'missing_date',
      '00000003',
      '00000004',
    ]);
    expect(books.cancelled).toEqual(['uuid-2']);
  });

  it('of a large batch isn’t sent to a gateway that is away', async ({ expect }) => {
    const replies = await deliver(
      gateway(() => 500),
      ...Array.from({ length: 100 }, () => request()),
    );
    expect(replies.every((reply) => 'error' in reply && reply.error === 'sms_failure')).toBe(true);
    expect(books.cancelled.length).toBe(100);
    expect(posted.length).toBeLessThan(13);
  });
});

describe('verification refuses to start, and names', () => {
  it.for<[variable: keyof SmsEnv, value: string, also?: Partial<SmsEnv>]>([
    ['SMS_WEBHOOK_URL', 'http://sms.example/send'],
    ['SMS_WEBHOOK_URL', 'https://user@sms.example/send'],
    ['SMS_WEBHOOK_SECRET', 'eleven char'],
    ['SMS_WEBHOOK_SECRET', ''],
    ['SMS_WEBHOOK_SECRET', 'twelve characters,eleven char'],
    ['SMS_WEBHOOK_SECRET', 'twelve characters,twelve characters'],
    ['SMS_TEMPLATES', ''],
    ['SMS_TEMPLATES', '{}'],
    ['SMS_TEMPLATES', '["[code]"]'],
    ['SMS_TEMPLATES', '{"Default":"no code"}'],
    ['SMS_TEMPLATES', '{"Default":"[code] [secret]"}'],
    ['SMS_KEY_ID', 'a:b'],
    ['SMS_SIGNING_KEY', 'no key', { SMS_KEY_ID: 'sms-1' }],
    ['LINK_DOMAIN', 'https://en.example'],
  ])('%s when it is %j', ([variable, value, also], { expect }) => {
    expect(() => parseSmsConfig({ ...ENV, ...also, [variable]: value })).toThrow(
      expect.objectContaining({ name: 'ConfigError', message: expect.stringContaining(`${variable}: `) as unknown }),
    );
  });

  it('nothing of a gateway that there is none of', ({ expect }) => {
    expect(parseSmsConfig({ ...ENV, SMS_WEBHOOK_URL: '', SMS_WEBHOOK_SECRET: '' }).gateway).toBeNull();
  });
});

describe('a user report', () => {
  it('is sent by the same gateway, for its purpose', async ({ expect }) => {
    const code = { uuid: 'u', code: '1'.repeat(8), expiresAt: NOW + 900, longCode: null, longExpiresAt: null };
    const message: SmsMessage = { phone: PHONE, purpose: 'User Report', templateLabel: null, code };
    expect(await gateway(() => 200, { SMS_KEY_ID: 'k' }).send(message)).toBe('sent');
    const text = String(posted[0]?.body['generatedSMS']);
    expect(readAuthenticatedSms(text, { purpose: 'User Report', phone: PHONE, now: NOW })?.text).toContain(
      'v?c=11111111',
    );
    expect(posted[0]?.body).not.toHaveProperty('longExpiresAt');
  });
});
