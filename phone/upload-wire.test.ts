/**
 * @module The size of what leaves the phone, captured at a raw TCP socket (design.md §10; issue 3, item 5).
 */
import { createServer, type Server, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { decodeSubmissionPayload } from '../protocol/submission-payload.ts';
import { testRandom } from './testing/random.ts';
import { withOnset } from './onset.ts';
import { currentKey, cutToday, endedKeys, type TekHistory } from './tek-schedule.ts';
import { sendDummy, upload, type UploadPorts } from './upload.ts';
import { UPLOAD_BODY_BYTES, type UploadContent } from './upload-request.ts';

const NOON = Date.UTC(2026, 5, 15, 12) / 1000;
const DAY = 86_400;
const TAN = '8ad7be4f-8c43-4d4f-9f5c-3b2a1c0d9e8f';
const random = testRandom('upload wire');

/** Bytes of each request as they arrived, the connection closed after each so that none shares a socket. */
const requests: Uint8Array[] = [];
let server: Server;
let ports: UploadPorts;

function capture(socket: Socket): void {
  const parts: Buffer[] = [];
  socket.on('data', (part) => {
    parts.push(part);
    const all = Buffer.concat(parts);
    const end = all.indexOf('\r\n\r\n');
    const length = Number(/content-length: (\d+)/i.exec(all.toString('latin1'))?.[1] ?? Number.NaN);
    if (end < 0 || all.length < end + 4 + length) return;
    requests.push(Uint8Array.from(all));
    socket.end('HTTP/1.1 200 OK\r\ncontent-length: 0\r\nconnection: close\r\n\r\n');
  });
}

beforeAll(async () => {
  server = createServer(capture);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  const port = typeof address === 'object' && address !== null ? address.port : 0;
  ports = { fetch: globalThis.fetch, baseUrl: `http://127.0.0.1:${port}`, random };
});

afterAll(() => new Promise((resolve) => server.close(resolve)));

function historyOf(days: number): TekHistory {
  let history: TekHistory = [];
  for (let day = days; day >= 0; day--) history = currentKey(history, NOON - day * DAY, random).history;
  return history;
}

function content(keys: UploadContent['keys'], more: Partial<UploadContent> = {}): UploadContent {
  return { keys, visitedCountries: [], consentToFederation: true, submissionType: 0, ...more };
}

async function capturedFrom(send: () => Promise<unknown>): Promise<Uint8Array> {
  const before = requests.length;
  await send();
  const [request, ...rest] = requests.slice(before);
  if (request === undefined || rest.length > 0) throw new Error('expected exactly one request');
  return request;
}

function bodyOf(request: Uint8Array): Uint8Array {
  return request.subarray(Buffer.from(request).indexOf('\r\n\r\n') + 4);
}

describe('one size on the wire', () => {
  it('holds for 1 to 15 keys, the next day’s last key, other countries and symptoms, and a dummy', async ({
    expect,
  }) => {
    const history = historyOf(14);
    const ended = endedKeys(cutToday(history, NOON), NOON);
    expect(ended).toHaveLength(15);
    const sizes = new Map<string, number>();
    for (let count = 1; count <= 15; count++) {
      const keys = withOnset(ended.slice(-count), { kind: 'not-said' }, NOON);
      sizes.set(`${count} keys`, (await capturedFrom(() => upload(TAN, content(keys), ports))).length);
    }
    const tomorrow = NOON + DAY;
    const last = endedKeys(currentKey(history, tomorrow, random).history, tomorrow).slice(-1);
    const lastShared = withOnset(last, { kind: 'days-ago', days: 4 }, tomorrow);
    sizes.set('last key', (await capturedFrom(() => upload(TAN, content(lastShared), ports))).length);
    const travelled = content(withOnset(ended, { kind: 'no-date' }, NOON), {
      visitedCountries: Array.from({ length: 30 }, (_, i) => `A${String.fromCharCode(65 + (i % 26))}`),
      consentToFederation: false,
      submissionType: 1,
    });
    sizes.set('30 countries', (await capturedFrom(() => upload(TAN, travelled, ports))).length);
    sizes.set('dummy', (await capturedFrom(() => sendDummy(ports))).length);
    expect(new Set(sizes.values()).size, JSON.stringify([...sizes])).toBe(1);
  });

  it('has the same header names in the same order, and every difference has one length', async ({ expect }) => {
    const keys = withOnset(endedKeys(historyOf(3), NOON), { kind: 'none' }, NOON);
    const linesOf = (request: Uint8Array): string[] =>
      Buffer.from(request.subarray(0, request.length - UPLOAD_BODY_BYTES))
        .toString('latin1')
        .split('\r\n');
    const real = linesOf(await capturedFrom(() => upload(TAN, content(keys), ports)));
    const dummy = linesOf(await capturedFrom(() => sendDummy(ports)));
    const nameOf = (line: string): string => line.split(':')[0] ?? '';
    expect(dummy.map(nameOf)).toEqual(real.map(nameOf));
    const differing = real.filter((line, i) => line !== dummy[i]).map(nameOf);
    expect(differing).toEqual(['cwa-fake', 'cwa-authorization', 'cwa-header-padding']);
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
  });
});
