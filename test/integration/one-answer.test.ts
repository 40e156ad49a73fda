/**
 * @module One answer (docs/architecture.md §4.6), read off the socket: whatever becomes of an upload, the bytes that come back are of one
 * number, with the same header names in the same order and values of the same length, and none before the deadline.
 */
import { connect } from 'node:net';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { composeTan, lastDayOfTan } from '../../domain/tan.ts';
import { fromBase64, utf8 } from '../../protocol/primitives/bytes.ts';
import { PUBLISH_PATH } from '../../protocol/publish/request.ts';
import { PUBLISH_RESPONSE_BYTES } from '../../protocol/publish/response.ts';
import { encodeSubmissionPayload } from '../../protocol/submission-payload.ts';
import { patientKeys, payloadOf, START, startSystem, type System, UPLOAD_PATH } from '../conformance/support/system.ts';
import { importLocally } from '../../scripts/support/authorities.ts';
import { sentKeys, testAuthority, type TestAuthority } from '../support/health-authority.ts';
import { sabotage, withSaboteur } from '../support/saboteur.ts';

const DEADLINE_MS = 250;
/**
 * Only what hangs waits so long: a loaded machine wakes a timer late. That the answer leaves at the deadline and not after it is
 * shown by a clock of its own in workers/shared/deadline.test.ts, and by distributions in `npm run bench:indistinguishable`.
 */
const HANGS_MS = 10_000;
/** A key that comes twice breaks a rule of the whole upload. */
const TWICE = patientKeys('twice', START, 1);
/**
 * The Worker counts from the last byte of the body; this process learns later that it has sent it, on a loaded machine some
 * milliseconds. An answer that didn't wait comes 200 ms before.
 */
const CLOCK_GRAIN_MS = 25;

let system: System;
let authority: TestAuthority;
beforeAll(async () => {
  system = await startSystem({ vars: { upload: { ANSWER_DEADLINE_MS: String(DEADLINE_MS) } }, adapt: withSaboteur });
  authority = await testAuthority();
  await importLocally(system.edge.url, [authority.authority]);
});
afterAll(() => system.edge.dispose());

interface Answer {
  readonly text: string;
  /** Milliseconds from the last byte of the body to the last byte of the answer. */
  readonly waited: number;
}
interface Sending {
  /** Left out: {@link UPLOAD_PATH}. */
  readonly path?: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: Uint8Array;
  /** Without a declared length. */
  readonly chunked?: boolean;
  /** The second half of the body comes so much later. */
  readonly pauseMs?: number;
}

/** Sends one request over a socket of its own and reads until the server hangs up. */
function post({ path = UPLOAD_PATH, headers, body, chunked = false, pauseMs = 0 }: Sending): Promise<Answer> {
  const length = chunked ? { 'transfer-encoding': 'chunked' } : { 'content-length': String(body.length) };
  const lines = Object.entries({ host: 'submission.example', connection: 'close', ...length, ...headers });
  const head = `POST ${path} HTTP/1.1\r\n${lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')}\r\n`;
  const framed = (part: Uint8Array): Uint8Array =>
    chunked ? Buffer.concat([Buffer.from(`${part.length.toString(16)}\r\n`), part, Buffer.from('\r\n')]) : part;
  const middle = Math.ceil(body.length / 2);
  const { hostname, port } = new URL(system.edge.url);
  return new Promise((resolve, reject) => {
    let sentAt = 0;
    const parts: Buffer[] = [];
    const socket = connect(Number(port), hostname, () => {
      socket.setNoDelay(true);
      socket.write(head);
      socket.write(framed(body.subarray(0, middle)));
      setTimeout(() => {
        socket.write(framed(body.subarray(middle)));
        if (chunked) socket.write('0\r\n\r\n');
        sentAt = performance.now();
      }, pauseMs);
    });
    socket.on('data', (part) => parts.push(part));
    socket.on('close', () =>
      resolve({ text: Buffer.concat(parts).toString('latin1'), waited: performance.now() - sentAt }),
    );
    // A body past the limit is not read to its end; the answer is there all the same.
    socket.on('error', (error) => (parts.length > 0 ? undefined : reject(error)));
  });
}

