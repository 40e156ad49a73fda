/** @module Names, documents, batches and signatures of feeds: what is written is read, and anything else is refused by its name. */
import { generateKeyPairSync, sign, webcrypto } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { dp3t } from '../generated/gaen-exposed-list.js';
import { REPORT_TYPE, type ReportType } from '../gaen/keys.ts';
import { toBase64Url, utf8 } from '../primitives/bytes.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../signing.ts';
import { decodeExposedList, ExposedListWriter, KEY_TYPE } from './exposed-list.ts';
import { parseFeedLatest, parseGaenLatest, type FeedLatest } from './latest.ts';
import { feedKey, feedPath, parseFeedPath, type FeedPath } from './names.ts';
import { jwkOf, signAnswer, verifyAnswer, type Jwk } from './signature.ts';

const SEED = { seed: 16, numRuns: 300 };
const NOW = 1_781_503_200;
const OTHER_KEY = signerFromPkcs8Pem(pkcs8PemFromScalar(new Uint8Array(32).fill(8))).publicKeySpki;
const trusted = (keys: readonly Jwk[]) => ({ keys, subtle: webcrypto.subtle as unknown as SubtleCrypto });

describe('paths', () => {
  const path = fc.record({
    feed: fc.constantFrom('a2a', 'NL', 'IT'),
    view: fc.constantFrom('keys' as const, 'gaen' as const),
    batch: fc.option(fc.integer({ min: 1, max: 1e9 })),
  });

  it('that are written are read', ({ expect }) => {
    fc.assert(
      fc.property(path, ({ feed, view, batch }) => {
        const asked: FeedPath = { feed: view === 'gaen' ? null : feed, view, batch };
        expect(parseFeedPath(feedPath(asked))).toEqual(asked);
      }),
      SEED,
    );
  });

  it.for([
    '/v1/nl/keys',
    '/v1/NLD/keys',
    '/v1/A2A/keys',
    '/v1/NL/keys/',
    '/v1/NL/keys/0',
    '/v1/NL/keys/01',
    '/v1/NL/keys/-1',
    '/v1/NL/keys/1e3',
    '/v1/NL/keys/1234567890123',
    '/v1/../NL/keys',
    '/v2/gaen/exposed',
    '/v2/gaen/exposed/0',
    '/v2/dp3t-lowcost/latest',
    '/',
  ])('%s has no meaning', (pathname, { expect }) => {
    expect(parseFeedPath(pathname)).toBeNull();
  });

  it('of two feeds, views or batches have objects of their own', ({ expect }) => {
    fc.assert(
      fc.property(path, path, (a, b) => {
        const [one, other] = [a, b].map(({ feed, view, batch }) => feedKey(feed, view, batch));
        expect(one === other).toBe(a.feed === b.feed && a.view === b.view && a.batch === b.batch);
      }),
      SEED,
    );
  });
});

describe('the document of a feed', () => {
  const LATEST: FeedLatest = {
    feed: 'NL',
    region: 'DE',
    oldestBatchId: 3,
    latestBatchId: 17,
    recommendedNextPollTime: NOW + 3600,
    issuedAt: NOW,
    validUntil: NOW + 14_400,
  };

  it('is read as it was written, with fields of a later version', ({ expect }) => {
    expect(parseFeedLatest(JSON.stringify({ ...LATEST, later: 1 }))).toEqual({ ok: true, value: LATEST });
  });

  it.for([
    ['feed', { feed: 'nl' }],
    ['region', { region: 'a2a' }],
    ['batches', { oldestBatchId: 19 }],
    ['batches', { oldestBatchId: 0 }],
    ['latestBatchId', { latestBatchId: 1.5 }],
    ['validUntil', { validUntil: '1' }],
  ] as const)('is refused by the name of what is wrong: %s', ([field, change], { expect }) => {
    const parsed = parseFeedLatest(JSON.stringify({ ...LATEST, ...change }));
    expect(parsed.ok ? '' : parsed.error).toContain(field);
    expect(parseFeedLatest('{').ok).toBe(false);
  });

  it('of DP-3T may say seconds or milliseconds', ({ expect }) => {
    for (const time of [NOW, NOW * 1000]) {
      const text = JSON.stringify({ latestBatchId: 4, recommendedNextPollTime: time });
      expect(parseGaenLatest(text)).toEqual({
        ok: true,
        value: { latestBatchId: 4, recommendedNextPollTime: NOW },
      });
    }
  });
});

