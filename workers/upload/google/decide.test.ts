/** @module Each row of docs/spec/google.md §1.4 with the decisions of docs/google-dialect.md: real certificates, neighbours in memory. */
import { beforeAll, describe, it } from 'vitest';
import { fromUtf8, toBase64, utf8 } from '../../../protocol/primitives/bytes.ts';
import { keyRing } from '../../../protocol/primitives/key-ring.ts';
import { NO_AUTHORITIES, type Authorities } from '../../../protocol/publish/authorities.ts';
import { tekmacOf, type SentKey } from '../../../protocol/publish/tekmac.ts';
import {
  HMAC_KEY,
  testAuthority,
  type CertificateWish,
  type TestAuthority,
} from '../../../test/support/health-authority.ts';
import type { BodyResult } from '../../shared/body.ts';
import { START, World, type Crash } from '../store-world.ts';
import { decidePublish } from './decide.ts';
import { saidOf } from './outcome.ts';

const ringOf = (byte: number) => keyRing(toBase64(new Uint8Array(32).fill(byte)), 'a key');

const MIDNIGHT = Math.floor(START / 86_400) * 144;
const JSON_TYPE = { 'content-type': 'application/json' };
const WISH: CertificateWish = { now: START };

let ours: TestAuthority;
let other: TestAuthority;
let nobodys: TestAuthority;
beforeAll(async () => {
  ours = await testAuthority();
  other = await testAuthority({
    id: 'other',
    issuer: 'https://other.example',
    apps: ['org.other.app'],
    regions: ['FR'],
  });
  nobodys = await testAuthority();
});

let serial = 0;
const key = (change: Partial<SentKey> = {}): SentKey => ({
  key: toBase64(new Uint8Array(16).fill(++serial)),
  rollingStartNumber: MIDNIGHT - 144,
  rollingPeriod: 144,
  transmissionRisk: 0,
  ...change,
});
const history = (count: number): SentKey[] =>
  Array.from({ length: count }, (_, age) => key({ rollingStartNumber: MIDNIGHT - 144 * age }));

function worldOf(...of: TestAuthority[]): World {
  const world = new World();
  world.authorities = { version: 1, authorities: of.map(({ authority }) => authority) };
  return world;
}

interface Sending {
  readonly headers?: Record<string, string>;
  readonly crash?: Crash | null;
  /** What is held of the authorities; left out: what is in force. */
  readonly held?: Authorities;
}

/** What a phone hears of a body, as text or to be written as JSON. */
async function publish(world: World, body: unknown, { headers = JSON_TYPE, crash = null, held }: Sending = {}) {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  const read: BodyResult = { kind: 'body', bytes: utf8(text) };
  const { redeem, intake } = world.ports(crash);
  const config = {
    policy: { homeCountry: 'DE' },
    tanMacKeys: ringOf(0),
    digestKeys: ringOf(1),
    uploadIdKeys: ringOf(2),
    answerDeadlineMs: null,
  };
  const neighbours = {
    config,
    clock: () => world.now,
    redeem,
    intake,
    policy: async () => {
      const policy = await intake.policy();
      return held === undefined ? policy : { ...policy, authorities: held };
    },
    newerPolicy: () => intake.policy(),
  };
  const outcome = await decidePublish(new Headers(headers), read, neighbours).catch(
    () => ({ kind: 'try-later' }) as const,
  );
  const { status, code = '', insertedExposures = 0, revisionToken = '', error = '', warnings = [] } = saidOf(outcome);
  return { status, code, insertedExposures, revisionToken, error, warnings };
}
const short = ({ status, code }: { status: number; code: string }) => [status, code];

