/** @module Who may read what: certificates as the platform hands them over, a directory of the test authority in a real bucket, objects as `origin` puts them. */
import { evictDurableObject, reset, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, it } from 'vitest';
import type { Certificate } from '../../protocol/certificates/certificate.ts';
import { noteKeyText, noteSecret } from '../../protocol/directory/note.ts';
import { fromBase64, toBase64 } from '../../protocol/primitives/bytes.ts';
import {
  entryLeaf,
  entryOf,
  logOf,
  makeCluster,
  makeRegion,
  makeRoot,
  makeTls,
  NOW,
  type Party,
  policyDocument,
  revocationLeaf,
  revocationOf,
  type Signing,
  WITNESSES,
} from '../../test/support/directory-world.ts';
import { NO_CLIENT, requestWith, verifiedClient } from '../shared/certificates/verified-client.ts';
import { createApp } from './app.ts';
import { platformFingerprint } from './certificate.ts';
import type { FederationEnv } from './bindings.ts';

const { FEEDS, DIRECTORY, PEER_DESK } = env as unknown as Pick<FederationEnv, 'PEER_DESK'> & {
  readonly FEEDS: R2Bucket;
  readonly DIRECTORY: R2Bucket;
};
const buckets = { FEEDS, DIRECTORY, PEER_DESK };
const BASE = 'https://peers.example';

let world: { root: Party; eu: Party; usa: Party; regions: Record<string, Party>; tls: Record<string, Certificate> };
const fingerprintOf = (certificate: Certificate): string =>
  certificate.x509.fingerprint256.replaceAll(':', '').toLowerCase();

beforeAll(async () => {
  const root = await makeRoot();
  const [eu, usa] = [await makeCluster(root, 'eu'), await makeCluster(root, 'usa')];
  const regions: Record<string, Party> = {};
  const tls: Record<string, Certificate> = {};
  for (const [region, cluster, name] of [
    ['DE', eu, 'eu'],
    ['NL', eu, 'eu'],
    ['IT', eu, 'eu'],
    ['US', usa, 'usa'],
  ] as const) {
    regions[region] = await makeRegion(cluster, `C=${region}, OU=${name}, CN=${region}`);
    tls[region] = await makeTls(cluster, `C=${region}, OU=${name}, CN=${region} client`);
  }
  // All 64 digits count: until one begins with two zeros.
  for (let n = 0; !fingerprintOf(tls['IT']!).startsWith('0'); n++) {
    tls['IT'] = await makeTls(eu, `C=IT, OU=eu, CN=IT client ${n}`);
  }
  world = { root, eu, usa, regions, tls };
});

function leaves(): Uint8Array[] {
  return Object.entries(world.regions).map(([regionId, party]) =>
    entryLeaf(party, entryOf(party, [world.tls[regionId]!], { regionId, cluster: regionId === 'US' ? 'usa' : 'eu' })),
  );
}

async function publish(all: readonly Uint8Array[], signing: Signing = {}): Promise<void> {
  for (const [path, bytes] of logOf(all, signing)) await buckets.DIRECTORY.put(path, bytes);
}

let app: ReturnType<typeof createApp>;
let bindings: FederationEnv;
let now = NOW;

beforeEach(async () => {
  await reset();
  now = NOW;
  app = createApp({ clock: () => now, fingerprint: platformFingerprint });
  bindings = {
    ...buckets,
    HOME_COUNTRY: 'DE',
    PEERS: '',
    PEER_FEEDS: 'a2a,NL,US',
    DIRECTORY_POLICY: JSON.stringify(policyDocument(world.root)),
  };
  await publish(leaves());
  for (const feed of ['a2a', 'NL', 'US']) {
    for (const name of ['latest.json', 'gaen-latest.json', '1.zip', '1.pb']) {
      await buckets.FEEDS.put(`${feed}/${name}`, `${feed} ${name}`, {
        httpMetadata: { contentType: 'application/zip', cacheControl: 'private, max-age=60' },
        customMetadata: { signature: `of ${feed} ${name}` },
      });
    }
  }
  await buckets.FEEDS.put('jwks.json', '{}');
});