/** @returns a batch with all of its keys */
function readWhole(bytes: Uint8Array) {
  const read = decodeExposedList(bytes);
  if (!read.ok) throw new Error(read.error);
  return { ...read.value, exposed: [...read.value.exposed] };
}

describe('a batch of DP-3T', () => {
  const key = (n: number, reportType: ReportType, start: number) => ({
    keyData: new Uint8Array(16).fill(n),
    transmissionRiskLevel: 4,
    rollingStartIntervalNumber: start,
    rollingPeriod: 144,
    reportType,
    daysSinceOnsetOfSymptoms: 0,
  });

  const list = (...keys: readonly ReturnType<typeof key>[]): Uint8Array => {
    const writer = new ExposedListWriter(NOW, keys.length);
    for (const one of keys) writer.add(one);
    return writer.finish();
  };

  it('has the keys with the end of their validity, those that were taken back CANCELLED', ({ expect }) => {
    const bytes = list(
      key(3, REPORT_TYPE.REVOKED, 2_968_848),
      key(2, REPORT_TYPE.CONFIRMED_CLINICAL_DIAGNOSIS, 2_968_992),
      key(1, REPORT_TYPE.CONFIRMED_TEST, 2_969_136),
      key(4, REPORT_TYPE.SELF_REPORT, 2_969_136),
    );
    const read = readWhole(bytes);
    expect(read.batchReleaseTime).toBe(NOW);
    expect(read.exposed.map(({ keyData, type }) => [keyData[0], type])).toEqual([
      [3, KEY_TYPE.CANCELLED],
      [2, KEY_TYPE.DOCTOR_DIAGNOSIS],
      [1, KEY_TYPE.TEST_DIAGNOSED],
      [4, KEY_TYPE.SELF_DIAGNOSED],
    ]);
    expect(read.exposed[0]!.validBeforeTime).toBe((2_968_848 + 144) * 600);
  });

  it('is what protobufjs writes of the same keys', ({ expect }) => {
    const keys = fc.array(
      fc.record({
        keyData: fc.uint8Array({ minLength: 16, maxLength: 16 }),
        rollingStartIntervalNumber: fc.nat({ max: 2 ** 31 - 1 }),
        rollingPeriod: fc.integer({ min: 1, max: 144 }),
        reportType: fc.constantFrom(...Object.values(REPORT_TYPE)),
      }),
      { maxLength: 20 },
    );
    const theirs = new Map<ReportType, number>([
      [REPORT_TYPE.CONFIRMED_CLINICAL_DIAGNOSIS, 1],
      [REPORT_TYPE.SELF_REPORT, 2],
      [REPORT_TYPE.REVOKED, 3],
    ]);
    fc.assert(
      fc.property(fc.nat({ max: 4e9 }), keys, (batchReleaseTime, some) => {
        const writer = new ExposedListWriter(batchReleaseTime, some.length);
        for (const one of some) writer.add({ ...key(0, one.reportType, 0), ...one });
        const exposed = some.map((one) => ({
          key: one.keyData,
          rollingStartNumber: one.rollingStartIntervalNumber,
          validBeforeTime: (one.rollingStartIntervalNumber + one.rollingPeriod) * 600,
          type: theirs.get(one.reportType) ?? 0,
        }));
        const message = { batchReleaseTime, exposed };
        const [ours, library] = [writer.finish(), dp3t.GAENExposedList.encode(message).finish()].map(readWhole);
        expect(ours).toEqual(library);
      }),
      SEED,
    );
  });

  it('of other bytes is none', ({ expect }) => {
    expect(decodeExposedList(utf8('no protobuf at all')).ok).toBe(false);
  });
});

