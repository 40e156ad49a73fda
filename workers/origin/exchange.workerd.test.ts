/** @module What `federation` may bring to `origin`: whole batches in a peer's name, each key judged once more. */
import { reset, runInDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { beforeEach, it } from 'vitest';
import { packBatch } from '../../domain/federation/packed-batch.ts';
import type { ExchangeRpc, PeerBatch } from '../../domain/rpc-federation.ts';
import type { OriginEnv } from './bindings.ts';
import { peerKeys } from '../../test/support/peer-feed.ts';

const { Exchange } = exports as unknown as { readonly Exchange: ExchangeRpc };
const { SUBMISSION_BUFFER } = env as unknown as OriginEnv;
const NOW = Math.floor(Date.now() / 1000);
const keys = peerKeys(1, 5, NOW);
const good = packBatch({ peer: 'NL', batch: '1', sha256: 'ab'.repeat(32), keys, revoked: [keys[0]!.keyData] });

beforeEach(() => reset());

it('a batch is imported, and known when it comes again', async ({ expect }) => {
  const counts = { imported: 5, left: 0, revoked: 1, strange: 0 };
  expect(await Exchange.importBatch(good)).toEqual({ kind: 'imported', counts });
  expect(await Exchange.importBatch(good)).toEqual({ kind: 'known', counts });
});

it('keys that break a rule are left out here too, and report type and onset are written anew', async ({ expect }) => {
  const [first, ...rest] = keys;
  const bad = [
    { ...first!, rollingStartIntervalNumber: first!.rollingStartIntervalNumber - 20 * 144 },
    ...rest.map((key) => ({ ...key, transmissionRiskLevel: 1 })),
  ];
  const batch = packBatch({ ...good, keys: bad, revoked: [] });
  expect(await Exchange.importBatch(batch)).toMatchObject({ kind: 'imported', counts: { imported: 0, left: 5 } });
});

it.for<[name: string, change: object]>([
  ['in the name of the home country', { peer: 'DE' }],
  ['in the name of a country that origin takes no keys of', { peer: 'FR' }],
  ['in the name of nobody', { peer: 'nl' }],
  ['without a name', { batch: '' }],
  ['with a name of two words', { batch: 'a b' }],
  ['with a name that is too long', { batch: 'a'.repeat(101) }],
  ['with another hash', { sha256: 'AB'.repeat(32) }],
  ['with half a key', { keys: good.keys.subarray(0, 100) }],
  ['with half a revocation', { revoked: new Uint8Array(17) }],
  ['with keys that are text', { keys: '0'.repeat(120) }],
  ['with a list of revocations', { revoked: [] }],
])('a batch %s is refused', async ([, change], { expect }) => {
  expect(await Exchange.importBatch({ ...good, ...change })).toEqual({ kind: 'refused' });
});

it('a peer brings so many keys an hour, however many batches they are, and goes on in the next', async ({ expect }) => {
  const bring = (batch: string, revocations: number, peer = 'NL') =>
    Exchange.importBatch({ ...good, peer, batch, revoked: new Uint8Array(16 * revocations) });
  expect(await bring('1', 400_001 - keys.length)).toEqual({ kind: 'refused' });
  expect(await bring('2', 5_000)).toMatchObject({ kind: 'imported' });
  expect(await bring('3', 395_000 - 2 * keys.length + 1)).toEqual({ kind: 'full' });
  expect(await bring('2', 5_000)).toMatchObject({ kind: 'known' });
  expect(await bring('3', 6, 'IT')).toMatchObject({ kind: 'imported' });
  const full = await bring('4', 395_000 - 2 * keys.length + 1);
  await runInDurableObject(SUBMISSION_BUFFER.getByName('buffer'), (_, { storage }) => {
    // An hour later the same batches are an hour older.
    storage.sql.exec('UPDATE peer_batch SET expires_hour = expires_hour - 1');
  });
  expect([full.kind, (await bring('4', 5_000)).kind]).toEqual(['full', 'imported']);
});

it('a peer’s empty batches are counted too: rows of them must not fill the buffer', async ({ expect }) => {
  const empty = { ...good, keys: new Uint8Array(0), revoked: new Uint8Array(0) };
  expect(await Exchange.importBatch({ ...empty, batch: '1' })).toMatchObject({ kind: 'imported' });
  await runInDurableObject(SUBMISSION_BUFFER.getByName('buffer'), (_, { storage }) => {
    storage.sql.exec(
      `WITH RECURSIVE n(i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 2001)
       INSERT INTO peer_batch SELECT 'NL', i, sha256, state, imported, left_out, revoked, strange, expires_hour FROM n, peer_batch`,
    );
  });
  expect(await Exchange.importBatch({ ...empty, batch: '2002' })).toEqual({ kind: 'full' });
  expect(await Exchange.importBatch({ ...empty, batch: '2001' })).toMatchObject({ kind: 'known' });
  expect(await Exchange.importBatch({ ...empty, peer: 'IT', batch: '2002' })).toMatchObject({ kind: 'imported' });
});

it('nothing is refused', async ({ expect }) => {
  expect(await Exchange.importBatch(null as unknown as PeerBatch)).toEqual({ kind: 'refused' });
});