const der = (certificate: Certificate): Uint8Array => fromBase64(toBase64(new Uint8Array(certificate.x509.raw)));

async function get(region: string | null, path: string, init: RequestInit = {}): Promise<Response> {
  const auth = region === null ? NO_CLIENT : verifiedClient(der(world.tls[region]!));
  return app.fetch(requestWith(auth, `${BASE}${path}`, init), bindings);
}

/** Status and body of a GET. */
async function answer(region: string | null, path: string): Promise<[number, string]> {
  const response = await get(region, path);
  const text = await response.text();
  return [response.status, response.status === 200 ? text : ''];
}

describe('a peer', () => {
  it('reads its own feed, and all-to-all inside its cluster', async ({ expect }) => {
    expect(await answer('NL', '/v1/NL/keys')).toEqual([200, 'NL latest.json']);
    expect(await answer('NL', '/v1/NL/keys/1')).toEqual([200, 'NL 1.zip']);
    expect(await answer('NL', '/v1/a2a/keys/1')).toEqual([200, 'a2a 1.zip']);
    expect(await answer('IT', '/v1/a2a/keys')).toEqual([200, 'a2a latest.json']);
    expect(await answer('US', '/v1/US/keys')).toEqual([200, 'US latest.json']);
    expect(await answer('US', '/.well-known/jwks.json')).toEqual([200, '{}']);
  });

  it.for([
    ['NL', '/v1/IT/keys'],
    ['NL', '/v1/US/keys/1'],
    ['IT', '/v1/NL/keys/1'],
    ['IT', '/v1/IT/keys'],
    ['US', '/v1/a2a/keys'],
    ['US', '/v1/NL/keys'],
    ['DE', '/v1/a2a/keys'],
  ] as const)('gets no feed that isn’t its own: %s, %s', async ([region, path], { expect }) => {
    expect(await answer(region, path)).toEqual([403, '']);
  });

  it('has the feed that is its own at DP-3T’s paths', async ({ expect }) => {
    expect(await answer('NL', '/v2/gaen/latest')).toEqual([200, 'a2a gaen-latest.json']);
    expect(await answer('US', '/v2/gaen/exposed/1')).toEqual([200, 'US 1.pb']);
    bindings = { ...bindings, PEER_FEEDS: 'NL,US' };
    expect(await answer('NL', '/v2/gaen/exposed/1')).toEqual([200, 'NL 1.pb']);
    expect(await answer('IT', '/v2/gaen/latest')).toEqual([403, '']);
  });

  it('gets the signature that lies beside the object, with 304 too, and nothing that a cache between may share', async ({
    expect,
  }) => {
    const first = await get('NL', '/v1/NL/keys/1');
    expect(first.headers.get('signature')).toBe('of NL 1.zip');
    expect(first.headers.get('cache-control')).toContain('private');
    const again = await get('NL', '/v1/NL/keys/1', { headers: { 'if-none-match': first.headers.get('etag')! } });
    expect([again.status, again.headers.get('signature')]).toEqual([304, 'of NL 1.zip']);
    const head = await get('NL', '/v1/NL/keys/1', { method: 'HEAD' });
    expect([head.status, await head.text(), head.headers.get('signature')]).toEqual([200, '', 'of NL 1.zip']);
  });

  it.for([
    [404, 'GET', '/v1/NL/keys/2'],
    [404, 'GET', '/v1/NL/manifest.json'],
    [404, 'GET', '/'],
    [400, 'GET', '/v1/NL/keys?x=1'],
    [400, 'GET', '/v1/NL/keys?'],
    [405, 'POST', '/v1/NL/keys'],
    [405, 'PUT', '/v1/NL/keys/1'],
    [405, 'DELETE', '/v1/NL/keys/1'],
  ] as const)('is answered %i for %s %s', async ([status, method, path], { expect }) => {
    const response = await get('NL', path, { method });
    expect([response.status, response.headers.get('cache-control')]).toEqual([status, 'no-store']);
  });
});

