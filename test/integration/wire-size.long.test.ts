/**
 * @module What somebody on the line counts (docs/privacy.md): bytes of questions and answers at a relay, below TLS, over HTTP/1.1 and
 * HTTP/2, at the local edge and through the nginx tier, with whatever encodings a client takes, many requests a connection. What an
 * answer says and what a question is for is seen in none of them.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import {
  dateBytes,
  type Exchange,
  openWire,
  type Protocol,
  type WireConnection,
  type WireRequest,
} from '../../load-tests/edge-tier/wire.ts';
import { type EdgeTier, startEdgeTier } from '../../scripts/support/edge-tier/tier.ts';
import {
  playDummy,
  type PlaybookPorts,
  playPoll,
  playRegister,
  playSubmit,
  playWithdraw,
} from '../../phone/course/playbook.ts';
import type { Fetch } from '../../phone/http.ts';
import { testRandom } from '../../phone/testing/random.ts';
import type { UploadContent } from '../../phone/upload/upload-request.ts';
import { credentialFor, forget, register } from '../../phone/verification/verification.ts';
import { toBase64Url, utf8 } from '../../protocol/primitives/bytes.ts';
import { PUBLISH_PATH } from '../../protocol/publish/request.ts';
import { pointFromSpki, signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { encodeSubmissionPayload, type SubmissionPayload } from '../../protocol/submission-payload.ts';
import { json } from '../conformance/support/http.ts';
import { importLocally } from '../../scripts/support/authorities.ts';
import { sentKeys, testAuthority, type TestAuthority } from '../support/health-authority.ts';
import { testKeyPem } from '../support/secrets.ts';
import { patientKeys, payloadOf, START, startSystem, type System, UPLOAD_PATH } from '../conformance/support/system.ts';

const UNKNOWN = '3f2b8c4e-5d6a-4b7c-8d9e-0f1a2b3c4d5e';
const POSITIVE = 2;
/** A phone's key, and its public half as a question has it. */
const HOLDER_PEM = testKeyPem('holder');
const HOLDER = toBase64Url(pointFromSpki(signerFromPkcs8Pem(HOLDER_PEM).publicKeySpki).subarray(1));
const random = testRandom('wire size');

let system: System;
let authority: TestAuthority;
let tier: EdgeTier;
let folder: string;
let unused: string[];
beforeAll(async () => {
  execFileSync('sh', [join(import.meta.dirname, '../../scripts/edge-tools.sh')], { stdio: 'inherit' });
  // Without a deadline: sizes are measured here, times in one-answer.test.ts and by bench:indistinguishable.
  const vars = { ANSWER_DEADLINE_MS: '0' };
  const verification = { ...vars, VERIFICATION_URL: 'https://verification.example' };
  system = await startSystem({ vars: { upload: vars, verification } });
  folder = mkdtempSync(join(tmpdir(), 'exposure-edge-wire-'));
  tier = await startEdgeTier(folder, system.edge.url);
  unused = await system.tans(200);
  authority = await testAuthority();
  await importLocally(system.edge.url, [authority.authority]);
});
afterAll(async () => {
  await tier.stop();
  rmSync(folder, { recursive: true, force: true });
  await system.edge.dispose();
});

interface Line {
  readonly name: string;
  readonly protocol: Protocol;
  readonly origin: () => string;
}
const LINES: readonly Line[] = [
  { name: 'HTTP/1.1 at the local edge', protocol: 'HTTP/1.1', origin: () => system.edge.url },
  { name: 'HTTP/1.1 and TLS through nginx', protocol: 'HTTP/1.1', origin: () => tier.edges[0] ?? '' },
  { name: 'HTTP/2 and TLS through nginx', protocol: 'HTTP/2', origin: () => tier.edges[0] ?? '' },
];

/** An answer's bytes but for those that only the second owes. */
const answerBytes = (line: Line, exchange: Exchange): number =>
  exchange.down - (line.protocol === 'HTTP/2' ? dateBytes(exchange) : 0);

