/**
 * @module Corona-Warn-App's upload dialect over HTTP (docs/spec/cwa.md §1.1, §1.3, §7.4), against all Workers together.
 */
import type { RedeemRpc } from '../../domain/rpc.ts';
import { fromBase64 } from '../../protocol/primitives/bytes.ts';
import { reserveRequest } from '../support/reserve-request.ts';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { encodeSubmissionPayload, type SubmittedKey } from '../../protocol/submission-payload.ts';
import { setClock } from '../../scripts/support/operator.ts';
import type { RawAnswer, RawRequest } from './support/http.ts';
import { patientKeys, payloadOf, START, startSystem, type System, UPLOAD_PATH } from './support/system.ts';

/** As in the test's composition (support/system.ts). */
const DEADLINE_MS = 100;
const UUID = '3f2b8c4e-5d6a-4b7c-8d9e-0f1a2b3c4d5e';

let system: System;
beforeAll(async () => {
  system = await startSystem();
});
afterAll(async () => {
  await system.edge.dispose();
});

const freshTan = async (): Promise<string> => (await system.tans(1))[0] ?? '';
let patients = 0;
const freshKeys = (count = 14): SubmittedKey[] => patientKeys(`dialect ${(patients += 1)}`, START, count);
const altered = (change: Partial<SubmittedKey>): SubmittedKey[] => {
  const [first, ...others] = freshKeys(3);
  return [{ ...(first as SubmittedKey), ...change }, ...others];
};
const post = (headers: Record<string, string>, body: Uint8Array, options: RawRequest = {}): Promise<RawAnswer> =>
  system.send(UPLOAD_PATH, {
    method: 'POST',
    headers: { 'content-type': 'application/x-protobuf', ...headers },
    body,
    ...options,
  });
const encoded = (keys = freshKeys()): Uint8Array => encodeSubmissionPayload(payloadOf(keys));

describe.concurrent('200', () => {
  it('stored, with the check-in headers', async ({ expect }) => {
    const answer = await system.upload(await freshTan(), payloadOf(freshKeys()));
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cwa-filtered-checkins')).toBe('0');
    expect(answer.headers.get('cwa-saved-checkins')).toBe('0');
    expect(answer.body.length).toBe(0);
  });

  it('stored before: the same keys again, padded anew', async ({ expect }) => {
    const [tan, keys] = [await freshTan(), freshKeys()];
    expect((await system.upload(tan, payloadOf(keys))).status).toBe(200);
    const again = payloadOf(keys.toReversed(), { requestPadding: new Uint8Array(99) });
    expect((await system.upload(tan, again)).status).toBe(200);
  });

  it.for([1, 2, 13, 14])('%d keys', async (count, { expect }) => {
    expect((await system.upload(await freshTan(), payloadOf(freshKeys(count)))).status).toBe(200);
  });

  it.for([16, 26])('%d keys, two of a day', async (count, { expect }) => {
    const keys = [...freshKeys(13), ...freshKeys(count - 13)];
    expect((await system.upload(await freshTan(), payloadOf(keys))).status).toBe(200);
  });

  it.for(['1', '7', '-1'])('dummy, cwa-fake: %s', async (fake, { expect }) => {
    const body = encodeSubmissionPayload(payloadOf([]));
    const answer = await post(
      { 'cwa-fake': fake, 'cwa-authorization': '', 'cwa-header-padding': 'x'.repeat(36) },
      body,
    );
    expect(answer.status).toBe(200);
    expect(answer.headers.get('cwa-filtered-checkins')).toBe('0');
    expect(answer.headers.get('cwa-saved-checkins')).toBe('0');
  });

  it('check-ins are ignored', async ({ expect }) => {
    const checkIns = [
      { locationId: new Uint8Array(32), startIntervalNumber: 1, endIntervalNumber: 2, transmissionRiskLevel: 3 },
    ];
    expect((await system.upload(await freshTan(), payloadOf(freshKeys(), { checkIns }))).status).toBe(200);
  });

  it('a country that is not supported is left out', async ({ expect }) => {
    const payload = payloadOf(freshKeys(), { visitedCountries: ['DE', 'XX'] });
    expect((await system.upload(await freshTan(), payload)).status).toBe(200);
  });

  it('a TAN in capital letters and with spaces around it, as UUID.fromString takes it', async ({ expect }) => {
    const tan = ` ${(await freshTan()).toUpperCase()} `;
    expect((await post({ 'cwa-fake': '0', 'cwa-authorization': tan }, encoded())).status).toBe(200);
  });
});

