/**
 * @module The size of what leaves the phone, captured at a raw TCP socket (docs/architecture.md §10).
 */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { decodeSubmissionPayload } from '../../protocol/submission-payload.ts';
import { testRandom } from '../testing/random.ts';
import { splitRequest, tapWire, type WireTap } from '../testing/socket.ts';
import { withOnset } from './onset.ts';
import { currentKey, cutToday, endedKeys, type TekHistory } from '../radio/tek-schedule.ts';
import { sendDummy, upload, type UploadPorts } from './upload.ts';
import { UPLOAD_BODY_BYTES, type UploadContent } from './upload-request.ts';

const NOON = Date.UTC(2026, 5, 15, 12) / 1000;
const DAY = 86_400;
const TAN = '8ad7be4f-8c43-4d4f-9f5c-3b2a1c0d9e8f';
const random = testRandom('upload wire');

let tap: WireTap;
let ports: UploadPorts;

beforeAll(async () => {
  tap = await tapWire();
  ports = { fetch: globalThis.fetch, baseUrl: tap.url, random };
});
afterAll(() => tap.close());

function historyOf(days: number): TekHistory {
  let history: TekHistory = [];
  for (let day = days; day >= 0; day--) history = currentKey(history, NOON - day * DAY, random).history;
  return history;
}

function content(keys: UploadContent['keys'], more: Partial<UploadContent> = {}): UploadContent {
  return { keys, visitedCountries: [], consentToFederation: true, submissionType: 0, ...more };
}

async function capturedFrom(send: () => Promise<unknown>): Promise<Uint8Array> {
  const [request, ...rest] = await tap.captured(send);
  if (request === undefined || rest.length > 0) throw new Error('expected exactly one request');
  return request;
}

function bodyOf(request: Uint8Array): Uint8Array {
  return splitRequest(request).body;
}

describe('one size on the wire', () => {
  it('holds for 1 to 30 keys, the next day’s last key, other countries and symptoms, and a dummy', async ({
    expect,
  }) => {
    const history = historyOf(14);
    const ended = endedKeys(cutToday(history, NOON), NOON);
    expect(ended).toHaveLength(15);
    // Each day cut once, as after a release on the same day: two keys a day.
    const cut = ended.flatMap((key) => [
      { ...key, rollingPeriod: 60 },
      { ...key, keyData: random(16), rollingPeriod: 84 },
    ]);
    const sizes = new Map<string, number>();
    for (let count = 1; count <= 30; count++) {
      const keys = withOnset(cut.slice(-count), { kind: 'not-said' }, NOON);
      sizes.set(`${count} keys`, (await capturedFrom(() => upload(TAN, content(keys), ports))).length);
    }
    const tomorrow = NOON + DAY;
    const last = endedKeys(currentKey(history, tomorrow, random).history, tomorrow).slice(-1);
    const lastShared = withOnset(last, { kind: 'days-ago', days: 4 }, tomorrow);
    sizes.set('last key', (await capturedFrom(() => upload(TAN, content(lastShared), ports))).length);
    const withSecret = cut.map((key) => ({ ...key, withdrawalSecret: random(32) }));
    const travelled = content(withOnset(withSecret, { kind: 'no-date' }, NOON), {
      visitedCountries: Array.from({ length: 30 }, (_, i) => `A${String.fromCharCode(65 + (i % 26))}`),
      consentToFederation: false,
      submissionType: 1,
    });
    sizes.set('30 countries', (await capturedFrom(() => upload(TAN, travelled, ports))).length);
    sizes.set('dummy', (await capturedFrom(() => sendDummy(ports))).length);
    expect(new Set(sizes.values()).size, JSON.stringify([...sizes])).toBe(1);
  });

  it('has the same headers to the letter: what it is stands in the body', async ({ expect }) => {
    const keys = withOnset(endedKeys(historyOf(3), NOON), { kind: 'none' }, NOON);
    const linesOf = (request: Uint8Array): string[] => splitRequest(request).lines;
    const real = linesOf(await capturedFrom(() => upload(TAN, content(keys), ports)));
    const dummy = linesOf(await capturedFrom(() => sendDummy(ports)));
    expect(dummy).toEqual(real);
    expect(real.filter((line) => /^cwa-/i.test(line))).toEqual([]);
  });

  it.for([
    { configured: 256, size: 2048 },
    { configured: 4096, size: 4096 },
    { configured: 65_536, size: 16_384 },
  ])('is the configured one where it can be: $configured → $size', async ({ configured, size }, { expect }) => {
    const wide = { ...ports, bodyBytes: configured };
    const ended = withOnset(endedKeys(historyOf(14), NOON), { kind: 'none' }, NOON);
    for (const keys of [ended, ended.slice(-1)]) {
      expect(bodyOf(await capturedFrom(() => upload(TAN, content(keys), wide)))).toHaveLength(size);
    }
    expect(bodyOf(await capturedFrom(() => sendDummy(wide)))).toHaveLength(size);
  });

  it('sends bodies that the server’s reader understands, with fresh padding on each attempt', async ({ expect }) => {
    const keys = withOnset(endedKeys(historyOf(5), NOON), { kind: 'days-ago', days: 2 }, NOON);
    const first = bodyOf(await capturedFrom(() => upload(TAN, content(keys), ports)));
    const second = bodyOf(await capturedFrom(() => upload(TAN, content(keys), ports)));
    const dummy = bodyOf(await capturedFrom(() => sendDummy(ports)));
    expect([first.length, second.length, dummy.length]).toEqual(Array(3).fill(UPLOAD_BODY_BYTES));
    const [one, two, none] = [first, second, dummy].map((body) => decodeSubmissionPayload(body));
    if (one?.ok !== true || two?.ok !== true || none?.ok !== true) throw new Error('malformed');
    expect(one.value.keys.map((key) => key.keyData)).toEqual(keys.map((key) => key.keyData));
    expect(one.value.keys.map((key) => key.daysSinceOnsetOfSymptoms)).toEqual([-3, -2, -1, 0, 1]);
    expect({ ...two.value, requestPadding: null }).toEqual({ ...one.value, requestPadding: null });
    expect(two.value.requestPadding).not.toEqual(one.value.requestPadding);
    expect(none.value.keys).toEqual([]);
    const stated = [one, none].map(({ value }) => [value.cover, value.authorization]);
    expect(stated).toEqual([
      [null, TAN],
      [true, null],
    ]);
  });
});
