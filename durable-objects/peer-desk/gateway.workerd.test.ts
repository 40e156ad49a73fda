/** @module A desk at the European gateway: the gateway's own code without its TLS, keys of two countries, our own feed going there. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, it } from 'vitest';
import { readHint } from '../../domain/federation/efgs/callback.ts';
import { encodeBatch, type EfgsKey, PROTOBUF_MEDIA_TYPE } from '../../protocol/efgs/batch.ts';
import { signBatch } from '../../protocol/efgs/batch-signature.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { goodEfgsKey } from '../../test/support/efgs-arbitraries.ts';
import {
  type Countries,
  gatewayInProcess,
  type InProcess,
  makeCountries,
  NOON,
} from '../../test/support/efgs-in-process.ts';
import { testKeyPem } from '../../test/support/secrets.ts';
import { PeerFeed, peerKeys } from '../../test/support/peer-feed.ts';
import { DeskRig } from '../../test/support/desk-rig.workerd.ts';

const { FEEDS } = env as unknown as { readonly FEEDS: R2Bucket };

let countries: Countries;
beforeAll(async () => {
  countries = await makeCountries(['DE', 'FR', 'NL']);
});

let rig: DeskRig;
let gateway: InProcess;
beforeEach(async () => {
  rig = await DeskRig.create();
  rig.now = NOON;
  gateway = gatewayInProcess(countries);
  const { signing } = countries.members.find(({ country }) => country === 'DE')!;
  rig.config = { ...rig.config, Format: 'efgs', RemoteRegionURL: 'https://gateway.example', VerificationKeys: null };
  rig.vars = {
    EFGS_SETTINGS: JSON.stringify({ anchor: countries.anchorPem, visitedCountries: ['FR', 'NL'] }),
    EFGS_SIGNING_CERTIFICATE: signing.certificatePem,
    EFGS_SIGNING_KEY: signing.privateKeyPem,
  };
  rig.ask = gateway.ports.get('DE')!.fetch;
});

const poll = async (seconds = 1200) => {
  gateway.clock.now = rig.now + seconds;
  return rig.poll(seconds);
};

/** A country uploads, by hand. */
async function upload(country: string, keys: readonly EfgsKey[], tag: string): Promise<void> {
  const ports = gateway.ports.get(country)!;
  const { status } = await ports.fetch(
    new Request('https://gateway.example/diagnosiskeys/upload', {
      method: 'POST',
      headers: {
        'content-type': PROTOBUF_MEDIA_TYPE,
        batchTag: tag,
        batchSignature: signBatch(keys, ports.signer, ports.now()),
      },
      body: Uint8Array.from(encodeBatch(keys)),
    }),
  );
  if (status !== 201) throw new Error(`upload: ${status}`);
}

const keys = (first: number, count: number, country: string, change: Partial<EfgsKey> = {}) =>
  Array.from({ length: count }, (_, n) => ({ ...goodEfgsKey(first + n, country, NOON), ...change }));
const hex = (some: readonly { readonly keyData: Uint8Array }[]): string[] =>
  some.map(({ keyData }) => toHex(keyData)).toSorted();