describe('a publish request', () => {
  it('is stored, and the phone gets a token', async ({ expect }) => {
    const world = worldOf(ours);
    const keys = history(14);
    const answer = await publish(world, await ours.request(keys, WISH));
    expect(answer).toMatchObject({ status: 200, code: '', insertedExposures: 14, error: '', warnings: [] });
    expect(answer.revisionToken).not.toBe('');
    expect(world.durableKeys).toHaveLength(14);
  });

  it('again, its answer lost, is answered as the first time, token included', async ({ expect }) => {
    const world = worldOf(ours);
    const body = await ours.request(history(14), WISH);
    expect(await publish(world, body, { crash: { call: 1, when: 'after' } })).toMatchObject({
      status: 503,
      code: 'internal_error',
    });
    const first = await publish(world, body);
    expect(first).toMatchObject({ status: 200, insertedExposures: 14 });
    world.now += 600;
    expect(await publish(world, { ...body, padding: 'B' })).toEqual(first);
    // Also with the token that the phone had drawn at random before, or has got since.
    expect(await publish(world, { ...body, revisionToken: toBase64(new Uint8Array(99).fill(9)) })).toEqual(first);
    expect(world.stored.size).toBe(1);
  });

  it('of an authority, or by a key, that came into force a moment ago is stored', async ({ expect }) => {
    for (const authorities of [[], [{ ...ours.authority, keys: [] }]]) {
      const held = { version: 0, authorities };
      expect(short(await publish(worldOf(ours), await ours.request(history(2), WISH), { held }))).toEqual([200, '']);
    }
    const forged = await nobodys.request(history(2), WISH);
    expect(short(await publish(worldOf(ours), forged, { held: NO_AUTHORITIES }))).toEqual([
      401,
      'health_authority_verification_certificate_invalid',
    ]);
  });

  it('again, when its answer isn’t remembered any more, is a success, and the phone keeps the token that it has', async ({
    expect,
  }) => {
    const world = worldOf(ours);
    const body = await ours.request(history(2), WISH, { revisionToken: 'dG9r\nZW4=\n' });
    await publish(world, body);
    world.published.clear();
    expect(await publish(world, body)).toMatchObject({ status: 200, insertedExposures: 0, revisionToken: 'dG9rZW4=' });
  });

  it('without transmission risks is bound by either form', async ({ expect }) => {
    const keys = history(2);
    const claims = { tekmac: toBase64(tekmacOf(keys, HMAC_KEY, 'three-segment')) };
    expect(short(await publish(worldOf(ours), await ours.request(keys, { ...WISH, claims })))).toEqual([200, '']);
  });

  it('spells base64 and names as phones do', async ({ expect }) => {
    // Android’s Base64 ends its lines, also the last, unless it is told not to.
    const keys = [key({ key: '-_-_-_-_-_-_-_-_-_-_-w' }), key({ key: `${toBase64(new Uint8Array(16).fill(250))}\n` })];
    const { hmacKey, ...body } = await ours.request(keys, WISH);
    const sent = { ...body, hmackey: String(hmacKey).replaceAll('=', ''), healthAuthorityID: 'ORG.example.APP' };
    expect(short(await publish(worldOf(ours), sent))).toEqual([200, '']);
  });

  it('by a phone that sends random bytes in place of a token is one without', async ({ expect }) => {
    const revisionToken = toBase64(new Uint8Array(1348).fill(5));
    expect(await publish(worldOf(ours), await ours.request(history(3), WISH, { revisionToken }))).toMatchObject({
      status: 200,
      insertedExposures: 3,
    });
    expect(
      await publish(worldOf(ours), await ours.request(history(3), WISH, { revisionToken: 'no base64' })),
    ).toMatchObject({ status: 200, insertedExposures: 3 });
  });

  it('of somebody who was abroad goes to every country that is supported, of others home', async ({ expect }) => {
    const regions: (readonly string[])[] = [];
    for (const traveler of [false, true]) {
      const world = worldOf(ours);
      const ports = world.ports.bind(world);
      world.ports = (...args) => {
        const { intake, ...rest } = ports(...args);
        return {
          ...rest,
          intake: {
            ...intake,
            accept: (id, upload, ...more) => (regions.push(upload.regions), intake.accept(id, upload, ...more)),
          },
        };
      };
      await publish(world, await ours.request(history(1), WISH, { traveler }));
    }
    expect(regions).toEqual([['DE'], ['DE', 'NL']]);
  });

  it('with a key in 30 bad is a partial failure, 200, and says which', async ({ expect }) => {
    const keys = [...history(13), key({ rollingPeriod: 0 })];
    expect(await publish(worldOf(ours), await ours.request(keys, WISH))).toMatchObject({
      status: 200,
      code: 'partial_failure',
      insertedExposures: 13,
      error: 'key 13 cannot be imported: rolling-period',
    });
  });

  it('with a key that only the onset leaves out succeeds with a warning', async ({ expect }) => {
    const keys = history(2);
    const body = await ours.request(keys, WISH, { symptomOnsetInterval: MIDNIGHT - 15 * 144 });
    const answer = await publish(worldOf(ours), body);
    expect(answer).toMatchObject({
      status: 200,
      code: '',
      insertedExposures: 1,
      warnings: ['key 0 symptom onset is too large, 15 > 14 - saving without this key'],
    });
  });

  it('of which nothing is left so is a success, stores nothing, gives the phone’s token back and leaves the certificate', async ({
    expect,
  }) => {
    const world = worldOf(ours);
    const body = await ours.request(history(1), WISH, {
      symptomOnsetInterval: MIDNIGHT - 20 * 144,
      revisionToken: 'dG9rZW4=',
    });
    expect(await publish(world, body)).toMatchObject({
      status: 200,
      code: '',
      insertedExposures: 0,
      revisionToken: 'dG9rZW4=',
      warnings: { length: 1 },
    });
    expect(world.stored.size).toBe(0);
    expect(await publish(world, { ...body, symptomOnsetInterval: 0 })).toMatchObject({
      status: 200,
      insertedExposures: 1,
    });
  });

  it('takes its onset from the certificate where the request has none', async ({ expect }) => {
    const wish = { ...WISH, claims: { symptomOnsetInterval: MIDNIGHT - 15 * 144 } };
    expect(await publish(worldOf(ours), await ours.request(history(1), wish))).toMatchObject({
      warnings: { length: 1 },
    });
  });
});

