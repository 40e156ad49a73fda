/**
 * @module What the sizes of CWA's own requests give away (docs/spec/cwa.md §1.3), measured on its padding and its headers and held
 * against the tables in docs/privacy.md. The server can't change what those apps send.
 */
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http2';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, beforeEach, describe, it } from 'vitest';
import { openWire, type WireRequest } from '../../load-tests/edge-tier/wire.ts';
import { testRandom } from '../../phone/testing/random.ts';
import { randomBelow, randomUuid } from '../../phone/random.ts';
import { CLIENT_HEADERS } from '../../scripts/support/client-headers.ts';
import { DECOY_PROFILE } from '../../domain/decoy-profile.ts';
import { encodeSubmissionPayload } from '../../protocol/submission-payload.ts';
import { patientKeys, payloadOf, START } from './support/system.ts';
import { itLong } from '../support/longer.ts';

/** Android pads to 15 keys, iOS to 14, both with 28 bytes a missing key. */
const PADDED_TO = { Android: 15, iOS: 14 } as const;
const PADDING_A_KEY = 28;
/** Value for the day of the upload; null: the app sends a risk level alone. */
const ONSETS = [null, ...DECOY_PROFILE.answers.flatMap(({ from, to }) => [from, to])];

/** Bytes of a body with `count` keys; 0: a dummy. */
function bodyBytes(paddedTo: number, count: number, onset: number | null, cut: boolean): number {
  const perDay = count > paddedTo ? 2 : 1;
  const keys = patientKeys('size', START, count).map((key, n) => ({
    ...key,
    daysSinceOnsetOfSymptoms: onset === null ? null : onset - 1 - Math.floor(n / perDay),
    rollingPeriod: perDay === 2 ? [104, 142][n % 2]! : cut && n === 0 ? 60 : key.rollingPeriod,
  }));
  const requestPadding = new Uint8Array(PADDING_A_KEY * Math.max(paddedTo - count, 0)).fill(0x41);
  return encodeSubmissionPayload(payloadOf(keys, { requestPadding })).length;
}

/** `3 to 7`: bytes that a real upload of `count` keys is longer than a dummy, whatever was answered about symptoms. */
function excess(paddedTo: number, count: number): string {
  const dummy = bodyBytes(paddedTo, 0, null, false);
  const sizes = ONSETS.flatMap((onset) => [true, false].map((cut) => bodyBytes(paddedTo, count, onset, cut) - dummy));
  return `${Math.min(...sizes)} to ${Math.max(...sizes)}`;
}

/** 28: two keys of each of 14 days, as after releases on their days. */
const COUNTS = [1, 5, 10, 13, 14, 28];

const row = (cells: readonly (string | number)[]): string => `| ${cells.join(' | ')} |`;
/** The document; tables stand in a list. */
const privacy = (): string =>
  readFileSync(new URL('../../docs/privacy.md', import.meta.url), 'utf8').replaceAll(/^ +/gm, '');

describe('docs/privacy.md', () => {
  it('says how much longer a real upload of CWA’s apps is than their dummy', ({ expect }) => {
    const table = [
      row(['Keys', ...COUNTS]),
      row(['---', ...COUNTS.map(() => '---')]),
      ...Object.entries(PADDED_TO).map(([app, to]) => row([`${app}, bytes`, ...COUNTS.map((n) => excess(to, n))])),
    ].join('\n');
    expect(privacy()).toContain(table);
  });
});

/** [APP] `util/PaddingTool.kt`. */
const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789';
const DUMMY_TOKEN = '11111111-2222-4444-8888-161616161616';
let random = testRandom('');
const letters = (length: number): string =>
  Array.from({ length }, () => ALPHABET.charAt(randomBelow(random, ALPHABET.length))).join('');

