/** @module Who may call, what a call must be, and that it does no more than bring a poll of the caller's own desk forward: certificates as the platform hands them over, desks in real storage. */
import { reset, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, it } from 'vitest';
import type { Certificate } from '../../protocol/certificates/certificate.ts';
import { noteKeyText } from '../../protocol/directory/note.ts';
import { certificateText } from '../../protocol/directory/statement.ts';
import {
  entryLeaf,
  entryOf,
  LOG,
  logOf,
  makeCluster,
  makeRegion,
  makeRoot,
  makeTls,
  NOW,
  ORIGIN,
  type Party,
  WITNESSES,
} from '../../test/support/directory-world.ts';
import { NO_CLIENT, requestWith, verifiedClient } from '../shared/certificates/verified-client.ts';
import { createApp } from './app.ts';
import type { FederationEnv } from './bindings.ts';
import { platformFingerprint } from './certificate.ts';

const { FEEDS, DIRECTORY, PEER_DESK } = env as unknown as Pick<FederationEnv, 'PEER_DESK'> & {
  readonly FEEDS: R2Bucket;
  readonly DIRECTORY: R2Bucket;
};
const BASE = 'https://peers.example';
const LATER = NOW + 3000;

let root: Party;
let log: Map<string, Uint8Array>;
const tls: Record<string, Certificate> = {};
beforeAll(async () => {
  root = await makeRoot();
  const eu = await makeCluster(root, 'eu');
  const leaves: Uint8Array[] = [];
  for (const regionId of ['DE', 'NL', 'IT', 'FR']) {
    const region = await makeRegion(eu, `C=${regionId}, OU=eu, CN=${regionId}`);
    const own = (tls[regionId] = await makeTls(eu, `C=${regionId}, OU=eu, CN=${regionId} client`));
    leaves.push(entryLeaf(region, entryOf(region, [own], { regionId })));
  }
  // In no directory: the gateway's, and one of the same authority.
  for (const name of ['gateway', 'stranger']) tls[name] = await makeTls(eu, `C=EU, OU=eu, CN=${name}`);
  log = logOf(leaves);
});

const peer = (RegionID: string, Format = 'exposure-edge') => ({
  RegionID,
  RemoteRegionURL: `https://${RegionID.toLowerCase()}.example`,
  ReplicationType: 'a2a',
  Format,
  VerificationKeys: null,
  TLSConsumerCertificate: 'PEER_CERTIFICATE',
});
const REGIONS = ['NL', 'IT', 'EU'];

let app: ReturnType<typeof createApp>;
let bindings: FederationEnv;
beforeEach(async () => {
  await reset();
  for (const [path, bytes] of log) await DIRECTORY.put(path, bytes);
  app = createApp({ clock: () => NOW, fingerprint: platformFingerprint });
  const gateway = tls['gateway']!.x509.fingerprint256.replaceAll(':', '').toLowerCase();
  bindings = {
    FEEDS,
    DIRECTORY,
    PEER_DESK,
    HOME_COUNTRY: 'DE',
    PEERS: JSON.stringify([peer('NL'), peer('IT'), peer('EU', 'efgs')]),
    PEER_FEEDS: 'a2a',
    EFGS_SETTINGS: JSON.stringify({
      anchor: '',
      visitedCountries: [],
      callbackUrl: `${BASE}/efgs/callback`,
      callbackFingerprints: [gateway],
    }),
    DIRECTORY_POLICY: JSON.stringify({
      origin: ORIGIN,
      logKeys: [noteKeyText(LOG)],
      roots: [certificateText(root.certificate)],
      witnesses: WITNESSES.map((witness) => noteKeyText(witness)),
      threshold: 2,
      maxAgeSeconds: 86_400,
    }),
  };
  for (const region of REGIONS) await tune(region);
});

/** A desk that polled a while ago and has batch 4. */
const tune = (region: string): Promise<void> =>
  runInDurableObject(PEER_DESK.getByName(region), (desk, { storage }) => {
    Object.assign(desk, { clock: () => NOW, secondClock: async () => NOW });
    const { PEERS, HOME_COUNTRY } = bindings;
    Object.assign((desk as unknown as { readonly variables: object }).variables, { PEERS, HOME_COUNTRY });
    const state = { lastBatchID: '4', failures: 0, breaker: null, stopped: { in: false, out: false } };
    for (const [name, value] of Object.entries({ next_poll: LATER, peer: state, region })) {
      storage.sql.exec('INSERT OR REPLACE INTO desk_state VALUES (?, ?)', name, JSON.stringify(value));
    }
  });

/** Regions whose next poll a call brought forward, all to within a minute. */
async function movedBy(call: Promise<Response>): Promise<[number, string[]]> {
  const { status } = await call;
  const moved: string[] = [];
  for (const region of REGIONS) {
    const { nextPoll } = await PEER_DESK.getByName(region).status(region);
    if (nextPoll === LATER) continue;
    moved.push(nextPoll! >= NOW && nextPoll! <= NOW + 60 ? region : `${region} at ${nextPoll! - NOW}`);
  }
  return [status, moved];
}

