/**
 * @module The course of an Exposure Notifications Express app, with servers in memory that hold it to the dialect: protocol/publish/ reads what it sends.
 */
import { describe, it } from 'vitest';
import { toBase64, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { decodeAnyBase64 } from '../../protocol/publish/base64.ts';
import { type PublishRequest, readPublishRequest } from '../../protocol/publish/request.ts';
import { matchesTekmac } from '../../protocol/publish/tekmac.ts';
import type { Fetch } from '../http.ts';
import type { OwnKey } from '../radio/tek-schedule.ts';
import { memoryStore } from '../store.ts';
import { testRandom } from '../testing/random.ts';
import { codeIn } from './code.ts';
import { type EnxPorts, openCode, reportBySelf, sendChaff, shareKeys } from './enx.ts';
import { type EnxState, isEnxState, REVISION_TOKEN_BYTES } from './state.ts';

const START = 2_900_016;
const keys = (count: number, from = 0): OwnKey[] =>
  Array.from({ length: count }, (_, n) => ({
    keyData: sha256(utf8(`key ${from + n}`)).slice(0, 16),
    rollingStartIntervalNumber: START + (from + n) * 144,
    rollingPeriod: 144,
  }));
const names = (of: readonly OwnKey[]): string[] => of.map(({ keyData }) => toBase64(keyData)).toSorted();

/** Both servers, as far as a phone can tell; what they were sent. */
class Servers {
  readonly asked: { path: string; bytes: number; body: Record<string, unknown> }[] = [];
  readonly published: PublishRequest[] = [];
  /** Answers that are lost from here on, by path. */
  readonly lost: string[] = [];
  /** In place of the next answer, by path. */
  readonly instead = new Map<string, [status: number, body: object]>();
  readonly #tokens = new Map<string, string>();

  readonly fetch: Fetch = async (url, init) => {
    const path = new URL(url).pathname;
    const text = new TextDecoder().decode(init?.body as Uint8Array);
    const headers = init?.headers as Record<string, string>;
    const body = JSON.parse(text) as Record<string, unknown>;
    const lines = Object.entries(headers).map(([name, value]) => name.length + value.length);
    this.asked.push({ path, bytes: text.length + lines.reduce((all, one) => all + one, 0), body });
    const [status, said] = this.#instead(path) ?? (headers['x-chaff'] === '1' ? [200, {}] : this.#answer(path, body));
    const at = this.lost.indexOf(path);
    if (at >= 0) {
      this.lost.splice(at, 1);
      throw new TypeError('lost');
    }
    return Response.json({ ...said, padding: 'AAAA' }, { status });
  };

  #instead(path: string): [number, object] | undefined {
    const said = this.instead.get(path);
    this.instead.delete(path);
    return said;
  }

  #answer(path: string, body: Record<string, unknown>): [number, object] {
    if (path === '/api/user-report') return [200, { expiresAtTimestamp: 1 }];
    if (path === '/api/verify') {
      return body['code'] === '00000000'
        ? [400, { error: 'no', errorCode: 'code_invalid' }]
        : [200, { testtype: 'likely', token: `token of ${String(body['code'])}` }];
    }
    if (path === '/api/certificate')
      return [200, { certificate: `${String(body['token'])}.${String(body['ekeyhmac'])}` }];
    const read = readPublishRequest(body);
    if (!read.ok) return [400, { code: 'bad_request', error: read.error.kind }];
    const { temporaryExposureKeys, hmacKey, verificationPayload } = read.value;
    const mac = decodeAnyBase64(verificationPayload.split('.')[1] ?? '') ?? new Uint8Array();
    if (!matchesTekmac(temporaryExposureKeys, decodeAnyBase64(hmacKey) ?? new Uint8Array(), mac)) {
      return [401, { code: 'health_authority_verification_certificate_invalid' }];
    }
    this.published.push(read.value);
    const known = this.#tokens.get(verificationPayload) ?? toBase64(utf8(`revision token ${this.#tokens.size}`));
    this.#tokens.set(verificationPayload, known);
    return [200, { insertedExposures: temporaryExposureKeys.length, revisionToken: known }];
  }
}

