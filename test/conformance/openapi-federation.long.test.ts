/**
 * @module Drives every path and status of docs/openapi-federation.yaml against the running Worker, with batches that `origin` sealed of real uploads.
 */
import { afterAll, beforeAll, describe, it } from 'vitest';
import { FEDERATION_HOST } from '../../local-edge/workers.ts';
import { readExportZip } from '../../protocol/export/export-reader.ts';
import { parseFeedLatest } from '../../protocol/feed/latest.ts';
import { verifyAnswer, type Jwk } from '../../protocol/feed/signature.ts';
import { utf8 } from '../../protocol/primitives/bytes.ts';
import { spkiFromPem } from '../../protocol/signing.ts';
import { moveClock } from '../../scripts/support/operator.ts';
import {
  entryLeaf,
  entryOf,
  logOf,
  makeCluster,
  makeRegion,
  makeRoot,
  makeTls,
  policyDocument,
} from '../support/directory-world.ts';
import { json, type RawAnswer, type RawRequest, send } from './support/http.ts';
import { faultsOf, loadDocument, operations } from './support/openapi.ts';
import { PATIENTS, patientKeys, payloadOf, START, startSystem, type System } from './support/system.ts';

const document = loadDocument('openapi-federation.yaml');
const FEED_URL = 'https://peers.example.org';
const SEALED = START + 3600;
const PEER_URL = 'https://feeds.nl.example';
const GATEWAY = 'a1'.repeat(32);

let system: System;
/** Without a directory, and one that isn't set up. */
let lost: System;
let broken: System;
const fingerprints: Record<string, string> = {};

beforeAll(async () => {
  const root = await makeRoot();
  const eu = await makeCluster(root, 'eu');
  const leaves: Uint8Array[] = [];
  for (const regionId of ['DE', 'NL', 'IT']) {
    const region = await makeRegion(eu, `C=${regionId}, OU=eu, CN=${regionId}`);
    const tls = await makeTls(eu, `C=${regionId}, OU=eu, CN=${regionId} client`);
    fingerprints[regionId] = tls.x509.fingerprint256.replaceAll(':', '').toLowerCase();
    const times = { issuedAt: START - 3600, validUntil: START + 30 * 86_400 };
    leaves.push(entryLeaf(region, entryOf(region, [tls], { regionId, ...times })));
  }
  const DIRECTORY_POLICY = JSON.stringify(policyDocument(root));
  const PEER_FEEDS = 'a2a,NL';
  const peer = { ReplicationType: 'a2a', VerificationKeys: null, TLSConsumerCertificate: 'PEER_CERTIFICATE' };
  const federation = {
    PEER_FEEDS,
    DIRECTORY_POLICY,
    PEERS: JSON.stringify([
      { RegionID: 'NL', RemoteRegionURL: PEER_URL, Format: 'exposure-edge', ...peer },
      { RegionID: 'EU', RemoteRegionURL: 'https://gateway.example', Format: 'efgs', ...peer },
    ]),
    EFGS_SETTINGS: JSON.stringify({
      anchor: '',
      visitedCountries: [],
      callbackUrl: `${FEED_URL}/efgs/callback`,
      callbackFingerprints: [GATEWAY],
    }),
  };
  fingerprints['gateway'] = GATEWAY;
  const vars = { origin: { PEER_FEEDS, FEED_URL, RESERVE_UPLOADS: '0' }, federation };
  [system, lost, broken] = await Promise.all([
    startSystem({ vars }),
    startSystem({ vars }),
    startSystem({ vars: { federation: { DIRECTORY_POLICY: '{}', PEERS: '{}' } } }),
  ]);
  const bucket = await system.edge.miniflare.getR2Bucket('DIRECTORY', 'exposure-edge-federation');
  for (const [path, bytes] of logOf(leaves, { cosignedAt: START })) await bucket.put(path, bytes);
  for (const [patient, tan] of (await system.tans(PATIENTS)).entries()) {
    const { status } = await system.upload(tan, payloadOf(patientKeys(`patient ${patient}`, START)));
    if (status !== 200) throw new Error(`upload of patient ${patient}: status ${status}`);
  }
  await moveClock(system.edge.url, SEALED);
});
afterAll(async () => {
  for (const running of [system, lost, broken]) await running?.edge.dispose();
});

function ask(path: string, region: string | null = 'NL', options: RawRequest = {}, at = system): Promise<RawAnswer> {
  const certificate: Record<string, string> =
    region === null ? {} : { 'x-local-client-certificate': fingerprints[region] ?? 'ef'.repeat(32) };
  const headers = { host: FEDERATION_HOST, ...certificate, ...options.headers };
  return send(at.edge.url, path, { ...options, headers });
}

/** A path as the document has it, with the reader's all-to-all feed and a number. */
const filled = (path: string, batch = '1', feed = 'a2a'): string =>
  path.replace('{feed}', feed).replace('{batch}', batch);
/** A path of which there is nothing. */
const nothing = (path: string): string => (path.includes('{batch}') ? filled(path, '99') : `${filled(path)}/`);

const DRIVERS: Readonly<Record<string, (path: string) => Promise<RawAnswer>>> = {
  200: (path) => ask(filled(path)),
  304: async (path) => {
    const etag = (await ask(filled(path))).headers.get('etag') ?? '';
    return ask(filled(path), 'NL', { headers: { 'if-none-match': etag } });
  },
  400: (path) => ask(`${filled(path)}?all`),
  401: (path) => ask(filled(path), null),
  403: (path) => ask(filled(path), 'stranger'),
  404: (path) => ask(nothing(path)),
  405: (path) => ask(filled(path), 'NL', { method: 'POST' }),
  500: (path) => ask(filled(path), 'NL', {}, broken),
  503: (path) => ask(filled(path), 'NL', {}, lost),
};