const status = ({ text }: Answer): number => Number(text.split(' ')[1]);
/** What an observer of the wire sees of an answer, TLS aside: everything but what a status line says. */
function shape({ text }: Answer): string {
  const [head = '', body = ''] = text.split('\r\n\r\n');
  const [, ...headers] = head.split('\r\n');
  const fields = headers.map((line) => {
    const [name = '', value = ''] = line.split(': ');
    return name.toLowerCase() === 'x-padding' ? name : `${name}:${value.length}`;
  });
  return JSON.stringify({ bytes: text.length, body: body.length, fields });
}

let patients = 0;
const freshKeys = () => patientKeys(`one answer ${(patients += 1)}`, START);
const bodyOf = (keys = freshKeys()): Uint8Array => encodeSubmissionPayload(payloadOf(keys));
const freshTan = async (): Promise<string> => (await system.tans(1))[0] ?? '';
const withTan = (tan: string, change: Record<string, string> = {}) => ({
  'content-type': 'application/x-protobuf',
  'cwa-fake': '0',
  'cwa-authorization': tan,
  ...change,
});
const dummy = (body: Uint8Array): Sending => ({ headers: withTan('', { 'cwa-fake': '1' }), body });
const unknownTan = (): string => {
  const secrets = JSON.parse(readFileSync(join(system.edge.state, 'secrets.json'), 'utf8')) as Record<string, string>;
  return composeTan(new Uint8Array(10).fill(9), lastDayOfTan(START) + 1, fromBase64(secrets['TAN_MAC_KEY'] ?? ''));
};
/** A TAN that an upload has used, or holds. */
async function takenTan(how: 'used' | 'held'): Promise<string> {
  const tan = await freshTan();
  if (how === 'held') await sabotage(system.edge.url, { call: 1, when: 'before' });
  await post({ headers: withTan(tan), body: bodyOf() });
  await sabotage(system.edge.url, null);
  return tan;
}

type Case = [name: string, status: number, sending: () => Promise<Sending>];
const CASES: Case[] = [
  ['stored', 200, async () => ({ headers: withTan(await freshTan()), body: bodyOf() })],
  ['stored, in chunks', 200, async () => ({ headers: withTan(await freshTan()), body: bodyOf(), chunked: true })],
  [
    'replayed',
    200,
    async () => {
      const sending = { headers: withTan(await freshTan()), body: bodyOf() };
      await post(sending);
      return sending;
    },
  ],
  [
    'known keys',
    200,
    async () => {
      const body = bodyOf();
      await post({ headers: withTan(await freshTan()), body });
      return { headers: withTan(await freshTan()), body };
    },
  ],
  ['dummy', 200, async () => dummy(bodyOf([]))],
  ['dummy with keys', 200, async () => dummy(bodyOf())],
  ['TAN malformed', 403, async () => ({ headers: withTan('open sesame'), body: bodyOf() })],
  ['TAN forged', 403, async () => ({ headers: withTan('8ad7be4f-8c43-4d4f-9f5c-3b2a1c0d9e8f'), body: bodyOf() })],
  ['TAN unknown', 403, async () => ({ headers: withTan(unknownTan()), body: bodyOf() })],
  ['TAN used', 403, async () => ({ headers: withTan(await takenTan('used')), body: bodyOf() })],
  ['one-time password', 403, async () => ({ headers: withTan('', { 'cwa-otp': unknownTan() }), body: bodyOf() })],
  ['TAN held by another upload', 500, async () => ({ headers: withTan(await takenTan('held')), body: bodyOf() })],
  ['malformed', 400, async () => ({ headers: withTan(await freshTan()), body: new Uint8Array(900).fill(0xff) })],
  ['empty', 400, async () => ({ headers: withTan(await freshTan()), body: new Uint8Array() })],
  ['rule broken', 400, async () => ({ headers: withTan(await freshTan()), body: bodyOf([...TWICE, ...TWICE]) })],
  ['too large', 400, async () => ({ headers: withTan(await freshTan()), body: new Uint8Array(66_000) })],
  [
    'too large, in chunks',
    400,
    async () => ({ headers: withTan(await freshTan()), body: new Uint8Array(80_000), chunked: true }),
  ],
  ['no cwa-fake', 400, async () => ({ headers: { 'content-type': 'application/x-protobuf' }, body: bodyOf() })],
  [
    'two authorisations',
    400,
    async () => ({ headers: withTan(unknownTan(), { 'cwa-otp': unknownTan() }), body: bodyOf() }),
  ],
  [
    'wrong content type',
    500,
    async () => ({ headers: withTan(await freshTan(), { 'content-type': 'text/plain' }), body: bodyOf() }),
  ],
];