function setUp() {
  const servers = new Servers();
  const store = memoryStore<EnxState>();
  const ports: EnxPorts = {
    fetch: servers.fetch,
    verificationUrl: 'https://verification.example',
    publishUrl: 'https://publish.example',
    apiKey: 'key of the app',
    healthAuthorityId: 'org.example.app',
    random: testRandom('enx'),
    store,
  };
  const state = async (): Promise<EnxState | null> => {
    const loaded = await store.load();
    return loaded.ok ? loaded.value : null;
  };
  return { servers, ports, state };
}

describe('a code', () => {
  it.for([
    ['12345678', '12345678'],
    [' 1234-5678 ', '12345678'],
    ['https://de.example.org/v?c=abcdefgh12345678', 'abcdefgh12345678'],
    ['ens://v?r=DE&c=abcdefgh12345678', 'abcdefgh12345678'],
    ['https://de.example.org/w?c=abcdefgh12345678', null],
    ['http://de.example.org/v?c=abcdefgh12345678', null],
    ['https://de.example.org/v', null],
    ['ens://w?c=abcdefgh', null],
    ['12345', null],
    ['', null],
  ] as const)('in %j is %j', ([text, code], { expect }) => {
    expect(codeIn(text)).toBe(code);
  });
});

describe('sharing', () => {
  it('goes from code to token to certificate to keys, and keeps the token', async ({ expect }) => {
    const { servers, ports, state } = setUp();
    expect(await openCode('1234 5678', ports)).toEqual({ ok: true, value: { testType: 'likely' } });
    expect(await shareKeys(keys(14), 0, ports)).toEqual({
      ok: true,
      value: { testType: 'likely', sent: 14, inserted: 14, notes: [] },
    });
    expect(servers.asked.map(({ path }) => path)).toEqual(['/api/verify', '/api/certificate', '/v1/publish']);
    const [request] = servers.published;
    expect(request?.temporaryExposureKeys.map(({ key }) => key).toSorted()).toEqual(names(keys(14)));
    expect(request?.healthAuthorityID).toBe('org.example.app');
    expect((await state())?.revisionToken).toEqual(utf8('revision token 0'));
  });

  it('fills the place of the token with random bytes, as many', async ({ expect }) => {
    const { servers, ports } = setUp();
    await openCode('12345678', ports);
    await shareKeys(keys(2), 0, ports);
    const [first] = servers.published;
    expect(decodeAnyBase64(first?.revisionToken ?? '')).toHaveLength(REVISION_TOKEN_BYTES);
  });

  it('by another code says it of all keys, with the token; by the same one, of the next day’s alone', async ({
    expect,
  }) => {
    const { servers, ports } = setUp();
    await openCode('12345678', ports);
    await shareKeys(keys(14), 0, ports);
    await shareKeys(keys(15), 0, ports);
    await openCode('87654321', ports);
    await shareKeys(keys(15), 0, ports);
    const sent = servers.published.map((one) => one.temporaryExposureKeys.map(({ key }) => key).toSorted());
    expect(sent).toEqual([names(keys(14)), names(keys(1, 14)), names(keys(15))]);
    const tokens = servers.published.slice(1).map(({ revisionToken }) => revisionToken);
    expect(tokens).toEqual([0, 1].map((n) => toBase64(utf8(`revision token ${n}`))));
    expect(servers.asked.filter(({ path }) => path === '/api/certificate').map(({ body }) => body['token'])).toEqual([
      'token of 12345678',
      'token of 12345678',
      'token of 87654321',
    ]);
    // Nothing is left.
    expect(await shareKeys(keys(15), 0, ports)).toEqual({ ok: false, error: { kind: 'not-now' } });
  });

  it.for(['/api/certificate', '/v1/publish'])(
    'whose answer of %s is lost goes on with the same keys and secret, whatever is given then',
    async (path, { expect }) => {
      const { servers, ports, state } = setUp();
      await openCode('12345678', ports);
      servers.lost.push(path);
      expect(await shareKeys(keys(14), 0, ports)).toEqual({ ok: false, error: { kind: 'try-again', status: null } });
      expect(isEnxState(await state())).toBe(true);
      expect(await shareKeys(keys(3), 0, ports)).toMatchObject({ ok: true, value: { sent: 14 } });
      const secrets = new Set(
        servers.published.map(({ hmacKey, verificationPayload }) => hmacKey + verificationPayload),
      );
      expect(secrets.size).toBe(1);
      const macs = servers.asked.filter((one) => one.path === '/api/certificate').map(({ body }) => body['ekeyhmac']);
      expect(new Set(macs).size).toBe(1);
    },
  );

  it('with a certificate that is over meanwhile has it made anew, once', async ({ expect }) => {
    const { servers, ports } = setUp();
    await openCode('12345678', ports);
    const code = 'health_authority_verification_certificate_invalid';
    servers.instead.set('/v1/publish', [401, { code }]);
    expect(await shareKeys(keys(2), 0, ports)).toMatchObject({ ok: true });
    expect(servers.asked.filter(({ path }) => path === '/api/certificate')).toHaveLength(2);
  });

  it('that is refused for good is given up, and leaves the token', async ({ expect }) => {
    const { servers, ports, state } = setUp();
    expect(await openCode('00000000', ports)).toMatchObject({ ok: false, error: { code: 'code_invalid' } });
    expect(await shareKeys(keys(2), 0, ports)).toMatchObject({ ok: false, error: { kind: 'not-now' } });
    await openCode('12345678', ports);
    const before = (await state())?.revisionToken;
    servers.instead.set('/v1/publish', [400, { code: 'missing_revision_token' }]);
    const refused = { kind: 'refused', status: 400, code: 'missing_revision_token' };
    expect(await shareKeys(keys(2), 0, ports)).toEqual({ ok: false, error: refused });
    expect(await state()).toMatchObject({ sharing: null, shared: [], revisionToken: before });
  });

  it('with a server that is unwell tries again later', async ({ expect }) => {
    const { servers, ports, state } = setUp();
    await openCode('12345678', ports);
    servers.instead.set('/v1/publish', [503, { code: 'internal_error' }]);
    expect(await shareKeys(keys(2), 0, ports)).toEqual({ ok: false, error: { kind: 'try-again', status: 503 } });
    expect((await state())?.sharing?.keys).toHaveLength(2);
  });
});