describe.concurrent('400', () => {
  const headerCases: readonly (readonly [name: string, headers: Record<string, string>])[] = [
    ['cwa-fake missing', { 'cwa-authorization': UUID }],
    ['no authorisation', { 'cwa-fake': '0' }],
    ['two authorisations', { 'cwa-fake': '0', 'cwa-authorization': UUID, 'cwa-otp': UUID }],
    ['a one-time password that is no UUID', { 'cwa-fake': '0', 'cwa-otp': 'abc' }],
  ];
  it.for(headerCases)('%s', async ([, headers], { expect }) => {
    expect((await post(headers, encoded())).status).toBe(400);
  });

  const bodyCases: readonly (readonly [name: string, body: () => Uint8Array])[] = [
    ['no protobuf', () => new TextEncoder().encode('{"keys": []}')],
    ['a protobuf that ends too early', () => encoded().subarray(0, 200)],
    ['nothing', () => new Uint8Array()],
    ['no key', () => encodeSubmissionPayload(payloadOf([]))],
    ['31 keys', () => encoded([...freshKeys(13), ...freshKeys(13), ...freshKeys(5)])],
    ['key data of 15 bytes', () => encoded(altered({ keyData: new Uint8Array(15) }))],
    ['key data of 17 bytes', () => encoded(altered({ keyData: new Uint8Array(17) }))],
    ['rolling period 0', () => encoded(altered({ rollingPeriod: 0 }))],
    ['rolling period 145', () => encoded(altered({ rollingPeriod: 145 }))],
    ['risk level 9', () => encoded(altered({ transmissionRiskLevel: 9 }))],
    ['onset outside −15..4000', () => encoded(altered({ daysSinceOnsetOfSymptoms: 4001 }))],
    [
      'the same key twice',
      () => {
        const keys = freshKeys(2);
        return encoded([...keys, ...keys]);
      },
    ],
    [
      'a submission type that needs a one-time password',
      () => encodeSubmissionPayload(payloadOf(freshKeys(), { submissionType: 3 })),
    ],
  ];
  it.for(bodyCases)('%s; the TAN is still good', async ([, body], { expect }) => {
    const tan = await freshTan();
    expect((await post({ 'cwa-fake': '0', 'cwa-authorization': tan }, body())).status).toBe(400);
    expect((await system.upload(tan, payloadOf(freshKeys()))).status).toBe(200);
  });

  it.for([
    ['declared', { chunked: false }],
    ['chunked, so that no length is declared', { chunked: true }],
  ] as const)('over 64 KB, %s', async ([, options], { expect }) => {
    const body = encodeSubmissionPayload(payloadOf(freshKeys(), { requestPadding: new Uint8Array(70_000) }));
    const answer = await post({ 'cwa-fake': '0', 'cwa-authorization': await freshTan() }, body, options);
    expect(answer.status).toBe(400);
  });
});