const HINT = JSON.stringify({ batchId: 1, baseURL: PEER_URL });
const hint = (path: string, region: string | null, body = HINT, at = system): Promise<RawAnswer> =>
  ask(path, region, { method: 'POST', headers: { 'content-type': 'application/json' }, body: utf8(body) }, at);
const HINT_DRIVERS: typeof DRIVERS = {
  204: (path) => hint(path, 'NL'),
  400: (path) => hint(path, 'NL', '{"keys":[]}'),
  401: (path) => hint(path, null),
  403: (path) => hint(path, 'IT'),
  405: (path) => ask(path),
  500: (path) => hint(path, 'NL', HINT, broken),
  503: (path) => hint(path, 'NL', HINT, lost),
};
const CALL = '?batchTag=20261126-1&date=2026-11-26';
const CALLBACK_DRIVERS: typeof DRIVERS = {
  204: (path) => ask(`${path}${CALL}`, 'gateway'),
  400: (path) => ask(path, 'gateway'),
  401: (path) => ask(`${path}${CALL}`, null),
  403: (path) => ask(`${path}${CALL}`, 'NL'),
  405: (path) => ask(`${path}${CALL}`, 'gateway', { method: 'POST' }),
  500: (path) => ask(`${path}${CALL}`, 'gateway', {}, broken),
};
const driversOf = (path: string): typeof DRIVERS =>
  ({ '/v1/hints': HINT_DRIVERS, '/efgs/callback': CALLBACK_DRIVERS })[path] ?? DRIVERS;

const documented = operations(document).flatMap((located) =>
  Object.keys(located.operation.responses).map((status) => ({ ...located, status })),
);

describe('every documented answer', () => {
  it.for(documented)('$method $path: $status', async ({ path, method, operation, status }, { expect }) => {
    const answer = await driversOf(path)[status]?.(path);
    if (answer === undefined) throw new Error(`nobody drives status ${status} of ${method} ${path}`);
    expect(answer.status).toBe(Number(status));
    expect(faultsOf(document, { path, method, operation }, answer, answer.body)).toEqual([]);
  });

  it('and each that is driven is documented, on seven routes', ({ expect }) => {
    const byPath = Map.groupBy(operations(document), ({ path }) => path);
    expect(byPath.size).toBe(7);
    for (const [path, own] of byPath) {
      const statuses = own.flatMap(({ operation }) => Object.keys(operation.responses));
      expect(statuses.toSorted()).toEqual(Object.keys(driversOf(path)));
    }
  });
});

describe('what a peer reads', () => {
  it('is what was uploaded here with consent, signed by the key of public exports and bound to the URL', async ({
    expect,
  }) => {
    const keys = json(await ask('/.well-known/jwks.json')) as { keys: Jwk[] };
    const signed = async (path: string): Promise<Uint8Array> => {
      const { body, headers } = await ask(path);
      const answer = { url: `${FEED_URL}${path}`, body };
      const verified = await verifyAnswer(headers.get('signature'), answer, SEALED, {
        keys: keys.keys,
        subtle: crypto.subtle,
      });
      expect(verified, path).toMatchObject({ ok: true });
      return body;
    };
    const latest = parseFeedLatest(new TextDecoder().decode(await signed('/v1/a2a/keys')));
    expect(latest).toMatchObject({ ok: true, value: { oldestBatchId: 1, latestBatchId: 1, region: 'DE' } });
    const pinned = { publicKeySpki: spkiFromPem(system.edge.publicPem), keyId: '262', keyVersion: 'v1' };
    const read = readExportZip(await signed('/v1/a2a/keys/1'), pinned);
    if (!read.ok) throw new Error(read.error.kind);
    const hex = (key: { readonly keyData: Uint8Array | null }): string =>
      Buffer.from(key.keyData ?? []).toString('hex');
    const uploaded = Array.from({ length: PATIENTS }, (_, n) => patientKeys(`patient ${n}`, START).map(hex)).flat();
    expect(read.exportFile.keys.map(hex).toSorted()).toEqual(uploaded.toSorted());
  });

  it('of nobody who was abroad is nothing: the feed of a region is empty, and says so', async ({ expect }) => {
    const latest = parseFeedLatest(new TextDecoder().decode((await ask('/v1/NL/keys')).body));
    expect(latest).toMatchObject({ value: { feed: 'NL', oldestBatchId: 1, latestBatchId: 0 } });
    expect((await ask('/v1/NL/keys/1')).status).toBe(404);
    expect((await ask('/v1/NL/keys', 'IT')).status).toBe(403);
  });

  it('is on a host of its own: by its paths nothing is reached on that of phones', async ({ expect }) => {
    const headers = { 'x-local-client-certificate': fingerprints['NL'] ?? '' };
    for (const path of ['/v1/a2a/keys', '/v1/NL/keys/1', '/v2/gaen/latest']) {
      expect([path, (await send(system.edge.url, path, { headers })).status]).toEqual([path, 404]);
    }
  });

  it('leaves nothing of who read what in a log', async ({ expect }) => {
    await moveClock(system.edge.url, SEALED + 7200);
    await ask('/v1/a2a/keys');
    const lines = system.log.filter((line) => line.includes('feed_'));
    expect(lines.length).toBeGreaterThan(0);
    for (const line of lines)
      expect(line).toMatch(/^feed_(read|stranger|foreign|hint|hint_refused) hour=\d+ count=\d+$/);
    for (const line of system.log) for (const one of Object.values(fingerprints)) expect(line).not.toContain(one);
  });
});
