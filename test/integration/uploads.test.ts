/**
 * @module Bad and odd uploads against all Workers together (issue "Bad input and failure"): what the phone is told, and
 * that exactly the keys that were acknowledged come out, each once.
 */
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { composeTan, lastDayOfTan } from '../../domain/tan.ts';
import { fromBase64 } from '../../protocol/primitives/bytes.ts';
import { SECONDS_PER_HOUR } from '../../protocol/gaen/intervals.ts';
import { encodeSubmissionPayload, type SubmittedKey } from '../../protocol/submission-payload.ts';
import { moveClock, setClock, status } from '../../scripts/support/operator.ts';
import { patientKeys, payloadOf, START, startSystem, type System, UPLOAD_PATH } from '../conformance/support/system.ts';
import { names, publishedKeys } from '../support/published.ts';

/** Policy that lets a single upload out, so that what was stored can be seen. */
const OPEN_POLICY = { MIN_KEYS: '1', MIN_UPLOADS: '1' };
const LIMIT_BYTES = 64 * 1024;

let system: System;
/** Every key an upload of which was acknowledged. */
const acknowledged = new Map<string, SubmittedKey>();
let tans: string[];

const nextTan = (): string => {
  const tan = tans.pop();
  if (tan === undefined) throw new Error('out of TANs');
  return tan;
};
const acknowledge = (keys: readonly SubmittedKey[]): void => {
  for (const key of keys) acknowledged.set(names([key])[0] ?? '', key);
};
const headersFor = (tan: string): Record<string, string> => ({
  'content-type': 'application/x-protobuf',
  'cwa-fake': '0',
  'cwa-authorization': tan,
});
const post = (headers: Record<string, string>, body: Uint8Array, chunked = false) =>
  system.send(UPLOAD_PATH, { method: 'POST', headers, body, chunked });
const bodyOf = (label: string): Uint8Array => encodeSubmissionPayload(payloadOf(patientKeys(label, START)));

beforeAll(async () => {
  system = await startSystem({ vars: { upload: { ANSWER_DEADLINE_MS: '100' }, origin: OPEN_POLICY } });
  tans = await system.tans(20);
});
afterAll(() => system.edge.dispose());

describe('an upload', () => {
  it('is stored, and stored once when it is sent again', async ({ expect }) => {
    const tan = nextTan();
    const keys = patientKeys('again', START);
    expect((await system.upload(tan, payloadOf(keys))).status).toBe(200);
    expect((await system.upload(tan, payloadOf(keys, { requestPadding: null }))).status).toBe(200);
    acknowledge(keys);
  });

  it('may come in chunks, without a length', async ({ expect }) => {
    expect((await post(headersFor(nextTan()), bodyOf('chunked'), true)).status).toBe(200);
    acknowledge(patientKeys('chunked', START));
  });

  it('of a key that somebody else sent first is acknowledged, and publishes it once', async ({ expect }) => {
    const [shared, ...others] = patientKeys('again', START);
    const mine = patientKeys('second person', START).slice(1);
    expect(others.length).toBeGreaterThan(0);
    expect((await system.upload(nextTan(), payloadOf([...(shared ? [shared] : []), ...mine]))).status).toBe(200);
    acknowledge(mine);
  });

  it('of known keys alone is acknowledged and leaves its TAN', async ({ expect }) => {
    const tan = nextTan();
    expect((await system.upload(tan, payloadOf(patientKeys('again', START)))).status).toBe(200);
    const keys = patientKeys('after known keys', START);
    expect((await system.upload(tan, payloadOf(keys))).status).toBe(200);
    acknowledge(keys);
  });
});