describe('a request that is refused', () => {
  type Case = [name: string, status: number, code: string, body: () => Promise<unknown>];
  const BAD = 'bad_request';
  const UNKNOWN = 'unknown_health_authority_id';
  const INVALID = 'health_authority_verification_certificate_invalid';
  const certified =
    (claims: object, header: object = {}) =>
    async () =>
      ours.request(history(2), { ...WISH, claims, header });
  const sent = (own: object) => async () => ours.request(history(2), WISH, own);
  const cases: Case[] = [
    ['no JSON', 400, BAD, async () => '{'],
    ['two values', 400, BAD, async () => '{}{}'],
    ['an unknown field', 400, BAD, sent({ regions: ['DE'] })],
    ['a name twice', 400, BAD, async () => '{"traveler":true,"traveler":false}'],
    ['a name twice in another case', 400, BAD, sent({ hmackey: '' })],
    ['a wrong type', 400, BAD, sent({ traveler: 1 })],
    ['no keys', 400, BAD, async () => ours.request([], WISH)],
    [
      '31 keys',
      400,
      BAD,
      async () =>
        ours.request(
          Array.from({ length: 31 }, () => key()),
          WISH,
        ),
    ],
    ['no key that is valid', 400, BAD, async () => ours.request([key({ rollingPeriod: 0 })], WISH)],
    ['keys that overlap', 400, BAD, async () => ours.request([key(), key({ rollingStartNumber: MIDNIGHT - 1 })], WISH)],
    [
      'four keys of one start',
      400,
      BAD,
      async () =>
        ours.request(
          history(4).map((k) => ({ ...k, rollingStartNumber: MIDNIGHT - 144 })),
          WISH,
        ),
    ],
    ['an app that nobody has', 401, UNKNOWN, sent({ healthAuthorityID: 'org.nobody' })],
    ['no app', 401, UNKNOWN, sent({ healthAuthorityID: '' })],
    ['another authority’s app', 401, INVALID, sent({ healthAuthorityID: 'org.other.app' })],
    ['no certificate', 401, INVALID, sent({ verificationPayload: '' })],
    [
      'a certificate for other keys',
      401,
      INVALID,
      async () => ({ ...(await ours.request(history(2), WISH)), temporaryExposureKeys: history(2) }),
    ],
    [
      'one of its keys missing',
      401,
      INVALID,
      async () => {
        const keys = history(3);
        return { ...(await ours.request(keys, WISH)), temporaryExposureKeys: keys.slice(1) };
      },
    ],
    ['another secret', 401, INVALID, sent({ hmacKey: toBase64(new Uint8Array(16)) })],
    ['no secret', 401, INVALID, sent({ hmacKey: '' })],
    ['a secret that is no base64', 401, INVALID, sent({ hmacKey: '***' })],
    ['a certificate that has expired', 401, INVALID, certified({ exp: START - 6 })],
    ['a certificate without an end', 401, INVALID, certified({ exp: undefined })],
    ['a certificate of the future', 401, INVALID, certified({ nbf: START + 6, iat: START + 6 })],
    ['an authority five minutes ahead', 401, INVALID, async () => ours.request(history(2), { now: START + 300 })],
    ['a list of audiences', 401, INVALID, certified({ aud: ['exposure-notifications-server'] })],
    ['another key id', 401, INVALID, certified({}, { kid: 'v9' })],
    ['a certificate by a stranger’s key', 401, INVALID, async () => nobodys.request(history(2), WISH)],
  ];

  it.for(cases)('%s: %i %s; nobody is asked', async ([, status, code, body], { expect }) => {
    const world = worldOf(ours, other);
    const answer = await publish(world, await body());
    expect([answer.status, answer.code, answer.insertedExposures, world.calls]).toEqual([status, code, 0, []]);
    expect(answer.error).not.toBe('');
  });

  it('an authority five minutes behind is taken: its certificate is ten minutes shorter for the phone, and no more', async ({
    expect,
  }) => {
    expect(short(await publish(worldOf(ours), await ours.request(history(2), { now: START - 300 })))).toEqual([
      200,
      '',
    ]);
  });

  it.for(['text/plain', 'Application/json', ' application/json+x', ''])(
    'content type %j: 415',
    async (type, { expect }) => {
      const headers = { 'content-type': type };
      const expected = type.trim().startsWith('application/json') ? [200, ''] : [415, BAD];
      expect(short(await publish(worldOf(ours), await ours.request(history(1), WISH), { headers }))).toEqual(expected);
    },
  );

  it('keys that exist, without a token, with another’s and with their own', async ({ expect }) => {
    const world = worldOf(ours);
    const keys = history(2);
    const { revisionToken } = await publish(world, await ours.request(keys, WISH));
    const again = (own: object) => ours.request(keys, { ...WISH, claims: { iat: START - 4 } }, own);
    expect(short(await publish(world, await again({})))).toEqual([400, 'missing_revision_token']);
    expect(short(await publish(world, await again({ revisionToken: 'AAAA' })))).toEqual([
      400,
      'invalid_revision_token',
    ]);
    expect(await publish(world, await again({ revisionToken }))).toMatchObject({ status: 200, insertedExposures: 0 });
  });

  it.for(['key_already_revised', 'invalid_report_type_transition'] as const)(
    '%s as origin says so: 400, and the certificate is unused',
    async (code, { expect }) => {
      expect(saidOf({ kind: 'publish-refused', code })).toMatchObject({ status: 400, code });
    },
  );

  it('a certificate that verification doesn’t take any more: 401', async ({ expect }) => {
    const world = worldOf(ours);
    world.now += 20 * 60;
    const body = await ours.request(history(1), { now: world.now });
    // The ledger's row is a quarter of an hour old at most.
    expect(short(await publish(world, body))).toEqual([401, INVALID]);
  });
});