describe('batches of the gateway', () => {
  it('come in once, as a batch of each country that signed; a country takes its own back alone', async ({ expect }) => {
    await upload('FR', keys(1, 4, 'FR'), 'fr-1');
    await upload('NL', keys(1, 3, 'NL'), 'nl-1');
    gateway.store.runBatcher(NOON);
    const { state, fault } = await poll();
    expect([fault, state.lastBatchID]).toEqual([null, '20201126-1']);
    expect([...rig.origin.batches.keys()].toSorted()).toEqual(['FR efgs:20201126-1', 'NL efgs:20201126-1']);
    expect(rig.origin.batches.get('FR efgs:20201126-1')!.keys.toSorted()).toEqual(hex(keys(1, 4, 'FR')));
    await upload('FR', keys(1, 1, 'FR', { reportType: 5 }), 'fr-2');
    gateway.store.runBatcher(gateway.clock.now);
    await poll();
    expect(rig.origin.batches.get('FR efgs:20201126-2')).toMatchObject({ keys: [], revoked: hex(keys(1, 1, 'FR')) });
    expect(rig.origin.calls).toBe(3);
  });

  it('are asked for again after a crash between two countries, and none comes twice', async ({ expect }) => {
    await upload('FR', keys(1, 4, 'FR'), 'fr-1');
    await upload('NL', keys(1, 3, 'NL'), 'nl-1');
    gateway.store.runBatcher(NOON);
    rig.origin.before = () => {
      if (rig.origin.calls === 2) throw new Error('crash');
    };
    const first = await poll();
    expect([first.fault, first.state.lastBatchID, rig.origin.batches.size]).toEqual(['here: crash', null, 1]);
    expect((await poll()).state.lastBatchID).toBe('20201126-1');
    expect(rig.origin.keys.toSorted()).toEqual(hex([...keys(1, 4, 'FR'), ...keys(1, 3, 'NL')]));
  });

  it('whose audit doesn’t hold are set aside, and the next are read', async ({ expect }) => {
    await upload('FR', keys(1, 4, 'FR'), 'fr-1');
    gateway.store.runBatcher(NOON);
    await upload('NL', keys(1, 3, 'NL'), 'nl-1');
    gateway.store.runBatcher(NOON);
    const good = rig.ask;
    rig.ask = async (asked) =>
      asked.url.endsWith('/audit/download/2020-11-26/20201126-1') ? Response.json([]) : good!(asked);
    const { batches } = await poll();
    expect(batches.map(({ batch, state, reason }) => [batch, state, reason])).toEqual([
      ['20201126-2', 'imported', null],
      ['20201126-1/FR', 'quarantined', 'audit: FR amount'],
    ]);
    rig.ask = good;
    const released = await rig.inDesk((desk) => desk.release('NL', '20201126-1/FR'));
    expect(released).toEqual({ kind: 'released', imported: 4 });
    expect(rig.origin.keys).toHaveLength(7);
  });
});

describe('the gateway’s calls', () => {
  const CALLBACK = 'https://federation.example/efgs/callback';
  const settings = (more: object) => ({
    ...rig.vars,
    EFGS_SETTINGS: JSON.stringify({ anchor: countries.anchorPem, visitedCountries: [], ...more }),
  });

  it('are asked for once a day; one brings the poll forward, and the batch comes in by it', async ({ expect }) => {
    rig.vars = settings({ callbackUrl: CALLBACK, callbackFingerprints: ['ab'.repeat(32)] });
    expect((await poll()).fault).toBeNull();
    expect(gateway.callbacks.of('DE')).toEqual([{ callbackId: 'DE', url: CALLBACK }]);
    // It forgot the subscription, and gets it again on the next day.
    gateway.callbacks.remove('DE', 'DE');
    await poll();
    expect(gateway.callbacks.of('DE')).toEqual([]);
    expect((await poll(86_400)).fault).toBeNull();
    await upload('FR', keys(1, 4, 'FR'), 'fr-1');
    for (const batch of gateway.store.runBatcher(gateway.clock.now)) gateway.callbacks.note(batch);
    await gateway.callbacks.run(gateway.clock.now);
    expect(gateway.called).toEqual([`${CALLBACK}?batchTag=20201127-1&date=2020-11-27`]);
    const tag = readHint(new URL(gateway.called[0]!))!;
    await rig.inDesk((desk) => desk.hint('NL', tag));
    const { nextPoll } = await rig.status();
    expect(nextPoll! - rig.now).toBeLessThanOrEqual(60);
    expect((await poll(60)).state.lastBatchID).toBe(tag);
    // What was read is no news.
    const after = await rig.status();
    await rig.inDesk((desk) => desk.hint('NL', tag));
    expect((await rig.status()).nextPoll).toBe(after.nextPoll);
  });

  it('aren’t asked for where nobody could make them', async ({ expect }) => {
    rig.vars = settings({ callbackUrl: CALLBACK });
    expect((await poll()).fault).toBe('here: EFGS_SETTINGS: callbackFingerprints');
    rig.vars = settings({
      callbackUrl: 'https://federation.example/elsewhere',
      callbackFingerprints: ['ab'.repeat(32)],
    });
    expect((await poll()).fault).toBe('here: EFGS_SETTINGS: callbackUrl');
  });
});

/** The audit of every batch names a country's upload wrongly. */
const faulty =
  (country: string): typeof rig.ask =>
  async (asked) => {
    const answer = await gateway.ports.get('DE')!.fetch(asked);
    if (!asked.url.includes('/audit/')) return answer;
    const entries = await answer.json<{ country: string; amount: number }[]>();
    return Response.json(entries.map((one) => (one.country === country ? { ...one, amount: one.amount + 1 } : one)));
  };