describe('a peer that is stopped', () => {
  it('reads nothing from the next request on, others do, and so does it once it isn’t any more', async ({ expect }) => {
    const desk = PEER_DESK.getByName('switches');
    await desk.stopReader('NL', true);
    expect([await answer('NL', '/v1/a2a/keys'), await answer('IT', '/v1/a2a/keys')]).toEqual([
      [403, ''],
      [200, 'a2a latest.json'],
    ]);
    await desk.stopReader('NL', false);
    expect(await answer('NL', '/v1/a2a/keys')).toEqual([200, 'a2a latest.json']);
  });
});

describe('keys that a peer was given', () => {
  it('are counted by region and hour, once a batch that was answered, and for nothing else', async ({ expect }) => {
    const desk = PEER_DESK.getByName('switches');
    await runInDurableObject(
      desk,
      (own) => void Object.assign(own, { clock: () => NOW, secondClock: async () => NOW }),
    );
    const customMetadata = { keys: '140' };
    for (const key of ['NL/1.zip', 'a2a/1.pb', 'a2a/1.zip']) await buckets.FEEDS.put(key, 'keys', { customMetadata });
    await get('NL', '/v1/NL/keys/1');
    await get('NL', '/v2/gaen/exposed/1');
    await get('IT', '/v1/a2a/keys/1');
    await get('IT', '/v1/a2a/keys/1', { headers: { range: 'bytes=2-' } });
    const { headers } = await get('IT', '/v1/a2a/keys/1', { method: 'HEAD' });
    await get('IT', '/v1/a2a/keys/1', { headers: { 'if-none-match': headers.get('etag') ?? '' } });
    for (const path of ['/v1/US/keys/1', '/v1/NL/keys', '/v1/NL/keys/2']) await get('NL', path);
    const hour = Math.floor(NOW / 3600);
    expect(await desk.given()).toEqual([
      { region: 'IT', hour, keys: 280 },
      { region: 'NL', hour, keys: 280 },
    ]);
    await runInDurableObject(desk, async (own, state) => {
      const later = NOW + 48 * 3600;
      Object.assign(own, { clock: () => later, secondClock: async () => later });
      expect(await own.given()).toEqual([]);
      await own.countGiven('IT', 1);
      expect(state.storage.sql.exec('SELECT region FROM given_hour').toArray()).toEqual([{ region: 'IT' }]);
    });
  });
});

describe('a certificate', () => {
  it('is needed, and a header is none', async ({ expect }) => {
    const own = fingerprintOf(world.tls['NL']!);
    const headers = {
      'x-ssl-client-sha256': own,
      'cf-client-cert-sha256': own,
      'client-cert': `:${toBase64(der(world.tls['NL']!))}:`,
      'x-local-client-certificate': own,
    };
    expect((await get(null, '/v1/NL/keys', { headers })).status).toBe(401);
  });

  it('that the platform didn’t verify, or says is revoked, is none', async ({ expect }) => {
    const good = verifiedClient(der(world.tls['NL']!));
    for (const change of [{ certVerified: 'FAILED:expired' }, { certRevoked: '1' }, { certRFC9440TooLarge: true }]) {
      const auth = { ...good, ...change } as typeof good;
      const response = await app.fetch(requestWith(auth, `${BASE}/v1/NL/keys`), bindings);
      expect(response.status, JSON.stringify(change)).toBe(401);
    }
  });

  it('that isn’t listed opens nothing, and one whose fingerprint begins with a zero opens its feed', async ({
    expect,
  }) => {
    const stranger = await makeTls(world.eu, 'C=NL, OU=eu, CN=another client');
    const response = await app.fetch(requestWith(verifiedClient(der(stranger)), `${BASE}/v1/NL/keys`), bindings);
    expect(response.status).toBe(403);
    expect(fingerprintOf(world.tls['IT']!)).toMatch(/^0/);
    expect((await answer('IT', '/v1/a2a/keys'))[0]).toBe(200);
  });

  it('that was revoked opens nothing from the next request on', async ({ expect }) => {
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(200);
    const revoked = revocationLeaf(
      world.regions['NL']!,
      revocationOf(world.regions['NL']!, {
        sequence: 2,
        tlsFingerprints: [fingerprintOf(world.tls['NL']!)],
        regionId: 'NL',
        cluster: 'eu',
      }),
    );
    await publish([...leaves(), revoked]);
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(403);
    expect((await answer('US', '/v1/US/keys'))[0]).toBe(200);
  });
});