/** Which names have which size: one entry where all are alike. */
const bySize = (sizes: readonly (readonly [name: string, bytes: number])[]): Record<number, string[]> =>
  Object.fromEntries(
    [...Map.groupBy(sizes, ([, bytes]) => bytes)].map(([bytes, some]) => [bytes, some.map(([name]) => name)]),
  );

let serial = 0;
const freshGuid = (): string => (serial += 1).toString(16).padStart(64, '0');
const freshTan = (): string => {
  const tan = unused.pop();
  if (tan === undefined) throw new Error('more TANs are needed');
  return tan;
};
const freshKeys = () => patientKeys(`wire ${(serial += 1)}`, START);

const question = (route: string, body: object | string, headers: Record<string, string> = {}): WireRequest => ({
  path: `/version/v1/${route}`,
  headers: { 'content-type': 'application/json', ...headers },
  // As long as the apps' own, so that no answer owes its size to the question's.
  body: new TextEncoder().encode((typeof body === 'string' ? body : JSON.stringify(body)).padEnd(250)),
});
const REAL = { 'cwa-fake': '0' };
const DUMMY = { 'cwa-fake': '1' };

const posting = (headers: Record<string, string>, body: Uint8Array): WireRequest => ({
  path: UPLOAD_PATH,
  headers: { 'content-type': 'application/x-protobuf', ...headers },
  body,
});
const bodyOf = (changes: Partial<SubmissionPayload> = {}, keys = freshKeys()): Uint8Array =>
  encodeSubmissionPayload(payloadOf(keys, changes));

/** A laboratory's word, put where the Worker `laboratory` puts it: its door is mTLS, which nobody has on loopback. */
async function post(guid: string, result: number, labId: string): Promise<void> {
  const store = await system.edge.miniflare.getDurableObjectNamespace('RESULT_STORE', 'exposure-edge-laboratory');
  const shard = store.get(store.idFromName(`r${guid.charAt(1)}`)) as unknown as {
    put(poster: object, rows: readonly object[]): Promise<number[]>;
  };
  await shard.put({ labId, needsBirthDate: false }, [{ id: guid, result, sampleCollected: START }]);
}

/** A session's token, opened beside the line that is watched. */
async function token(
  result: number | null,
  { labId = 'lab-1', keyDob, key = freshGuid() }: { labId?: string; keyDob?: string; key?: string } = {},
) {
  if (result !== null) await post(key, result, labId);
  const { path, headers, body } = question('registrationToken', { keyType: 'GUID', key, keyDob }, REAL);
  const answer = json(await system.send(path, { method: 'POST', headers, body })) as { registrationToken: string };
  return answer.registrationToken;
}

type Kind = readonly [name: string, status: number, request: WireRequest];

/** All that verification can say, and both ways to ask it. */
async function questions(): Promise<Kind[]> {
  const [pending, positive, longest, gone, abroad] = [
    await token(null),
    await token(POSITIVE),
    await token(POSITIVE, { labId: 'l'.repeat(64) }),
    await token(POSITIVE),
    await token(POSITIVE),
  ];
  // Found out when the result is there: at registration a wrong date of birth would open nothing.
  const guid = freshGuid();
  const mismatched = await token(null, { keyDob: `x${freshGuid().slice(1)}`, key: guid });
  await post(guid, POSITIVE, 'lab-1');
  const dummies = ['testresult', 'tan', 'forget'].map((route): Kind => [
    `dummy ${route}`,
    route === 'tan' ? 201 : 200,
    question(route, { registrationToken: UNKNOWN }, DUMMY),
  ]);
  return [
    ['pending', 200, question('testresult', { registrationToken: pending }, REAL)],
    ['result', 200, question('testresult', { registrationToken: positive }, REAL)],
    ['result with the longest laboratory id', 200, question('testresult', { registrationToken: longest }, REAL)],
    ['result, asked in the body', 200, question('testresult', { registrationToken: positive, cover: false })],
    ['TAN', 201, question('tan', { registrationToken: positive }, REAL)],
    ['TAN, asked in the body', 201, question('tan', { registrationToken: positive, cover: false })],
    ['token', 201, question('registrationToken', { keyType: 'GUID', key: freshGuid() }, REAL)],
    ['credential', 201, question('credential', { registrationToken: abroad, holder: HOLDER }, REAL)],
    ['no credential for it', 400, question('credential', { registrationToken: pending, holder: HOLDER }, REAL)],
    ['dummy credential', 201, question('credential', { registrationToken: UNKNOWN, holder: HOLDER }, DUMMY)],
    ['credential refused', 400, question('presentation', { presentation: 'x' }, REAL)],
    ['dummy, credential shown', 201, question('presentation', { presentation: 'x' }, DUMMY)],
    ['forgotten', 200, question('forget', { registrationToken: gone }, REAL)],
    ...dummies,
    ['dummy token', 201, question('registrationToken', { keyType: 'GUID', key: freshGuid() }, DUMMY)],
    ['dummy, said in the body', 200, question('testresult', { registrationToken: UNKNOWN, cover: true })],
    ['refused', 400, question('testresult', { registrationToken: UNKNOWN }, REAL)],
    ['no TAN for it', 400, question('tan', { registrationToken: pending }, REAL)],
    ['other date of birth', 403, question('testresult', { registrationToken: mismatched }, REAL)],
    ['malformed', 400, question('tan', '{"registrationToken":1', REAL)],
    ['said nowhere whether it is a dummy', 400, question('tan', { registrationToken: positive })],
  ];
}