describe('a country', () => {
  it('whose part of a batch doesn’t hold is set aside alone, and comes in once it does', async ({ expect }) => {
    await upload('FR', keys(1, 4, 'FR'), 'fr-1');
    await upload('NL', keys(1, 3, 'NL'), 'nl-1');
    gateway.store.runBatcher(NOON);
    const good = rig.ask;
    rig.ask = faulty('FR');
    const { batches } = await poll();
    expect(batches.map(({ batch, state, reason }) => [batch, state, reason])).toEqual([
      ['20201126-1/FR', 'quarantined', 'audit: FR amount'],
      ['20201126-1', 'imported', null],
    ]);
    expect(rig.origin.keys.toSorted()).toEqual(hex(keys(1, 3, 'NL')));
    const release = () => rig.inDesk((desk) => desk.release('NL', '20201126-1/FR'));
    expect(await release()).toEqual({ kind: 'fault', what: 'audit: FR amount' });
    rig.ask = good;
    expect(await release()).toEqual({ kind: 'released', imported: 4 });
    expect(rig.origin.keys.toSorted()).toEqual(hex([...keys(1, 4, 'FR'), ...keys(1, 3, 'NL')]));
    expect((await rig.status()).batches.map(({ state }) => state)).toEqual(['imported', 'imported']);
  });

  it('that is bad for longer than a person looks away stops no other', async ({ expect }) => {
    for (let n = 1; n <= 12; n++) {
      await upload('FR', keys(n * 10, 1, 'FR'), `fr-${n}`);
      await upload('NL', keys(n * 10, 1, 'NL'), `nl-${n}`);
      gateway.store.runBatcher(NOON);
    }
    rig.ask = faulty('FR');
    const { state, counters } = await poll();
    expect([state.breaker, state.lastBatchID, rig.origin.keys.length]).toEqual([null, '20201126-12', 12]);
    expect(counters['alert_batch_quarantined']).toBe(12);
  });

  it('that origin takes no keys of is set aside alone', async ({ expect }) => {
    await upload('FR', keys(1, 4, 'FR'), 'fr-1');
    await upload('NL', keys(1, 3, 'NL'), 'nl-1');
    gateway.store.runBatcher(NOON);
    rig.origin.refuses.add('FR');
    const { batches } = await poll();
    expect(batches.map(({ batch, reason }) => [batch, reason])).toEqual([
      ['20201126-1/FR', 'origin: refused'],
      ['20201126-1', null],
    ]);
    expect(rig.origin.keys.toSorted()).toEqual(hex(keys(1, 3, 'NL')));
  });
});

describe('limits', () => {
  const days = (change = '') =>
    runInDurableObject(rig.desk, (_, { storage: { sql } }) => {
      if (change !== '') sql.exec(change);
      return [...sql.exec('SELECT country, day, keys, let_in FROM country_day ORDER BY day, country').raw()];
    });
  const TODAY = Math.floor(NOON / 86_400);

  it('are a country’s own: one’s flood is set aside, the others of its batch come in, and two persons let it in', async ({
    expect,
  }) => {
    await poll();
    await days(
      `INSERT INTO country_day VALUES ('FR', ${TODAY - 30}, 4, 0), ('FR', ${TODAY}, 4998, 0), ('NL', ${TODAY}, 4998, 0)`,
    );
    await upload('FR', keys(1, 4, 'FR'), 'fr-1');
    await upload('NL', keys(1, 3, 'NL'), 'nl-1');
    gateway.store.runBatcher(NOON);
    const { batches, counters } = await poll();
    expect(batches.map(({ batch, state, reason }) => [batch, state, reason])).toEqual([
      ['20201126-1/FR', 'quarantined', 'ratio: 5002, 5000 are allowed'],
      ['20201126-1', 'imported', null],
    ]);
    expect(counters['alert_batch_quarantined']).toBe(1);
    expect(rig.origin.keys.toSorted()).toEqual(hex(keys(1, 3, 'NL')));
    const released = await rig.inDesk((desk) => desk.release('NL', '20201126-1/FR'));
    expect(released).toEqual({ kind: 'released', imported: 4 });
    // Whoever was silent for long isn't new; what persons let in takes nothing of the day.
    expect(await days()).toEqual([
      ['FR', TODAY - 30, 4, 0],
      ['FR', TODAY, 5002, 4],
      ['NL', TODAY, 5001, 0],
    ]);
  });

  it('count what was new here once, whatever is asked again', async ({ expect }) => {
    await upload('FR', keys(1, 4, 'FR'), 'fr-1');
    await upload('FR', keys(1, 2, 'FR', { reportType: 5 }), 'fr-2');
    await upload('NL', keys(1, 3, 'NL'), 'nl-1');
    gateway.store.runBatcher(NOON);
    rig.origin.before = () => {
      if (rig.origin.calls === 2) throw new Error('crash');
    };
    await poll();
    expect(await days()).toEqual([]);
    await poll();
    const brought = [
      ['FR', TODAY, 6, 0],
      ['NL', TODAY, 3, 0],
    ];
    expect(await days()).toEqual(brought);
    await days(`DELETE FROM desk_state WHERE name = 'download'`);
    await poll();
    expect(await days()).toEqual(brought);
  });
});