describe.concurrent('403', () => {
  const tans: readonly (readonly [name: string, tan: () => Promise<string>])[] = [
    ['a TAN that is no UUID', async () => 'not-a-uuid'],
    ['a forged TAN', async () => UUID],
    [
      'a TAN with one digit changed',
      async () => (await freshTan()).replace(/^./, (digit) => (digit === '0' ? '1' : '0')),
    ],
  ];
  it.for(tans)('%s', async ([, tan], { expect }) => {
    const answer = await post({ 'cwa-fake': '0', 'cwa-authorization': await tan() }, encoded());
    expect(answer.status).toBe(403);
  });

  it('a TAN that was used for other keys', async ({ expect }) => {
    const tan = await freshTan();
    expect((await system.upload(tan, payloadOf(freshKeys()))).status).toBe(200);
    expect((await system.upload(tan, payloadOf(freshKeys()))).status).toBe(403);
  });

  it('a one-time password', async ({ expect }) => {
    expect((await post({ 'cwa-fake': '0', 'cwa-otp': UUID }, encoded())).status).toBe(403);
  });
});

describe('500', () => {
  it.for(['application/json', 'application/octet-stream', ''])('content type "%s"', async (type, { expect }) => {
    const headers = { 'cwa-fake': '0', 'cwa-authorization': await freshTan(), 'content-type': type };
    expect((await post(headers, encoded())).status).toBe(500);
  });

  it.for(['yes', '0x0', '1.5'])('cwa-fake: %s', async (fake, { expect }) => {
    expect((await post({ 'cwa-fake': fake, 'cwa-authorization': UUID }, encoded())).status).toBe(500);
  });

  it('a TAN that another upload holds: later it works, and the other one is dead', async ({ expect }) => {
    const tan = await freshTan();
    const { REDEEM, UPLOAD_ID_KEY } = await system.edge.miniflare.getBindings<{
      readonly REDEEM: RedeemRpc;
      readonly UPLOAD_ID_KEY: string;
    }>('exposure-edge-upload');
    const request = reserveRequest('ab'.repeat(32), fromBase64(UPLOAD_ID_KEY));
    expect(await REDEEM.reserve(tan, request)).toMatchObject({ kind: 'reserved' });
    const keys = freshKeys();
    expect((await system.upload(tan, payloadOf(keys))).status).toBe(500);
    await setClock(system.edge.url, START + 120);
    expect((await system.upload(tan, payloadOf(keys))).status).toBe(200);
    await setClock(system.edge.url, START);
  });
});

describe('one answer', () => {
  it('the same header names, size and deadline, whatever happened', async ({ expect }) => {
    const tan = await freshTan();
    const auth = { 'cwa-fake': '0', 'cwa-authorization': tan };
    const requests: readonly (readonly [status: number, send: () => Promise<RawAnswer>])[] = [
      [200, () => system.upload(tan, payloadOf(freshKeys()))],
      [200, () => system.upload(null, payloadOf([]))],
      [400, () => post(auth, new TextEncoder().encode('nonsense'))],
      [400, () => post(auth, new Uint8Array(70_000))],
      [403, () => system.upload(tan, payloadOf(freshKeys()))],
      [403, () => system.upload(UUID, payloadOf(freshKeys()))],
      [500, () => post({ ...auth, 'content-type': 'text/plain' }, encoded())],
    ];
    const shapes = new Set<string>();
    for (const [status, request] of requests) {
      const begun = performance.now();
      const answer = await request();
      expect(answer.status).toBe(status);
      expect(performance.now() - begun).toBeGreaterThan(DEADLINE_MS - 2);
      const names = answer.rawHeaders.map(([name]) => name).toSorted();
      shapes.add(JSON.stringify([names, answer.headBytes, answer.body.length]));
    }
    expect([...shapes]).toHaveLength(1);
  });

  it('nothing of it is logged', async ({ expect }) => {
    const tan = await freshTan();
    const keys = freshKeys();
    await system.upload(tan, payloadOf(keys));
    await system.upload(UUID, payloadOf(keys));
    const secrets = [tan, UUID, '127.0.0.1', ...keys.map((key) => Buffer.from(key.keyData ?? []).toString('hex'))];
    for (const secret of secrets) expect(system.log.join('\n').toLowerCase()).not.toContain(secret);
  });
});