describe('what fails on our side', () => {
  it.for<[name: string, crash: Crash]>([
    ['verification is out of reach', { call: 0, when: 'before' }],
    ['its answer is lost', { call: 0, when: 'after' }],
    ['origin is out of reach', { call: 1, when: 'before' }],
    ['its answer is lost, keys are durable', { call: 1, when: 'after' }],
  ])('%s: 503, never 400, and the same again is stored', async ([, crash], { expect }) => {
    const world = worldOf(ours);
    const body = await ours.request(history(2), WISH);
    expect(short(await publish(world, body, { crash }))).toEqual([503, 'internal_error']);
    expect(await publish(world, body)).toMatchObject({ status: 200, insertedExposures: 2 });
  });

  it('nobody ever told whose certificates are good: 503', async ({ expect }) => {
    const world = worldOf(ours);
    world.authorities = null;
    expect(short(await publish(world, await ours.request(history(1), WISH)))).toEqual([
      503,
      'unable_to_load_health_authority',
    ]);
  });

  it('an authority that isn’t for this country: 503', async ({ expect }) => {
    const body = await other.request(history(1), WISH, { healthAuthorityID: 'org.other.app' });
    expect(short(await publish(worldOf(other), body))).toEqual([503, 'health_authority_missing_region_config']);
  });

  it('the service has ended: no app is known any more', async ({ expect }) => {
    const world = worldOf(ours);
    world.ended = true;
    expect([short(await publish(world, await ours.request(history(1), WISH))), world.calls]).toEqual([
      [401, 'unknown_health_authority_id'],
      [],
    ]);
  });
});

describe('chaff', () => {
  it.for<[name: string, body: () => Promise<unknown>]>([
    ['a whole request', () => ours.request(history(14), WISH)],
    ['padding alone', async () => ({ padding: 'AAAA' })],
    ['nothing', async () => ''],
    ['no JSON', async () => fromUtf8(new Uint8Array(3_000).fill(65))],
  ])('is answered with nothing, and nobody is asked: %s', async ([, body], { expect }) => {
    const world = worldOf(ours);
    const headers = { ...JSON_TYPE, 'x-chaff': '1' };
    expect(await publish(world, await body(), { headers })).toEqual({
      status: 200,
      code: '',
      insertedExposures: 0,
      revisionToken: '',
      error: '',
      warnings: [],
    });
    expect([world.calls, world.stored.size]).toEqual([[], 0]);
  });

  it('is what says so: an empty header says nothing', async ({ expect }) => {
    const world = worldOf(ours);
    await publish(world, await ours.request(history(1), WISH), { headers: { ...JSON_TYPE, 'x-chaff': '' } });
    expect(world.stored.size).toBe(1);
  });
});