describe('a directory', () => {
  it('that holds no more lets nobody in: rolled back, forked, by another log, too old, gone', async ({ expect }) => {
    const all = leaves();
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(200);
    await publish(all.slice(0, 3));
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(503);
    await publish(all);
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(200);
    // Forked: as long, signed and witnessed as well, and without one region's revocation, say.
    await publish([...all.slice(0, 3), all[0]!]);
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(503);
    await publish(all);
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(200);
    await publish(all, { origin: 'another.example/log' });
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(503);
    await publish(all, { witnesses: WITNESSES.slice(0, 1) });
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(503);
    await publish(all);
    now = NOW + 2 * 86_400;
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(503);
    now = NOW;
    await buckets.DIRECTORY.delete('checkpoint');
    const response = await get('NL', '/v1/NL/keys');
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '60']);
  });

  it('that was rolled back or forked is refused after a restart too, and by an isolate that has never read one', async ({
    expect,
  }) => {
    const all = leaves();
    const restart = async (): Promise<void> => {
      await evictDurableObject(PEER_DESK.getByName('switches'));
      app = createApp({ clock: () => now, fingerprint: platformFingerprint });
    };
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(200);
    await restart();
    await publish(all.slice(0, 3));
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(503);
    await restart();
    await publish([...all.slice(0, 3), all[0]!, all[3]!]);
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(503);
    await restart();
    await publish(all);
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(200);
    // An isolate that has read this, while another read one that goes on from it.
    const early = app;
    app = createApp({ clock: () => now, fingerprint: platformFingerprint });
    await publish([...all, all[0]!]);
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(200);
    app = early;
    now += 60;
    await publish(all, { cosignedAt: now });
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(503);
  });

  it('of another log begins anew, once the policy names it', async ({ expect }) => {
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(200);
    const other = 'directory.example/other';
    const policy = JSON.parse(bindings.DIRECTORY_POLICY) as { logKeys: string[] };
    const secret = noteSecret(other, 'note', new Uint8Array(32).fill(12));
    bindings = {
      ...bindings,
      DIRECTORY_POLICY: JSON.stringify({ ...policy, origin: other, logKeys: [noteKeyText(secret)] }),
    };
    await publish(leaves().slice(0, 3), { origin: other, log: secret });
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(200);
  });

  it('may be repaired: what was read of it before isn’t held against it', async ({ expect }) => {
    const all = leaves();
    await buckets.DIRECTORY.put('tile/entries/000.p/4', 'damaged');
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(503);
    now += 60;
    await publish(all, { cosignedAt: NOW });
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(200);
  });

  it('that isn’t configured has no peers', async ({ expect }) => {
    bindings = { ...bindings, DIRECTORY_POLICY: '' };
    expect((await answer('NL', '/v1/NL/keys'))[0]).toBe(403);
  });
});

describe('a Worker that isn’t set up', () => {
  it.for([
    ['PEER_FEEDS', 'DE'],
    ['HOME_COUNTRY', 'Germany'],
    ['DIRECTORY_POLICY', '{}'],
    ['FEEDS', undefined],
    ['DIRECTORY', undefined],
  ] as const)('says nothing of why: %s', async ([name, value], { expect }) => {
    Object.assign(bindings, { [name]: value });
    const response = await get('NL', '/v1/NL/keys');
    expect([response.status, await response.text()]).toEqual([500, expect.not.stringContaining(name)]);
  });
});