/** What upload can say, but for what takes a crash to be said (one-answer.test.ts has those). */
function uploads(): Kind[] {
  const stored = posting({ ...REAL, 'cwa-authorization': freshTan() }, bodyOf());
  return [
    ['stored', 200, stored],
    ['stored before', 200, stored],
    ['stored, TAN in the body', 200, posting({}, bodyOf({ authorization: freshTan() }))],
    ['dummy', 200, posting({ ...DUMMY, 'cwa-authorization': '' }, bodyOf({}, []))],
    ['dummy, said in the body', 200, posting({}, bodyOf({ cover: true }, []))],
    ['TAN used for other keys', 403, { ...stored, body: bodyOf() }],
    ['TAN unknown', 403, posting({ ...REAL, 'cwa-authorization': UNKNOWN }, bodyOf())],
    ['malformed', 400, posting({ ...REAL, 'cwa-authorization': UNKNOWN }, new Uint8Array(900).fill(0xff))],
    ['another type', 500, { ...stored, headers: { ...stored.headers, 'content-type': 'text/plain' } }],
  ];
}

/** What upload can say to a phone of Google's dialect. */
async function publishes(): Promise<Kind[]> {
  const headers = { 'content-type': 'application/json' };
  const bodies = async (own: object = {}) =>
    utf8(JSON.stringify(await authority.request(sentKeys(freshKeys()), { now: START }, own)));
  const publish = (body: Uint8Array, more: Record<string, string> = {}): WireRequest => ({
    path: PUBLISH_PATH,
    headers: { ...headers, ...more },
    body,
  });
  const stored = publish(await bodies());
  return [
    ['published', 200, stored],
    ['published before', 200, stored],
    ['chaff', 200, publish(await bodies(), { 'x-chaff': '1' })],
    ['all keys left out', 200, publish(await bodies({ symptomOnsetInterval: Math.floor(START / 600) - 27 * 144 }))],
    ['no JSON', 400, publish(new Uint8Array(900))],
    ['unknown app', 401, publish(await bodies({ healthAuthorityID: '' }))],
    ['too large', 413, publish(new Uint8Array(64_001))],
    ['another type', 415, publish(await bodies(), { 'content-type': 'text/plain' })],
  ];
}

/** Android's (docs/spec/cwa.md §1.3), iOS's, and whatever else a client may say. */
const ENCODINGS = [
  null,
  'gzip',
  'gzip, deflate, br',
  'br',
  'deflate',
  'zstd',
  'gzip, deflate, br, zstd',
  '*',
  'identity;q=0, *;q=0.5',
].map((encoding) => ({ encoding }));
const accepting = (request: WireRequest, encoding: string | null): WireRequest =>
  encoding === null ? request : { ...request, headers: { ...request.headers, 'accept-encoding': encoding } };