describe('one answer', () => {
  const seen = new Map<string, string>();

  it.for(CASES)('%s: %i, at the deadline', async ([name, expected, sending], { expect }) => {
    const answer = await post(await sending());
    expect(status(answer)).toBe(expected);
    expect(answer.waited).toBeGreaterThan(DEADLINE_MS - CLOCK_GRAIN_MS);
    expect(answer.waited).toBeLessThan(HANGS_MS);
    seen.set(name, shape(answer));
  });

  it('a neighbour that fails: 500, at the deadline', async ({ expect }) => {
    const sending = { headers: withTan(await freshTan()), body: bodyOf() };
    await sabotage(system.edge.url, { call: 1, when: 'before' });
    const answer = await post(sending);
    await sabotage(system.edge.url, null);
    expect(status(answer)).toBe(500);
    expect(answer.waited).toBeGreaterThan(DEADLINE_MS - CLOCK_GRAIN_MS);
    seen.set('neighbour failed', shape(answer));
  });

  it('all of them have one shape: bytes, header names in order, lengths of values, length of body', ({ expect }) => {
    expect(seen.size).toBe(CASES.length + 1);
    const byShape = Map.groupBy(seen.keys(), (name) => seen.get(name));
    expect([...byShape.values()].map((names) => names.length)).toEqual([seen.size]);
    const { body, fields } = JSON.parse([...byShape.keys()][0] ?? '{}') as { body: number; fields: string[] };
    expect(body).toBe(0);
    expect(fields.map((field) => field.replace(/:.*/s, '').toLowerCase()).toSorted()).toEqual([
      'cache-control',
      'connection',
      'content-encoding',
      'content-length',
      'cwa-filtered-checkins',
      'cwa-saved-checkins',
      'x-padding',
    ]);
  });

  it('the deadline counts from the last byte of the body, not from the first', async ({ expect }) => {
    for (const sending of [dummy(bodyOf([])), { headers: withTan(await freshTan()), body: bodyOf() }]) {
      const { waited } = await post({ ...sending, pauseMs: DEADLINE_MS });
      expect(waited).toBeGreaterThan(DEADLINE_MS - CLOCK_GRAIN_MS);
    }
  });
});

/** Fourteen keys of a phone of Google's dialect, or fewer, certified; and how the request differs from a good one. */
async function publishing(own: object = {}, change: Partial<Sending> = {}, keys = freshKeys()): Promise<Sending> {
  const body = utf8(JSON.stringify(await authority.request(sentKeys(keys), { now: START }, own)));
  return { path: PUBLISH_PATH, headers: { 'content-type': 'application/json' }, body, ...change };
}
/** What makes every key too far from the onset: each is left out with a warning. */
const LONG_AGO = Math.floor(START / 600) - 27 * 144;