describe('the signature of an answer', () => {
  const own = signerFromPkcs8Pem(pkcs8PemFromScalar(new Uint8Array(32).fill(7)));
  const key = { kid: '262-v1', signer: own.raw };
  const jwk = jwkOf('262-v1', own.publicKeySpki);
  const body = utf8('a batch');
  const answer = { url: 'https://feeds.example/v1/NL/keys/3', body, feed: 'NL' };
  const token = signAnswer({ ...answer, issuedAt: NOW, expires: NOW + 60 }, key);

  it('holds for its body and URL until it expires, and is the same each time', async ({ expect }) => {
    expect(await verifyAnswer(token, answer, NOW, trusted([jwk]))).toEqual({ ok: true, value: { expires: NOW + 60 } });
    expect(signAnswer({ ...answer, issuedAt: NOW, expires: NOW + 60 }, key)).toBe(token);
  });

  it.for([
    ['url', { url: 'https://feeds.example/v1/IT/keys/3' }, {}],
    // DP-3T's paths name no region.
    ['feed', { feed: 'IT' }, {}],
    ['hash', { body: utf8('another batch') }, {}],
    ['expired', {}, { now: NOW + 60 }],
    ['unknown-key', {}, { keys: [{ ...jwk, kid: '262-v2' }] }],
    ['bad-signature', {}, { keys: [jwkOf('262-v1', OTHER_KEY)] }],
    ['malformed', {}, { token: null }],
    ['malformed', {}, { token: token.slice(0, token.lastIndexOf('.')) }],
    ['malformed', {}, { token: `${token}.x` }],
    ['malformed', {}, { token: `${'x'.repeat(5000)}.${token}` }],
    ['bad-signature', {}, { token: `${token.slice(0, -4)}AAAA` }],
    ['algorithm', {}, { token: withAlgorithm('none') }],
    ['algorithm', {}, { token: withAlgorithm('HS256') }],
    ['algorithm', {}, { keys: [{ kid: '262-v1', kty: 'oct', k: 'AAAA' }] }],
    ['algorithm', {}, { keys: [{ kid: '262-v1', kty: 'RSA', n: 'AQAB', e: 'AQAB' }] }],
  ] as const)('is refused by its rule: %s', async ([rule, change, other], { expect }) => {
    const {
      now = NOW,
      keys = [jwk],
      token: given = token,
    } = other as Partial<{ now: number; keys: Jwk[]; token: null }>;
    expect(await verifyAnswer(given, { ...answer, ...change }, now, trusted(keys))).toEqual({ ok: false, error: rule });
  });

  it('may be a peer’s, by RS256', async ({ expect }) => {
    const pair = generateKeyPairSync('rsa', { modulusLength: 2048 });
    const { kty, n, e } = pair.publicKey.export({ format: 'jwk' });
    // Others' backends don't say whose feed it is.
    const { feed: _ours, ...told } = JSON.parse(
      Buffer.from(token.split('.')[1] ?? '', 'base64url').toString(),
    ) as Record<string, unknown>;
    const claims = toBase64Url(utf8(JSON.stringify(told)));
    const head = toBase64Url(utf8(JSON.stringify({ alg: 'RS256', kid: 'peer' })));
    const signature = sign('sha256', utf8(`${head}.${claims}`), pair.privateKey);
    const theirs = `${head}.${claims}.${toBase64Url(new Uint8Array(signature))}`;
    const keys = [{ kid: 'peer', kty: String(kty), n, e }];
    expect((await verifyAnswer(theirs, answer, NOW, trusted(keys))).ok).toBe(true);
    expect(await verifyAnswer(theirs, { ...answer, url: 'https://feeds.example/' }, NOW, trusted(keys))).toMatchObject({
      error: 'url',
    });
  });

  function withAlgorithm(alg: string): string {
    const [, claims, signature] = token.split('.');
    return `${toBase64Url(utf8(JSON.stringify({ alg, kid: '262-v1' })))}.${claims}.${signature}`;
  }
});