/** A question of the Android app ([APP] `coronatest/server/VerificationServer.kt`). */
function question(route: 'registrationToken' | 'testresult' | 'tan', fake: '0' | '1'): WireRequest {
  const content =
    route === 'registrationToken'
      ? { keyType: 'GUID', key: Buffer.from(random(32)).toString('hex') }
      : { registrationToken: fake === '1' ? DUMMY_TOKEN : randomUuid(random) };
  const missing = 250 - JSON.stringify({ ...content, requestPadding: '' }).length;
  const body = JSON.stringify({ ...content, requestPadding: letters(missing) });
  const headerPadding = letters({ registrationToken: 0, testresult: 7, tan: 14 }[route]);
  const headers = { 'cwa-fake': fake, 'cwa-header-padding': headerPadding, 'content-type': 'application/json' };
  return {
    path: `/version/v1/${route}`,
    headers: { ...headers, ...CLIENT_HEADERS.Android },
    body: new TextEncoder().encode(body),
  };
}

/** Headers of an upload of either app; bodies are the other table's. */
function uploadHead(fake: '0' | '1'): WireRequest {
  const isDummy = fake === '1';
  const headers = {
    'cwa-authorization': isDummy ? '' : randomUuid(random),
    'cwa-fake': fake,
    'cwa-header-padding': isDummy ? letters(36) : '',
    'content-type': 'application/x-protobuf',
  };
  return {
    path: '/version/v1/diagnosis-keys',
    headers: { ...headers, ...CLIENT_HEADERS.Android },
    body: new Uint8Array(420),
  };
}

/** What the app asks verification in each playbook ([APP] `playbook/`): its only dummy there is a feigned TAN. */
const PLAYBOOKS: Readonly<Record<string, () => readonly [WireRequest, WireRequest]>> = {
  cover: () => [question('tan', '1'), question('tan', '1')],
  register: () => [question('registrationToken', '0'), question('testresult', '0')],
  poll: () => [question('testresult', '0'), question('tan', '1')],
  submit: () => [question('tan', '0'), question('tan', '1')],
};
const DRAWS = 24;
const range = (sizes: readonly number[]): string => `${Math.min(...sizes)} to ${Math.max(...sizes)}`;

describe('HTTP/2, by the HPACK encoder of this Node (nghttp2)', () => {
  const server = createServer((request, response) => {
    request.resume();
    request.on('end', () => response.end());
  });
  let origin: string;
  beforeAll(async () => {
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  });
  afterAll(() => void server.close());
  // Each test draws the same, alone or behind the other.
  beforeEach(() => (random = testRandom('requests of CWA')));

  /** Bytes of each of the requests, over one connection of their own. */
  async function sizesOf(requests: readonly WireRequest[]): Promise<number[]> {
    const connection = await openWire(origin, 'HTTP/2');
    const sizes: number[] = [];
    for (const request of requests) sizes.push((await connection.ask(request)).up);
    connection.close();
    return sizes;
  }

  /** One connection after the other: what one sends must not wait for another. */
  async function drawn(requests: () => readonly WireRequest[]): Promise<number[][]> {
    const sizes: number[][] = [];
    for (let draw = 0; draw < DRAWS; draw += 1) sizes.push(await sizesOf(requests()));
    return sizes;
  }

  itLong('says what the second question of a connection tells of CWA’s apps', async ({ expect }) => {
    const seconds = new Map<string, number[]>();
    const lines: string[] = [];
    for (const [name, requests] of Object.entries(PLAYBOOKS)) {
      const sizes = await drawn(requests);
      const [first, second] = [sizes.map(([one = 0]) => one), sizes.map(([, two = 0]) => two)];
      seconds.set(name, second);
      lines.push(row([name, range(first), range(second)]));
    }
    const table = [row(['Playbook', 'first question, bytes', 'second']), row(['---', '---', '---']), ...lines];
    expect(privacy()).toContain(table.join('\n'));
    const cover = Math.max(...(seconds.get('cover') ?? []));
    expect(Math.min(...(seconds.get('poll') ?? []), ...(seconds.get('submit') ?? []))).toBeGreaterThan(cover);
  });

  it('says what the head of an upload tells of CWA’s apps', async ({ expect }) => {
    const headsOf = async (fake: '0' | '1') => (await drawn(() => [uploadHead(fake)])).map(([one = 0]) => one - 420);
    const table = [
      row(['Upload', 'head, bytes']),
      row(['---', '---']),
      row(['real', range(await headsOf('0'))]),
      row(['dummy', range(await headsOf('1'))]),
    ];
    expect(privacy()).toContain(table.join('\n'));
  });
});
