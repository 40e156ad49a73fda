/**
 * @module Drives every path, method and status of docs/openapi.yaml against the running Workers, and holds status, headers
 * and body against what the document says. A documented answer that nobody drives fails, and so does a driver of
 * something that isn't documented.
 */
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { encodeSubmissionPayload } from '../../protocol/submission-payload.ts';
import { bundle } from '../../scripts/local-edge/bundle.ts';
import { json, type RawAnswer, send } from './support/http.ts';
import { muteVerification, VERIFICATION_PATHS, verificationDrivers } from './support/verification-drivers.ts';
import { faultsOf, loadDocument, operations } from './support/openapi.ts';
import {
  DAY_ONE,
  DAY_TWO,
  patientKeys,
  payloadOf,
  type PublishedSystem,
  START,
  startPublishedSystem,
  UPLOAD_PATH,
} from './support/system.ts';

const document = loadDocument();
const UNKNOWN = 'A'.repeat(43);

let system: PublishedSystem;
/** `index` whose bucket is no bucket: each read of it throws. */
let broken: Miniflare;
/** `index` before the first hour: an empty bucket. */
let empty: Miniflare;
/** `verification` whose objects are out of reach. */
let mute: Miniflare;
const origin = { broken: '', empty: '', mute: '' };
/** Names of a chunk and a page that exist. */
const present = { chunk: '', page: '' };

async function startIndex(name: string, bindings: object): Promise<Miniflare> {
  return new Miniflare(
    convertV4MiniflareOptions({
      name,
      modules: [{ type: 'ESModule', path: 'index.js', contents: await bundle('workers/index/main.ts') }],
      compatibilityDate: '2026-11-01',
      bindings: { REGIONS: 'DE,EUR' },
      handleStructuredLogs: () => undefined,
      ...bindings,
    } as unknown as Parameters<typeof convertV4MiniflareOptions>[0]),
  );
}

beforeAll(async () => {
  system = await startPublishedSystem();
  const { payload } = json(await system.send('/v1/DE/manifest.json')) as { payload: string };
  const head = JSON.parse(payload) as { hours: { sha256: string }[]; pages: { sha256: string }[] };
  present.chunk = head.hours[0]?.sha256 ?? '';
  present.page = head.pages[0]?.sha256 ?? '';
  broken = await startIndex('broken', { serviceBindings: { PUBLIC: () => new Response(null, { status: 500 }) } });
  empty = await startIndex('empty', { r2Buckets: ['PUBLIC'] });
  mute = await muteVerification();
  origin.mute = (await mute.ready).origin;
  origin.broken = (await broken.ready).origin;
  origin.empty = (await empty.ready).origin;
});
afterAll(async () => {
  for (const running of [system?.edge, broken, empty, mute]) await running?.dispose();
});

/** Fills a path template. @param missing true: with values that are well formed but lead nowhere */
function concrete(template: string, missing: boolean): string {
  const values: Record<string, string> = {
    region: 'DE',
    date: missing ? '2026-01-01' : DAY_ONE,
    hour: missing ? '3' : '10',
    sha256: missing ? UNKNOWN : template.includes('/days/') ? present.page : present.chunk,
  };
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '');
}

const etagOf = async (path: string): Promise<string> => (await system.send(path)).headers.get('etag') ?? '';

type Driver = (template: string, method: string) => Promise<RawAnswer>;

/** How each status of a static object comes about. */
const READ_DRIVERS: Readonly<Record<string, Driver>> = {
  200: (template, method) => system.send(concrete(template, false), { method }),
  206: (template, method) => system.send(concrete(template, false), { method, headers: { range: 'bytes=0-1' } }),
  304: async (template, method) => {
    const path = concrete(template, false);
    return system.send(path, { method, headers: { 'if-none-match': await etagOf(path) } });
  },
  400: (template, method) => system.send(`${concrete(template, false)}?a=b`, { method }),
  // Heads and lists always exist once an hour is sealed: they are asked for before.
  404: (template, method) => {
    const always = !template.includes('{date}') && !template.includes('{sha256}');
    return send(always ? origin.empty : system.edge.url, concrete(template, true), { method });
  },
  405: (template, method) => system.send(concrete(template, false), { method }),
  416: (template, method) => system.send(concrete(template, false), { method, headers: { range: 'bytes=9999999-' } }),
  503: (template, method) => send(origin.broken, concrete(template, false), { method }),
};

const uploadOf = async (tan: string, type = 'application/x-protobuf'): Promise<RawAnswer> =>
  system.send(UPLOAD_PATH, {
    method: 'POST',
    headers: { 'content-type': type, 'cwa-fake': '0', 'cwa-authorization': tan },
    body: encodeSubmissionPayload(payloadOf(patientKeys(`openapi ${tan}`, START))),
  });

/** How each status of the upload comes about. */
const UPLOAD_DRIVERS: Readonly<Record<string, Driver>> = {
  200: async () => uploadOf((await system.tans(1))[0] ?? ''),
  400: async () =>
    system.send(UPLOAD_PATH, {
      method: 'POST',
      headers: { 'content-type': 'application/x-protobuf' },
      body: new Uint8Array(3),
    }),
  403: async () => uploadOf('3f2b8c4e-5d6a-4b7c-8d9e-0f1a2b3c4d5e'),
  405: async () => system.send(UPLOAD_PATH),
  500: async () => uploadOf('3f2b8c4e-5d6a-4b7c-8d9e-0f1a2b3c4d5e', 'text/plain'),
};

const driversOf = (path: string): Readonly<Record<string, Driver>> => {
  if (path === UPLOAD_PATH) return UPLOAD_DRIVERS;
  return VERIFICATION_PATHS.includes(path) ? verificationDrivers(system.edge, origin.mute) : READ_DRIVERS;
};

const documented = operations(document).flatMap((located) =>
  Object.keys(located.operation.responses).map((status) => ({ ...located, status })),
);

describe('every documented answer', () => {
  it.for(documented)('$method $path: $status', async ({ path, method, operation, status }, { expect }) => {
    const answer = await driversOf(path)[status]?.(path, method.toUpperCase());
    if (answer === undefined) throw new Error(`nobody drives status ${status} of ${method} ${path}`);
    expect(answer.status).toBe(Number(status));
    expect(faultsOf(document, { path, method, operation }, answer, answer.body)).toEqual([]);
  });
});

describe('nothing but what is documented', () => {
  it.for([
    '/',
    '/version',
    '/version/v1',
    '/version/v1/testresult/',
    '/version/v1/diagnosis-keys/country/DE',
    '/v1/DE',
    '/v1/DE/chunks/',
    `/version/v1/diagnosis-keys/country/DE/date/${DAY_TWO}/hour/24`,
    '/favicon.ico',
    '/robots.txt',
  ])('%s: 404', async (path, { expect }) => {
    const answer = await system.send(path);
    expect(answer.status).toBe(404);
    expect(answer.headers.get('cache-control')).toBe('no-store');
  });

  it('answers of the Workers carry no header that names the machinery', async ({ expect }) => {
    const names = new Set<string>();
    for (const path of ['/v1/DE/manifest.json', '/version', UPLOAD_PATH]) {
      for (const [name] of (await system.send(path)).rawHeaders) names.add(name);
    }
    for (const name of ['server', 'x-powered-by', 'set-cookie', 'via', 'last-modified'])
      expect(names).not.toContain(name);
  });
});