const PUBLISH_CASES: Case[] = [
  ['published', 200, () => publishing()],
  ['published, in chunks', 200, () => publishing({}, { chunked: true })],
  [
    'published again',
    200,
    async () => {
      const sending = await publishing();
      await post(sending);
      return sending;
    },
  ],
  [
    'chaff like a request',
    200,
    () => publishing({}, { headers: { 'content-type': 'application/json', 'x-chaff': '1' } }),
  ],
  ['chaff of nothing', 200, () => publishing({}, { headers: { 'x-chaff': 'daily' }, body: new Uint8Array() })],
  [
    'a partial failure',
    200,
    () =>
      publishing({}, {}, [
        ...freshKeys(),
        ...patientKeys('no key', START, 1).map((key) => ({ ...key, keyData: new Uint8Array(3) })),
      ]),
  ],
  ['a warning a key', 200, () => publishing({ symptomOnsetInterval: LONG_AGO, revisionToken: 'A'.repeat(1800) })],
  [
    'existing keys without a token',
    400,
    async () => {
      const keys = freshKeys();
      await post({ headers: withTan(await freshTan()), body: bodyOf(keys) });
      return publishing({}, {}, keys);
    },
  ],
  ['no JSON', 400, () => publishing({}, { body: new Uint8Array(900).fill(65) })],
  ['another field', 400, () => publishing({ regions: ['DE'] })],
  ['no key', 400, () => publishing({}, {}, [])],
  ['an unknown app', 401, () => publishing({ healthAuthorityID: 'org.nobody' })],
  ['a certificate for other keys', 401, () => publishing({ temporaryExposureKeys: [] })],
  ['a body too large', 413, () => publishing({}, { body: new Uint8Array(64_001) })],
  ['a body too large, in chunks', 413, () => publishing({}, { body: new Uint8Array(80_000), chunked: true })],
  ['a wrong content type of a publish', 415, () => publishing({}, { headers: { 'content-type': 'text/plain' } })],
];

describe('one answer to publish', () => {
  const seen = new Map<string, string>();

  it('leaves at the deadline, with its status, whatever became of the request', async ({ expect }) => {
    // At once: sixteen deadlines one after the other would be waited for and show no more.
    const statuses = PUBLISH_CASES.map(async ([name, , sending]) => {
      const answer = await post(await sending());
      expect(answer.waited, name).toBeGreaterThan(DEADLINE_MS - CLOCK_GRAIN_MS);
      expect(answer.waited, name).toBeLessThan(HANGS_MS);
      seen.set(name, shape(answer));
      return [name, status(answer)];
    });
    expect(await Promise.all(statuses)).toEqual(PUBLISH_CASES.map(([name, expected]) => [name, expected]));
  });

  it('a neighbour that fails: 503, at the deadline', async ({ expect }) => {
    const sending = await publishing();
    await sabotage(system.edge.url, { call: 1, when: 'before' });
    const answer = await post(sending);
    await sabotage(system.edge.url, null);
    expect(status(answer)).toBe(503);
    expect(answer.waited).toBeGreaterThan(DEADLINE_MS - CLOCK_GRAIN_MS);
    seen.set('neighbour failed', shape(answer));
  });

  it('all of them have one shape: JSON and padding of one size together, and one set of headers', ({ expect }) => {
    expect(seen.size).toBe(PUBLISH_CASES.length + 1);
    const byShape = Map.groupBy(seen.keys(), (name) => seen.get(name));
    expect([...byShape.values()].map((names) => names.length)).toEqual([seen.size]);
    const { body, fields } = JSON.parse([...byShape.keys()][0] ?? '{}') as { body: number; fields: string[] };
    expect(body).toBe(PUBLISH_RESPONSE_BYTES);
    expect(fields.map((field) => field.replace(/:.*/s, '').toLowerCase()).toSorted()).toEqual([
      'cache-control',
      'connection',
      'content-encoding',
      'content-length',
      'content-type',
      'x-api-version',
      'x-padding',
    ]);
  });
});