describe('a refused upload', () => {
  it.for([
    ['no protobuf', 400, () => Uint8Array.from({ length: 400 }, (_, i) => 255 - (i % 256))],
    ['no key', 400, () => encodeSubmissionPayload(payloadOf([]))],
    [
      '31 keys',
      400,
      () =>
        encodeSubmissionPayload(
          payloadOf([...patientKeys('x', START, 13), ...patientKeys('y', START, 13), ...patientKeys('z', START, 5)]),
        ),
    ],
    ['a byte over the limit', 400, () => new Uint8Array(LIMIT_BYTES + 1)],
    ['two overlapping keys', 400, () => overlapping()],
  ] as const)('with %s is told %i and leaves its TAN', async ([name, expected, body], { expect }) => {
    const tan = nextTan();
    expect((await post(headersFor(tan), body())).status).toBe(expected);
    const keys = patientKeys(`after ${name}`, START);
    expect((await system.upload(tan, payloadOf(keys))).status).toBe(200);
    acknowledge(keys);
  });

  it('in chunks, over the limit, is counted and not believed', async ({ expect }) => {
    expect((await post(headersFor(nextTan()), new Uint8Array(LIMIT_BYTES * 2), true)).status).toBe(400);
  });

  it.for([
    ['a wrong content type', 500, { 'content-type': 'application/json' }],
    ['no cwa-fake', 400, { 'cwa-fake': '' }],
    ['no authorisation', 400, { 'cwa-authorization': '' }],
    ['an authorisation that is no TAN', 403, { 'cwa-authorization': 'open sesame' }],
    ['a TAN anybody can write', 403, { 'cwa-authorization': '8ad7be4f-8c43-4d4f-9f5c-3b2a1c0d9e8f' }],
  ] as const)('with %s is told %i', async ([name, expected, headers], { expect }) => {
    expect((await post({ ...headersFor(nextTan()), ...headers }, bodyOf(name))).status).toBe(expected);
  });

  it('with a forged TAN, one digit changed, is told 403', async ({ expect }) => {
    const tan = nextTan();
    const forged = `${tan.slice(0, -1)}${tan.endsWith('0') ? '1' : '0'}`;
    expect((await post(headersFor(forged), bodyOf('forged'))).status).toBe(403);
  });

  it('with a well-made TAN that nobody issued is told 403', async ({ expect }) => {
    const secrets = JSON.parse(readFileSync(join(system.edge.state, 'secrets.json'), 'utf8')) as Record<string, string>;
    const unknown = composeTan(
      new Uint8Array(10).fill(7),
      lastDayOfTan(START) + 1,
      fromBase64(secrets['TAN_MAC_KEY'] ?? ''),
    );
    expect((await post(headersFor(unknown), bodyOf('unknown'))).status).toBe(403);
  });

  it('with a used TAN and another payload is told 403', async ({ expect }) => {
    const tan = nextTan();
    const keys = patientKeys('first with it', START);
    expect((await system.upload(tan, payloadOf(keys))).status).toBe(200);
    acknowledge(keys);
    expect((await system.upload(tan, payloadOf(patientKeys('second with it', START)))).status).toBe(403);
    expect((await system.upload(tan, payloadOf(keys))).status).toBe(200);
  });

  it('with a valid TAN is stored, however many failed before it from the same address', async ({ expect }) => {
    const used = nextTan();
    const keys = patientKeys('before the flood', START);
    expect((await system.upload(used, payloadOf(keys))).status).toBe(200);
    const fail = (n: number) => post(headersFor(n % 2 === 0 ? used : randomUUID()), bodyOf(`failure ${n}`));
    const failures = await Promise.all(Array.from({ length: 300 }, (_, n) => fail(n)));
    expect(new Set(failures.map((failure) => failure.status))).toEqual(new Set([403]));
    const after = patientKeys('after the flood', START);
    expect((await system.upload(nextTan(), payloadOf(after))).status).toBe(200);
    acknowledge([...keys, ...after]);
  });

  it('with an expired TAN is told 403', async ({ expect }) => {
    const tan = nextTan();
    await setClock(system.edge.url, START + 14 * 24 * SECONDS_PER_HOUR + SECONDS_PER_HOUR); // a life ends with a full hour
    expect((await system.upload(tan, payloadOf(patientKeys('expired', START)))).status).toBe(403);
    await setClock(system.edge.url, START);
  });
});

it('a dummy is told 200 and stores nothing', async ({ expect }) => {
  expect((await system.upload(null, payloadOf([]))).status).toBe(200);
  expect((await system.upload(null, payloadOf(patientKeys('dummy', START)))).status).toBe(200);
});

it('what was acknowledged is published, in both regions, each key once, and nothing else', async ({ expect }) => {
  await moveClock(system.edge.url, START + SECONDS_PER_HOUR);
  const expected = names([...acknowledged.values()]);
  expect(expected.length).toBeGreaterThan(100);
  for (const region of ['DE', 'EUR']) expect(names(await publishedKeys(system.edge, region))).toEqual(expected);
  expect((await status(system.edge.url)).idle).toBe(true);
});

it('the Workers logged nothing of all this', ({ expect }) => {
  expect(system.log).toEqual([]);
});

function overlapping(): Uint8Array {
  const [first, ...rest] = patientKeys('overlap', START);
  const later = { ...rest[0]!, rollingStartIntervalNumber: first!.rollingStartIntervalNumber! - 10 };
  return encodeSubmissionPayload(payloadOf([first!, later]));
}