describe('a report of one’s own', () => {
  it('has a nonce, which goes with the code that comes, and with no other', async ({ expect }) => {
    const { servers, ports } = setUp();
    const report = { symptomDate: '2026-11-20', testDate: '', tzOffset: 60, phone: '+4915550000001' };
    expect(await reportBySelf(report, ports)).toEqual({ ok: true, value: null });
    await openCode('12345678', ports);
    await openCode('87654321', ports);
    const [asked, first, second] = servers.asked.map(({ body }) => body['nonce']);
    expect(decodeAnyBase64(String(asked))).toHaveLength(256);
    expect([first, second]).toEqual([asked, undefined]);
  });
});

describe('chaff', () => {
  it('goes to the same places in the same order, and is as long as what it covers, however much that says', async ({
    expect,
  }) => {
    const { servers, ports } = setUp();
    await openCode('https://de.example.org/v?c=abcdefgh12345678', ports);
    await shareKeys(keys(30), START, ports);
    const real = servers.asked.splice(0);
    expect(await sendChaff(ports)).toEqual([true, true, true]);
    const wire = (asked: typeof real) => asked.map(({ path, bytes }) => [path, bytes]);
    expect(wire(servers.asked)).toEqual(wire(real));
    expect(servers.asked.map(({ body }) => Object.keys(body))).toEqual([['padding'], ['padding'], ['padding']]);
  });
});