const call = async (whose: string | null, path: string, init: RequestInit = {}): Promise<Response> => {
  const auth =
    whose === null ? NO_CLIENT : verifiedClient(Uint8Array.from(new Uint8Array(tls[whose]!.x509.raw as Uint8Array)));
  return app.fetch(requestWith(auth, `${BASE}${path}`, init), bindings);
};
const GOOD = { batchId: 5, baseURL: 'https://nl.example' };
const hint = (whose: string | null, body: unknown = GOOD, type = 'application/json'): Promise<Response> => {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return call(whose, '/v1/hints', { method: 'POST', headers: { 'content-type': type }, body: text });
};

describe('a peer’s hint', () => {
  it('brings its own desk’s poll forward, and no other’s', async ({ expect }) => {
    expect(await movedBy(hint('NL'))).toEqual([204, ['NL']]);
  });

  it('is heard with a slash at the end of the address, and again and again: the answer tells nothing', async ({
    expect,
  }) => {
    expect(await movedBy(hint('NL', { ...GOOD, baseURL: 'https://nl.example/' }))).toEqual([204, ['NL']]);
    expect(await movedBy(hint('NL'))).toEqual([204, ['NL']]);
    await tune('NL');
    // The pace: not again for a while. And what we have is no news.
    expect(await movedBy(hint('NL', { ...GOOD, batchId: 6 }))).toEqual([204, []]);
    expect(await movedBy(hint('IT', { batchId: 4, baseURL: 'https://it.example' }))).toEqual([204, []]);
  });

  it.for<[string, unknown, string?]>([
    ['nothing', ''],
    ['no JSON', '{'],
    ['another type', GOOD, 'text/plain'],
    ['a list', [GOOD]],
    ['no number', { baseURL: GOOD.baseURL }],
    ['a text for a number', { ...GOOD, batchId: '5' }],
    ['half a batch', { ...GOOD, batchId: 5.5 }],
    ['before the first', { ...GOOD, batchId: 0 }],
    ['more than a hint', { ...GOOD, keys: [] }],
    ['a member twice', '{"batchId":5,"batchId":6,"baseURL":"https://nl.example"}'],
    ['another peer’s address', { ...GOOD, baseURL: 'https://it.example' }],
    ['an address below it', { ...GOOD, baseURL: 'https://nl.example/x' }],
    ['too long', JSON.stringify(GOOD).padEnd(2000)],
    ['no text', String.fromCodePoint(0) + JSON.stringify(GOOD)],
  ])('is refused where it is anything else: %s', async ([, body, type], { expect }) => {
    expect(await movedBy(hint('NL', body, type))).toEqual([400, []]);
  });

  it('is taken of peers that are read, by the certificate that the platform verified', async ({ expect }) => {
    expect(await movedBy(hint(null))).toEqual([401, []]);
    expect(await movedBy(hint('stranger'))).toEqual([403, []]);
    expect(await movedBy(hint('gateway'))).toEqual([403, []]);
    expect(await movedBy(hint('FR', { ...GOOD, baseURL: 'https://fr.example' }))).toEqual([403, []]);
    // Another's hint in its own name.
    expect(await movedBy(hint('IT'))).toEqual([400, []]);
    await DIRECTORY.delete('checkpoint');
    expect(await movedBy(hint('NL'))).toEqual([503, []]);
  });

  it('comes by POST, without a query', async ({ expect }) => {
    const got = await call('NL', '/v1/hints');
    expect([got.status, got.headers.get('allow')]).toEqual([405, 'POST']);
    expect(await movedBy(call('NL', '/v1/hints?', { method: 'POST', body: '{}' }))).toEqual([400, []]);
  });
});

describe('the gateway’s call', () => {
  const PATH = '/efgs/callback?batchTag=20260921-7&date=2026-09-21';

  it('brings its desk’s poll forward, by the certificate of the settings', async ({ expect }) => {
    expect(await movedBy(call('gateway', PATH))).toEqual([204, ['EU']]);
  });

  it('is nobody else’s, be it a peer', async ({ expect }) => {
    expect(await movedBy(call('NL', PATH))).toEqual([403, []]);
    expect(await movedBy(call('stranger', PATH))).toEqual([403, []]);
    expect(await movedBy(call(null, PATH))).toEqual([401, []]);
    bindings = { ...bindings, EFGS_SETTINGS: '' };
    expect(await movedBy(call('gateway', PATH))).toEqual([403, []]);
  });

  it.for([
    ['', 400],
    ['?', 400],
    ['?batchTag=20260921-7', 400],
    ['?batchTag=20260921-7&date=2026-09-22', 400],
    ['?batchTag=null&date=2026-09-21', 400],
    ['?batchTag=20260921-7&date=2026-09-21&url=x', 400],
    ['?batchTag=20260921-7&batchTag=20260921-8&date=2026-09-21', 400],
    ['/x?batchTag=20260921-7&date=2026-09-21', 403],
  ] as const)('names a batch and its day, and nothing else: %s', async ([query, status], { expect }) => {
    expect(await movedBy(call('gateway', `/efgs/callback${query}`))).toEqual([status, []]);
  });

  it('is a GET', async ({ expect }) => {
    expect(await movedBy(call('gateway', PATH, { method: 'POST' }))).toEqual([405, []]);
  });
});