it('hours and lists hold however many batches there are', async ({ expect }) => {
  await poll();
  const hour = Math.floor(rig.now / 3600);
  await runInDurableObject(rig.desk, (_, { storage: { sql } }) => {
    const rows = 'WITH RECURSIVE place (n) AS (VALUES (0) UNION ALL SELECT n + 1 FROM place WHERE n < 999)';
    sql.exec(
      `${rows} INSERT INTO read_batch SELECT 'b' || n, ? - n / 12, '', iif(n = 999, 'quarantined', 'imported'), NULL, 5, 3, 1,
       iif(n % 2 = 0, '{"future":2}', '{"future":1,"level":1}') FROM place`,
      hour,
    );
  });
  const { read, batches, waiting } = await rig.status();
  expect([batches.length, waiting, read.length]).toEqual([100, 1, 48]);
  const sums = { keys: 60, imported: 36, revoked: 12, dropped: { future: 18, level: 6 } };
  expect(read).toEqual(Array.from({ length: 48 }, (_, n) => ({ hour: hour - 47 + n, ...sums })));
  const all = await rig.inDesk((desk) => desk.batches());
  expect([all.length, all[0]?.batch, all[1]?.batch]).toEqual([1000, 'b999', 'b9']);
});

describe('our feed', () => {
  beforeEach(async () => {
    const own = new PeerFeed('DE', testKeyPem('our key'), NOON);
    const sealed = {
      keys: peerKeys(1, 6, NOON).map((key) => ({
        ...key,
        rollingStartIntervalNumber: keys(1, 1, 'FR')[0]!.rollingStartIntervalNumber,
      })),
      revoked: [],
    };
    own.seal(sealed.keys);
    await FEEDS.put('a2a/latest.json', await own.answer('/v1/a2a/keys').arrayBuffer());
    await FEEDS.put('a2a/1.zip', own.zip(sealed));
  });

  const ours = (): EfgsKey[] => {
    gateway.store.runBatcher(gateway.clock.now);
    return gateway.store.uploadsOf('20201126-1').flatMap((one) => (one.country === 'DE' ? one.keys : []));
  };

  it('goes to the gateway as it is sealed, each key once, all with the same countries', async ({ expect }) => {
    const { fault, counters } = await poll();
    expect([fault, counters['keys_uploaded']]).toEqual([null, 6]);
    const sent = ours();
    expect(hex(sent)).toEqual(hex(peerKeys(1, 6, NOON)));
    for (const { visitedCountries, origin } of sent) expect([visitedCountries, origin]).toEqual([['FR', 'NL'], 'DE']);
    expect((await poll()).counters['keys_uploaded']).toBe(6);
  });

  it('stays here while the peer is stopped in that direction; the other goes on', async ({ expect }) => {
    await rig.inDesk((desk) => desk.stop('out', true));
    await upload('FR', keys(1, 4, 'FR'), 'fr-1');
    gateway.store.runBatcher(NOON);
    const { counters } = await poll();
    expect([counters['keys_uploaded'] ?? 0, rig.origin.keys.length]).toEqual([0, 4]);
    await rig.inDesk((desk) => desk.stop('out', false));
    expect((await poll()).counters['keys_uploaded']).toBe(6);
  });
});

it('without its settings says which is missing, and never a byte of the key', async ({ expect }) => {
  rig.vars = { ...rig.vars, EFGS_SIGNING_KEY: 'none' };
  expect((await poll()).fault).toBe('here: EFGS_SIGNING_CERTIFICATE, EFGS_SIGNING_KEY: private-key');
  rig.vars = { ...rig.vars, EFGS_SETTINGS: '{}' };
  expect((await poll()).fault).toMatch(/^here: EFGS_SETTINGS: /);
});