/** Asks all of them over one connection. */
async function asked(line: Line, kinds: readonly Kind[], encoding: string | null) {
  const connection = await openWire(line.origin(), line.protocol);
  try {
    const answers: { readonly name: string; readonly status: number; readonly exchange: Exchange }[] = [];
    for (const [name, status, request] of kinds) {
      answers.push({ name, status, exchange: await connection.ask(accepting(request, encoding)) });
    }
    return answers;
  } finally {
    connection.close();
  }
}

describe.for(LINES)('answers, $name', (line) => {
  it.for(ENCODINGS)('have one size for a client that takes $encoding', async ({ encoding }, { expect }) => {
    for (const kinds of [await questions(), uploads(), await publishes()]) {
      const answers = await asked(line, kinds, encoding);
      const statuses = answers.map(({ name, exchange }) => [name, exchange.status]);
      expect(statuses).toEqual(kinds.map(([name, status]) => [name, status]));
      for (const { exchange } of answers) {
        const { 'content-encoding': encoded, 'cache-control': caching, vary } = exchange.headers;
        expect([encoded, caching, vary]).toEqual(['identity', 'no-store, no-transform', undefined]);
      }
      const sizes = answers.map(({ name, exchange }) => [name, answerBytes(line, exchange)] as const);
      expect(Object.keys(bySize(sizes)), JSON.stringify(bySize(sizes))).toHaveLength(1);
    }
  });
});

it('the local edge encodes JSON that does not forbid it, so the equal sizes are no accident of this machine', async ({
  expect,
}) => {
  const { headers } = await system.send('/operator/status', { headers: { 'accept-encoding': 'gzip' } });
  expect([headers.get('content-type')?.split(';')[0], headers.get('content-encoding')]).toEqual([
    'application/json',
    'gzip',
  ]);
});

/** The platform's fetch over one connection that is watched. */
function fetchOver(connection: WireConnection, seen: Exchange[]): Fetch {
  return async (url, init) => {
    const body = new Uint8Array(await new Response(init?.body ?? null).arrayBuffer());
    const headers = { ...(init?.headers as Record<string, string>), 'accept-encoding': 'gzip', 'user-agent': 'phone' };
    const exchange = await connection.ask({ path: new URL(url).pathname, headers, body });
    seen.push(exchange);
    return new Response(new Uint8Array(exchange.body), { status: exchange.status });
  };
}

function content(): UploadContent {
  const keys = freshKeys().map((key) => ({
    keyData: key.keyData ?? new Uint8Array(),
    rollingStartIntervalNumber: key.rollingStartIntervalNumber ?? 0,
    rollingPeriod: key.rollingPeriod ?? 144,
    transmissionRiskLevel: key.transmissionRiskLevel,
    daysSinceOnsetOfSymptoms: key.daysSinceOnsetOfSymptoms,
  }));
  return { keys, visitedCountries: [], consentToFederation: false, submissionType: 0 };
}

const CREDENTIAL = { keyType: 'CREDENTIAL', key: 'x', keyDob: null, holderPem: HOLDER_PEM } as const;

type Play = (ports: PlaybookPorts) => Promise<unknown>;
const ACTIONS = ['register', 'poll', 'submit', 'submit', 'poll'] as const;
const COVER: readonly Play[] = ACTIONS.map((action) => (ports) => playDummy(action, ports));

/** The same actions of a test that exists; `what` says how they fare. */
async function realCourse(what: 'well' | 'refused'): Promise<Play[]> {
  const key = freshGuid();
  if (what === 'well') await post(key, POSITIVE, 'lab-1');
  let opened = UNKNOWN;
  let tan: string | null = null;
  const keep = (given: string): Promise<void> => {
    if (what === 'well') opened = given;
    return Promise.resolve();
  };
  const shared = content();
  const submit: Play = async (ports) => {
    const stored = await playSubmit(opened, tan, () => Promise.resolve(shared), ports);
    // The second one is sent as after a lost answer: same TAN, same keys.
    if (stored.ok) tan = stored.value;
    if (stored.ok !== (what === 'well')) throw new Error(`submit: ${JSON.stringify(stored)}`);
  };
  return [
    (ports) => playRegister({ keyType: 'GUID', key, keyDob: null }, keep, ports),
    (ports) => playPoll(opened, ports),
    submit,
    submit,
    (ports) => playPoll(opened, ports),
  ];
}

