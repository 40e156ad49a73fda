/**
 * @module Drives every path, method and status of docs/openapi.yaml and docs/openapi-admin.yaml against the running Workers, and holds status, headers
 * and body against what the documents say. A documented answer that nobody drives fails, and so does a driver of
 * something that isn't documented.
 */
import { readFileSync } from 'node:fs';
import { convertV4MiniflareOptions, Miniflare } from 'miniflare';
import { afterAll, beforeAll, describe, it } from 'vitest';
import { STATUS_LIST_PATH } from '../../protocol/credential/credential.ts';
import { GOOGLE_WINDOW_HOURS } from '../../protocol/index/google-index.ts';
import { type ManifestHead, type RevocationPage, revocationPagePath } from '../../protocol/index/manifest.ts';
import { toBase64Url, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { CERTIFICATE_TYPE } from '../../domain/sunset.ts';
import { CERTIFICATE_KEY } from '../../protocol/index/ended.ts';
import { signDocument } from '../../protocol/index/signed-document.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { encodeSubmissionPayload } from '../../protocol/submission-payload.ts';
import { encodeWithdrawal, WITHDRAWAL_PATH } from '../../protocol/withdrawal.ts';
import { ParameterPortal } from '../../scripts/support/portal.ts';
import { bundle } from '../../local-edge/bundle.ts';
import { json, type RawAnswer, send } from './support/http.ts';
import { GoogleWorld, mutePortal, muteUpload } from './support/google-drivers.ts';
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
const adminDocument = loadDocument('openapi-admin.yaml');
const UNKNOWN = 'A'.repeat(43);
/** Of a file of Google's view. */
const WINDOW_SECONDS = GOOGLE_WINDOW_HOURS * 3600;

let system: PublishedSystem;
/** Workers whose neighbours or objects are out of reach. */
const mute: Miniflare[] = [];
let google: GoogleWorld;
/** Of each Worker that only reads: one whose bucket is no bucket, so that each read throws, and one with an empty bucket. */
const readers = new Map<string, Miniflare>();
const origin: Record<string, string> = {};
/** Names of objects that exist. */
const present = { chunks: '', days: '', revocations: '', documents: '', files: '' };
/** What the running system has none of: nothing was taken back there. */
const REVOCATIONS: RevocationPage = {
  region: 'DE',
  revocations: [
    { hour: 490_000, days: ['2025-11-24'], chunks: [{ file: 1, of: 1, size: 3100, keys: '100-199', sha256: UNKNOWN }] },
  ],
};

async function startReader(worker: string, state: string, bindings: object): Promise<void> {
  const reader = new Miniflare(
    convertV4MiniflareOptions({
      name: `${state}-${worker}`,
      modules: [{ type: 'ESModule', path: 'reader.js', contents: await bundle(`workers/${worker}/main.ts`) }],
      compatibilityDate: '2026-11-01',
      bindings: { REGIONS: 'DE,EUR', HOME_COUNTRY: 'DE' },
      handleStructuredLogs: () => undefined,
      ...bindings,
    } as unknown as Parameters<typeof convertV4MiniflareOptions>[0]),
  );
  readers.set(`${state} ${worker}`, reader);
  origin[`${state} ${worker}`] = (await reader.ready).origin;
}

/** How `Publisher` puts it (domain/publication/head.ts). */
const objectOf = (page: Uint8Array) => ({
  key: revocationPagePath('DE', toBase64Url(sha256(page))),
  httpMetadata: { contentType: 'application/json', cacheControl: 'public, max-age=14400, immutable' },
});

/** The running system, or the reader that has what it hasn't. */
const ask = (template: string, path: string, how: Parameters<PublishedSystem['send']>[1] = {}): Promise<RawAnswer> =>
  /\/(revocations|directory)\//.test(template) ? send(origin['filled index'] ?? '', path, how) : system.send(path, how);

const payloadIn = async (path: string): Promise<unknown> =>
  JSON.parse((json(await system.send(path)) as { payload: string }).payload);

beforeAll(async () => {
  system = await startPublishedSystem({ verification: { VERIFICATION_URL: 'https://verification.example' } });
  const parameters = readFileSync(new URL('../../parameters/default.json', import.meta.url), 'utf8');
  await new ParameterPortal(system.edge.url).publish({ document: parameters, audience: null, dryRun: false }, 0);
  const { hours, pages } = (await payloadIn('/v1/DE/manifest.json')) as ManifestHead;
  const { documents } = (await payloadIn('/v1/config/head.json')) as { documents: { sha256: string }[] };
  present.chunks = hours[0]?.sha256 ?? '';
  present.days = pages[0]?.sha256 ?? '';
  present.documents = documents[0]?.sha256 ?? '';
  // As `origin` puts it: what it says is looked at in test/integration/sunset.long.test.ts.
  const bucket = await system.edge.miniflare.getR2Bucket('PUBLIC', 'exposure-edge-origin');
  const { raw } = signerFromPkcs8Pem(pkcs8PemFromScalar(new Uint8Array(32).fill(11)));
  await bucket.put(CERTIFICATE_KEY, signDocument(CERTIFICATE_TYPE, 'log-v1', {}, raw), {
    httpMetadata: { contentType: 'application/json', cacheControl: 'public, max-age=300' },
  });
  for (const worker of ['index', 'config']) {
    const failing = () => new Response(null, { status: 500 });
    await startReader(worker, 'broken', { serviceBindings: { PUBLIC: failing, DIRECTORY: failing } });
    await startReader(worker, 'empty', { r2Buckets: ['PUBLIC', 'DIRECTORY'] });
  }
  await startReader('index', 'filled', { r2Buckets: ['PUBLIC', 'DIRECTORY'] });
  const page = utf8(JSON.stringify(REVOCATIONS));
  present.revocations = toBase64Url(sha256(page));
  const { key, httpMetadata } = objectOf(page);
  const filled = readers.get('filled index')!;
  await (await filled.getR2Bucket('PUBLIC')).put(key, page, { httpMetadata });
  // Whoever brings the directory's objects gives them no metadata.
  const directory = await filled.getR2Bucket('DIRECTORY', 'filled-index');
  for (const path of ['checkpoint', 'tile/entries/000', 'tile/entries/000.p/1'])
    await directory.put(path, 'as brought');
  mute.push(...(await Promise.all([muteVerification(), muteUpload(), mutePortal()])));
  const [verification = '', upload = '', portal = ''] = await Promise.all(
    mute.map(async (worker) => (await worker.ready).origin),
  );
  origin['mute'] = verification;
  google = await GoogleWorld.of(system.edge, { verification, upload, portal });
  present.files = new TextDecoder().decode((await system.send('/v1/DE/exposure-keys/index.txt')).body);
});
afterAll(async () => {
  for (const running of [system?.edge, ...mute, ...readers.values()]) await running?.dispose();
});

/** A window that has ended and has no file, by the real clock too, or the first of the list. */
function googleFile(missing: boolean): Record<string, string> {
  const window = Math.floor(Date.now() / 1000 / WINDOW_SECONDS) * WINDOW_SECONDS;
  const absent = { start: String(window - WINDOW_SECONDS), end: String(window), n: '00001' };
  return missing ? absent : { ...(/(?<start>\d+)-(?<end>\d+)-(?<n>\d+)\.zip/.exec(present.files)?.groups ?? absent) };
}

/** Fills a path template. @param missing true: with values that are well formed but lead nowhere */
function concrete(template: string, missing: boolean): string {
  const folder = /\/(chunks|days|revocations|documents)\//.exec(template)?.[1] as keyof typeof present | undefined;
  const values: Record<string, string> = {
    region: 'DE',
    country: 'DE',
    date: missing ? '2026-01-01' : DAY_ONE,
    hour: missing ? '3' : '10',
    level: 'entries',
    index: missing ? '001' : '000',
    width: '1',
    sha256: missing || folder === undefined ? UNKNOWN : present[folder],
    ...googleFile(missing),
  };
  return template.replaceAll(/\{(\w+)\}/g, (_, name: string) => values[name] ?? '');
}

/** Which Worker a path belongs to. */
const readerOf = (template: string): string => (/\/config|app_config/.test(template) ? 'config' : 'index');

const etagOf = async (template: string): Promise<string> =>
  (await ask(template, concrete(template, false))).headers.get('etag') ?? '';

type Driver = (template: string, method: string) => Promise<RawAnswer>;

/** How each status of a static object comes about. */
const READ_DRIVERS: Readonly<Record<string, Driver>> = {
  200: (template, method) => ask(template, concrete(template, false), { method }),
  206: (template, method) => ask(template, concrete(template, false), { method, headers: { range: 'bytes=0-1' } }),
  304: async (template, method) => {
    const headers = { 'if-none-match': await etagOf(template) };
    return ask(template, concrete(template, false), { method, headers });
  },
  400: (template, method) => ask(template, `${concrete(template, false)}?a=b`, { method }),
  // Heads and lists always exist once an hour is sealed: they are asked for before.
  404: (template, method) => {
    const always = !/\{(date|sha256|index|start)\}/.test(template);
    return send(always ? (origin[`empty ${readerOf(template)}`] ?? '') : system.edge.url, concrete(template, true), {
      method,
    });
  },
  405: (template, method) => ask(template, concrete(template, false), { method }),
  416: (template, method) => ask(template, concrete(template, false), { method, headers: { range: 'bytes=9999999-' } }),
  // That reader's clock is the real one, by which a window of the running system may be long gone.
  503: (template, method) =>
    send(origin[`broken ${readerOf(template)}`] ?? '', concrete(template, template.includes('{start}')), { method }),
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

const withdrawal = async (body: Uint8Array, type = 'application/x-protobuf'): Promise<RawAnswer> =>
  system.send(WITHDRAWAL_PATH, { method: 'POST', headers: { 'content-type': type }, body });
const OPENINGS = encodeWithdrawal(
  { openings: [{ keyData: new Uint8Array(16), secret: new Uint8Array(32) }], cover: false },
  new Uint8Array(200),
);

/** How each status of a withdrawal comes about. */
const WITHDRAWAL_DRIVERS: Readonly<Record<string, Driver>> = {
  200: async () => withdrawal(OPENINGS),
  400: async () => withdrawal(new Uint8Array(3)),
  405: async () => system.send(WITHDRAWAL_PATH),
  500: async () => withdrawal(OPENINGS, 'text/plain'),
};

/** How each status of the list of credentials comes about. */
const STATUS_LIST_DRIVERS: Readonly<Record<string, Driver>> = {
  200: (path) => system.send(path),
  500: (path) => send(origin['mute'] ?? '', path),
};

/** As the end of a deployment does it (docs/sunset.md). Idempotent. */
async function stopVerification(): Promise<void> {
  const { VERIFICATION } = await system.edge.miniflare.getBindings<{
    readonly VERIFICATION: { stopForGood(hour: number): Promise<void> };
  }>('exposure-edge-portal');
  await VERIFICATION.stopForGood(Math.floor(START / 3600));
}

const driversOf = (path: string): Readonly<Record<string, Driver>> => {
  if (path === UPLOAD_PATH) return UPLOAD_DRIVERS;
  if (path === WITHDRAWAL_PATH) return WITHDRAWAL_DRIVERS;
  if (path === STATUS_LIST_PATH) return STATUS_LIST_DRIVERS;
  const phones = google.phones(path);
  if (phones !== null) return phones;
  return VERIFICATION_PATHS.includes(path) ? verificationDrivers(system.edge, origin['mute'] ?? '') : READ_DRIVERS;
};

const answersOf = (of: typeof document) =>
  operations(of).flatMap((located) =>
    Object.keys(located.operation.responses).map((status) => ({ ...located, status })),
  );

describe('every documented answer', () => {
  it.for(answersOf(document))('$method $path: $status', async ({ path, method, operation, status }, { expect }) => {
    const answer = await driversOf(path)[status]?.(path, method.toUpperCase());
    if (answer === undefined) throw new Error(`nobody drives status ${status} of ${method} ${path}`);
    expect(answer.status).toBe(Number(status));
    expect(faultsOf(document, { path, method, operation }, answer, answer.body)).toEqual([]);
  });

  // What ends the deployment comes last.
  const admin = answersOf(adminDocument).toSorted((a, b) => Number(a.status === '410') - Number(b.status === '410'));
  it.for(admin)('of the administrators’ API, $method $path: $status', async (located, { expect }) => {
    const { path, method, status } = located;
    if (status === '410') await stopVerification();
    const answer = await google.admin[status]?.(path, method.toUpperCase());
    if (answer === undefined) throw new Error(`nobody drives status ${status} of ${method} ${path}`);
    expect(answer.status).toBe(Number(status));
    expect(faultsOf(adminDocument, located, answer, answer.body)).toEqual([]);
  });
});

describe('nothing but what is documented', () => {
  it.for([
    '/',
    '/version/',
    '/version/index-v2',
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