describe.for(LINES)('our phone’s requests, $name', (line) => {
  async function played(plays: readonly Play[]): Promise<Exchange[]> {
    const connection = await openWire(line.origin(), line.protocol);
    const seen: Exchange[] = [];
    const url = line.origin();
    const ports = { fetch: fetchOver(connection, seen), baseUrl: url, verificationUrl: url, random };
    try {
      for (const play of plays) await play(ports);
      return seen;
    } finally {
      connection.close();
    }
  }

  it('are as long for cover as for a real course, request by request, whatever came before on the connection', async ({
    expect,
  }) => {
    const [well, refused, mixed] = [await realCourse('well'), await realCourse('refused'), await realCourse('well')];
    const courses: Readonly<Record<string, readonly Play[]>> = {
      cover: COVER,
      real: well,
      'real, refused': refused,
      // Cover begins and ends, the test's own actions stand between.
      mixed: [
        ...COVER.slice(0, 1),
        ...mixed.slice(0, 1),
        ...COVER.slice(2, 3),
        ...mixed.slice(1, 2),
        ...COVER.slice(4),
      ],
    };
    const found = new Map<string, Exchange[]>();
    for (const [name, plays] of Object.entries(courses)) found.set(name, await played(plays));
    const up = (name: string): number[] => (found.get(name) ?? []).map((exchange) => exchange.up);
    const down = (name: string): number[] => (found.get(name) ?? []).map((exchange) => answerBytes(line, exchange));
    expect(up('cover')).toHaveLength(ACTIONS.length * 3);
    expect((found.get('real') ?? []).map(({ status }) => status)).toEqual(
      [201, 200, 200].concat([200, 201, 200], [201, 200, 200], [201, 200, 200], [200, 201, 200]),
    );
    for (const name of Object.keys(courses)) {
      expect(up(name), `${name}, questions`).toEqual(up('cover'));
      expect(down(name), `${name}, answers`).toEqual(down('cover'));
    }
  });

  it('are as long for a withdrawal as for a poll, on a connection of its own', async ({ expect }) => {
    const opening = () => ({ keyData: random(16), secret: random(32) });
    const openings = (count: number) => Array.from({ length: count }, opening);
    const withdrawal =
      (count: number): Play =>
      async (ports) => {
        const heard = await playWithdraw(openings(count), ports);
        if (!heard.ok) throw new Error(`withdrawal: ${JSON.stringify(heard)}`);
      };
    const bytes = (exchanges: readonly Exchange[]) =>
      exchanges.map((exchange) => [exchange.up, answerBytes(line, exchange)]);
    const poll = await played([(ports) => playDummy('poll', ports)]);
    for (const count of [0, 1, 14, 30]) {
      const seen = await played([withdrawal(count)]);
      expect(bytes(seen), `${count} openings`).toEqual(bytes(poll));
    }
  });

  it('have two sizes once a connection is open: a question’s, whatever its route, and an upload’s', async ({
    expect,
  }) => {
    const forgotten: Play = (ports) => forget(UNKNOWN, ports);
    const taken: Play = (ports) => credentialFor(UNKNOWN, HOLDER, ports);
    // What is shown is as long as it may be, or shorter: the padding is what is left.
    const shown: Play = (ports) => register({ ...CREDENTIAL, credential: `${'a'.repeat(700)}~` }, ports);
    const sizes = (await played([...COVER, ...COVER, forgotten, taken, shown])).map(({ up }) => up);
    // The first action fills HPACK's table; the question behind it names a header by a longer number.
    const isUpload = (i: number): boolean => i % 3 === 2 && i < 2 * COVER.length * 3;
    const [questions_, uploads_] = [sizes.filter((_, i) => !isUpload(i)), sizes.filter((_, i) => isUpload(i))];
    expect([...new Set(questions_.slice(3))]).toHaveLength(1);
    expect([...new Set(uploads_.slice(1))]).toHaveLength(1);
  });
});
