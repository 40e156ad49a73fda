/** @module Other formats than ours, and where a peer's keys come from: by the real object, each as such a backend serves it. */
import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, it } from 'vitest';
import { writeZip } from '../../protocol/export/zip.ts';
import { hourOf, hourStart } from '../../protocol/gaen/intervals.ts';
import { toHex, utf8 } from '../../protocol/primitives/bytes.ts';
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
} from '../../test/support/directory-world.ts';
import { testKeyPem } from '../../test/support/secrets.ts';
import { PEER_URL, PeerFeed, peerKeys } from '../../test/support/peer-feed.ts';
import { DeskRig, NOON } from '../../test/support/desk-rig.workerd.ts';

const { DIRECTORY, FEEDS } = env as unknown as { readonly DIRECTORY: R2Bucket; readonly FEEDS: R2Bucket };

let rig: DeskRig;
beforeEach(async () => {
  rig = await DeskRig.create();
});

const keys = (first: number, count = 5) => peerKeys(first, count, NOON);
const hex = (first: number, count = 5): string[] => keys(first, count).map(({ keyData }) => toHex(keyData));

describe('DP-3T', () => {
  it('has batches without levels; cancelled keys are taken back; what went before we came is passed over', async ({
    expect,
  }) => {
    rig.config = { ...rig.config, Format: 'dp3t' };
    for (const first of [1, 10, 20]) rig.feed.seal(keys(first, 3));
    rig.feed.seal(
      [],
      keys(20, 1).map((key) => ({ ...key, reportType: 5 as const })),
    );
    rig.feed.oldest = 2;
    const { state, fault, batches } = await rig.poll();
    expect([fault, state.lastBatchID]).toEqual([null, '4']);
    // Its batches are in the order of when keys end.
    expect(rig.origin.keys.toSorted()).toEqual([...hex(10, 3), ...hex(20, 3)].toSorted());
    expect(rig.origin.batches.get('NL 4')!.revoked).toEqual(hex(20, 1));
    expect(batches).toHaveLength(3);
  });

  it('is believed by its signature as ours is', async ({ expect }) => {
    rig.config = { ...rig.config, Format: 'dp3t' };
    rig.feed.seal(keys(1));
    rig.feed.bend = async (path, answer) => (path.includes('exposed') ? new Response(answer().body) : answer());
    expect((await rig.poll()).fault).toBe('signature: malformed');
  });

  it('of somebody else, under the same paths, is none of ours', async ({ expect }) => {
    rig.config = { ...rig.config, Format: 'dp3t' };
    rig.feed.seal(keys(1));
    rig.feed.bend = async (path, answer) =>
      rig.feed.signed(path, new Uint8Array(await answer().arrayBuffer()), rig.now + 60, 'FR');
    expect((await rig.poll()).fault).toBe('signature: feed');
    expect(rig.origin.calls).toBe(0);
  });

  it('goes on after a gap only when we were away for as long as it keeps batches, and counts that once', async ({
    expect,
  }) => {
    rig.config = { ...rig.config, Format: 'dp3t' };
    for (const first of [1, 10, 20, 30]) {
      rig.feed.seal(keys(first, 1));
      if (first === 1) await rig.poll();
    }
    rig.feed.oldest = 4;
    expect((await rig.poll()).fault).toBe('gap: 2');
    const { fault, state, counters } = await rig.poll(14 * 86_400);
    expect([fault, state.lastBatchID, counters['alert_feed_gap']]).toEqual([null, '4', 1]);
    rig.feed.seal(keys(40, 1));
    const after = await rig.poll();
    expect([after.fault, after.state.lastBatchID, after.counters['alert_feed_gap']]).toEqual([null, '5', 1]);
  });

  it('with more keys than fit an isolate is set aside unread', async ({ expect }) => {
    rig.config = { ...rig.config, Format: 'dp3t' };
    rig.feed.seal(keys(1));
    const many = new Uint8Array(2 * 400_200);
    for (let at = 0; at < many.length; at += 2) many[at] = 0x12;
    rig.feed.bend = async (path, answer) => (path.includes('exposed') ? rig.feed.signed(path, many) : answer());
    const { batches } = await rig.poll();
    expect(batches.map(({ batch, state: is, keys: n }) => [batch, is, n])).toEqual([['1', 'quarantined', 400_200]]);
  });
});

it('a peer that changes its format looks empty to nobody', async ({ expect }) => {
  rig.feed.seal(keys(1));
  await rig.poll();
  rig.config = { ...rig.config, Format: 'cwa' };
  serve({
    '/version/v1/diagnosis-keys/country/NL/date': () => rig.feed.json(['2026-06-14']),
    '/version/v1/diagnosis-keys/country/NL/date/2026-06-14': () =>
      rig.feed.zip({ keys: keys(10), revoked: [] }, 'NL', Date.parse('2026-06-14T00:00:00Z') / 1000, 86_400),
  });
  await rig.inDesk((desk) => desk.reread('NL'));
  expect((await rig.poll(0)).state.lastBatchID).toBe('2026-06-14');
  rig.config = { ...rig.config, Format: 'exposure-edge' };
  rig.feed.bend = async (_path, answer) => answer();
  rig.feed.seal(keys(20));
  expect((await rig.poll()).fault).toBe('rewound: no batch of this format: 2026-06-14');
  await rig.inDesk((desk) => desk.reread('NL'));
  expect((await rig.poll(0)).state.lastBatchID).toBe('2');
  expect(rig.origin.keys).toEqual([...hex(1), ...hex(10), ...hex(20)]);
});

/** Files at paths. */
function serve(files: Readonly<Record<string, () => Uint8Array>>): void {
  rig.feed.bend = async (path) => {
    const file = files[path];
    return file === undefined ? new Response(null, { status: 404 }) : new Response(Uint8Array.from(file()));
  };
}

describe('Google’s export server', () => {
  const zip = (first: number) => () => rig.feed.zip({ keys: keys(first), revoked: [] });

  it('has an index; files are taken in its order, and after the last one had', async ({ expect }) => {
    rig.config = { ...rig.config, Format: 'google', RemoteRegionURL: `${PEER_URL}/exports` };
    const files = { '/exports/1-2-00001.zip': zip(1), '/exports/2-3-00001.zip': zip(10) };
    const index = (...names: string[]) => ({
      '/exports/index.txt': () => utf8(names.map((name) => `exports/${name}`).join('\n')),
    });
    serve({ ...files, ...index('1-2-00001.zip', '2-3-00001.zip') });
    expect((await rig.poll()).state.lastBatchID).toBe('2-3-00001.zip');
    expect(rig.origin.keys).toEqual([...hex(1), ...hex(10)]);
    serve({ ...files, '/exports/3-4-00001.zip': zip(20), ...index('2-3-00001.zip', '3-4-00001.zip') });
    await rig.poll();
    expect(rig.origin.keys.slice(10)).toEqual(hex(20));
    serve({ ...files, ...index('1-2-00001.zip') });
    expect((await rig.poll()).fault).toBe('rewound: 1-2-00001.zip');
  });

  it('says nothing in its file’s words', async ({ expect }) => {
    rig.config = { ...rig.config, Format: 'google' };
    const stranger = '<script>alert(1)</script>';
    serve({
      '/index.txt': () => utf8('1-2-00001.zip'),
      '/1-2-00001.zip': () => writeZip([{ name: stranger, data: new Uint8Array(3) }]),
    });
    expect((await rig.poll()).fault).toBe('format: unexpected-entry');
  });

  it.for(['../secret', 'https://elsewhere.example/1.zip', '/absolute.zip', 'a//b.zip', 'a?b', 'x'.repeat(101)])(
    'whose index names %s is asked for nothing',
    async (name, { expect }) => {
      rig.config = { ...rig.config, Format: 'google' };
      serve({ '/index.txt': () => utf8(name) });
      expect((await rig.poll()).fault).toBe('format: a name in index.txt');
      expect(rig.feed.asked).toEqual(['/index.txt']);
    },
  );
});

describe('a batch of Google’s format that is split over several files', () => {
  const URL_PART = '/exports';
  /** Part `num` of `size`, five keys from `first` on. */
  const part = (first: number, num: number, size: number) => () =>
    rig.feed.zip({ keys: keys(first), revoked: [] }, 'NL', hourStart(hourOf(rig.now)) - 3600, 3600 + num, {
      num,
      size,
    });
  const serveFiles = (files: Readonly<Record<string, () => Uint8Array>>, listed = Object.keys(files)): void =>
    serve({
      ...Object.fromEntries(Object.entries(files).map(([name, zip]) => [`${URL_PART}/${name}`, zip])),
      [`${URL_PART}/index.txt`]: () => utf8(listed.map((name) => `exports/${name}`).join('\n')),
    });
  const read = async () => {
    const { fault, state, batches, counters } = await rig.poll(1200);
    return { fault, last: state.lastBatchID, imported: batches.map(({ batch }) => batch), counters };
  };

  beforeEach(() => {
    rig.config = { ...rig.config, Format: 'google', RemoteRegionURL: `${PEER_URL}/exports` };
  });

  it('comes in as one, once', async ({ expect }) => {
    const files = {
      '1-2-00001.zip': part(1, 1, 3),
      '1-2-00002.zip': part(10, 2, 3),
      '1-2-00003.zip': part(20, 3, 3),
      '3-4-00001.zip': part(30, 1, 1),
    };
    serveFiles(files);
    expect(await read()).toMatchObject({ fault: null, last: '3-4-00001.zip' });
    expect([...rig.origin.batches.keys()]).toEqual(['NL 1-2-00003.zip', 'NL 3-4-00001.zip']);
    expect(rig.origin.keys).toEqual([...hex(1), ...hex(10), ...hex(20), ...hex(30)]);
    await read();
    expect(rig.origin.calls).toBe(2);
  });

  it('waits for the part that is missing, says which, and comes in once it is there', async ({ expect }) => {
    const [one, two, after] = [part(1, 1, 2), part(10, 2, 2), part(30, 1, 1)];
    serveFiles({ '1-2-00001.zip': one, '3-4-00001.zip': after });
    expect(await read()).toMatchObject({ fault: 'gap: part 2 of 2, beside 1-2-00001.zip', last: null });
    // In the list before it is there.
    serveFiles({ '1-2-00001.zip': one }, ['1-2-00001.zip', '1-2-00002.zip']);
    expect((await read()).fault).toBe('gap: part 2 of 2, beside 1-2-00001.zip');
    serveFiles({ '1-2-00001.zip': one, '1-2-00002.zip': two, '3-4-00001.zip': after });
    rig.now += 600;
    expect(await read()).toMatchObject({ fault: null, last: '3-4-00001.zip' });
    expect(rig.origin.keys).toEqual([...hex(1), ...hex(10), ...hex(30)]);
  });

  it('is gone on with a day later without it, which is an alert', async ({ expect }) => {
    const start = rig.now;
    const old = (first: number, num: number) => {
      const zip = rig.feed.zip({ keys: keys(first), revoked: [] }, 'NL', start - 3600, 3600, { num, size: 3 });
      return () => zip;
    };
    serveFiles({ '1-2-00001.zip': old(1, 1), '1-2-00003.zip': old(20, 3), '3-4-00001.zip': part(30, 1, 1) });
    expect((await read()).fault).toBe('gap: part 2 of 3, beside 1-2-00001.zip');
    rig.now = start + 86_400;
    const { last, counters, imported } = await read();
    expect([last, counters['alert_feed_gap']]).toEqual(['3-4-00001.zip', 1]);
    expect(imported.toSorted()).toEqual(['1-2-00003.zip', '3-4-00001.zip']);
    expect(rig.origin.keys).toEqual([...hex(1), ...hex(20), ...hex(30)]);
  });

  it('is none with a part of another hour, or twice the same', async ({ expect }) => {
    const other = () => rig.feed.zip({ keys: keys(10), revoked: [] }, 'NL', rig.now - 9000, 3600, { num: 2, size: 2 });
    serveFiles({ '1-2-00001.zip': part(1, 1, 2), '1-2-00002.zip': other });
    expect((await read()).fault).toBe('gap: part 2 of 2, beside 1-2-00001.zip');
    serveFiles({ '1-2-00001.zip': part(1, 1, 2), '1-2-00002.zip': part(10, 1, 2) });
    rig.now += 600;
    expect((await read()).fault).toBe('gap: part 2 of 2, beside 1-2-00001.zip');
    expect(rig.origin.calls).toBe(0);
  });

  it('that a breaker set aside is let in whole', async ({ expect }) => {
    rig.origin.refuses.add('NL');
    const files = { '1-2-00001.zip': part(1, 1, 2), '1-2-00002.zip': part(10, 2, 2) };
    const fixed = Object.fromEntries(
      Object.entries(files).map(([name, zip]) => {
        const bytes = zip();
        return [name, () => bytes];
      }),
    );
    serveFiles({ '0-1-00001.zip': part(40, 1, 1), ...fixed });
    await read();
    rig.origin.refuses.clear();
    const released = await rig.inDesk((desk) => desk.release('NL', '1-2-00002.zip'));
    expect(released).toEqual({ kind: 'released', imported: 10 });
    expect(rig.origin.keys).toEqual([...hex(1), ...hex(10)]);
  });

  it('is no batch of Corona-Warn-App’s tree', async ({ expect }) => {
    rig.config = { ...rig.config, Format: 'cwa', RemoteRegionURL: PEER_URL };
    const date = new Date(rig.now * 1000).toISOString().slice(0, 10);
    const tree = `/version/v1/diagnosis-keys/country/NL/date`;
    const hour = new Date(rig.now * 1000).getUTCHours() - 1;
    serve({
      [tree]: () => rig.feed.json([]),
      [`${tree}/${date}/hour`]: () => rig.feed.json([hour]),
      [`${tree}/${date}/hour/${hour}`]: part(1, 1, 2),
    });
    expect((await rig.poll(0)).fault).toBe('format: part 1 of 2');
  });
});

describe('Corona-Warn-App’s tree', () => {
  const TREE = '/version/v1/diagnosis-keys/country/NL/date';
  const hour = (date: string, n: number, first: number) => {
    const start = hourStart(hourOf(Date.parse(`${date}T00:00:00Z`) / 1000) + n);
    return { [`${TREE}/${date}/hour/${n}`]: () => rig.feed.zip({ keys: keys(first), revoked: [] }, 'NL', start) };
  };

  it('is read by the hour; the package of a day has what was missed of it', async ({ expect }) => {
    rig.config = { ...rig.config, Format: 'cwa' };
    const day = (dates: readonly string[]) => ({ [TREE]: () => rig.feed.json(dates) });
    const whole = (date: string, firsts: readonly number[]) => ({
      [`${TREE}/${date}`]: () => {
        const all = { keys: firsts.flatMap((first) => keys(first)), revoked: [] };
        const start = Date.parse(`${date}T00:00:00Z`) / 1000;
        return rig.feed.zip(all, 'NL', start, 86_400);
      },
    });
    const hours = (date: string, list: readonly number[]) => ({ [`${TREE}/${date}/hour`]: () => rig.feed.json(list) });
    serve({
      ...day(['2026-06-14']),
      ...whole('2026-06-14', [1]),
      ...hours('2026-06-15', [9, 10]),
      ...hour('2026-06-15', 9, 10),
      ...hour('2026-06-15', 10, 20),
    });
    expect((await rig.poll()).state.lastBatchID).toBe('2026-06-15/10');
    expect(rig.origin.keys).toEqual([...hex(1), ...hex(10), ...hex(20)]);
    serve({ ...day(['2026-06-14', '2026-06-15']), ...whole('2026-06-15', [10, 20, 30]) });
    expect((await rig.poll(86_400)).state.lastBatchID).toBe('2026-06-15');
    expect(rig.origin.keys.slice(15)).toEqual([...hex(10), ...hex(20), ...hex(30)]);
    expect((await rig.poll()).fault).toBeNull();
  });

  it('with a day to come in its list: nothing of it', async ({ expect }) => {
    rig.config = { ...rig.config, Format: 'cwa' };
    const start = Date.parse('2030-01-01T00:00:00Z') / 1000;
    serve({
      [TREE]: () => rig.feed.json(['2030-01-01']),
      [`${TREE}/2030-01-01`]: () => rig.feed.zip({ keys: keys(1), revoked: [] }, 'NL', start, 86_400),
    });
    const { fault, state } = await rig.poll();
    expect([fault, state.lastBatchID]).toEqual(['format: a day of the list', null]);
  });

  it('with the file of another hour under its path: nothing of it', async ({ expect }) => {
    rig.config = { ...rig.config, Format: 'cwa' };
    const other = Object.values(hour('2026-06-15', 8, 1))[0]!;
    serve({
      [TREE]: () => rig.feed.json([]),
      [`${TREE}/2026-06-15/hour`]: () => rig.feed.json([9]),
      [`${TREE}/2026-06-15/hour/9`]: other,
    });
    expect((await rig.poll()).fault).toBe('format: keys of another hour or region');
  });
});

describe('keys of the directory', () => {
  let world: {
    readonly root: Party;
    readonly eu: Party;
    readonly region: Party;
    readonly leaves: readonly Uint8Array[];
  };
  beforeAll(async () => {
    const root = await makeRoot();
    const eu = await makeCluster(root, 'eu');
    const region = await makeRegion(eu, 'C=NL, OU=eu, CN=NL');
    const tls = await makeTls(eu, 'C=NL, OU=eu, CN=NL client');
    const key = new PeerFeed('NL', testKeyPem('peer of tests'), NOW).verificationKey;
    const entry = entryOf(region, [tls], { regionId: 'NL', verificationKeys: [key] });
    const { keyId, keyVersion } = key;
    const revoked = revocationOf(region, {
      regionId: 'NL',
      cluster: 'eu',
      sequence: 2,
      verificationKeys: [{ keyId, keyVersion }],
    });
    world = { root, eu, region, leaves: [entryLeaf(region, entry), revocationLeaf(region, revoked)] };
  });

  const publish = async (entries: number): Promise<void> => {
    for (const [path, bytes] of logOf(world.leaves.slice(0, entries))) await DIRECTORY.put(path, bytes);
  };

  beforeEach(async () => {
    // That of the test directory; keys are as old as it is.
    rig.now = NOW;
    rig.config = { ...rig.config, VerificationKeys: null };
    rig.vars = { DIRECTORY_POLICY: JSON.stringify(policyDocument(world.root, 30 * 86_400)) };
  });

  it('verify until they are revoked, which counts at the next poll, though an operator named them too', async ({
    expect,
  }) => {
    await publish(1);
    rig.feed.seal(peerKeys(1, 5, NOW));
    expect((await rig.poll()).state.lastBatchID).toBe('1');
    await publish(2);
    rig.feed.seal(peerKeys(10, 5, NOW));
    expect((await rig.poll()).fault).toBe('signature: unknown-key');
    rig.config = { ...rig.config, VerificationKeys: [rig.feed.verificationKey] };
    expect((await rig.poll()).fault).toBe('signature: unknown-key');
  });

  it('of a directory that is rolled back, or not there, are none', async ({ expect }) => {
    rig.feed.seal(peerKeys(1, 5, NOW));
    expect((await rig.poll()).fault).toBe('directory: it can’t be relied on');
    await publish(2);
    await rig.poll();
    await publish(1);
    const { fault, counters } = await rig.poll();
    expect([fault, counters['alert_directory_refused']]).toEqual(['directory: it can’t be relied on', 2]);
    expect(rig.origin.calls).toBe(0);
  });

  it('that an operator named aren’t used while the directory can’t be relied on, nor once the peer was removed', async ({
    expect,
  }) => {
    const own = { VerificationKeys: [rig.feed.verificationKey] };
    rig.config = { ...rig.config, ...own };
    rig.feed.seal(peerKeys(1, 5, NOW));
    expect((await rig.poll()).fault).toBe('directory: it can’t be relied on');
    const removal = { regionId: 'NL', cluster: 'eu', sequence: 1, removed: true };
    const leaves = [world.leaves[0]!, revocationLeaf(world.eu, revocationOf(world.eu, removal))];
    for (const [path, bytes] of logOf(leaves)) await DIRECTORY.put(path, bytes);
    expect((await rig.poll()).fault).toBe('directory: the peer was removed, or is withheld');
    expect(rig.origin.calls).toBe(0);
  });

  it('say who is told of our batches, too: nobody while it can’t be relied on, nor a peer that was removed', async ({
    expect,
  }) => {
    const told: string[] = [];
    rig.ask = async ({ url }) => {
      told.push(url);
      return new Response(null, { status: 204 });
    };
    rig.config = { ...rig.config, HintURL: 'https://hooks.nl.example/' };
    rig.vars = { ...rig.vars, FEED_URL: 'https://peers.de.example' };
    const latest = { feed: 'a2a', region: 'DE', oldestBatchId: 1, latestBatchId: 3, issuedAt: NOW };
    const times = { recommendedNextPollTime: NOW + 3600, validUntil: NOW + 7200 };
    await FEEDS.put('a2a/latest.json', JSON.stringify({ ...latest, ...times }));
    const tell = () => rig.inDesk((desk) => desk.tell('NL'));
    await tell();
    const removal = { regionId: 'NL', cluster: 'eu', sequence: 1, removed: true };
    const removed = [world.leaves[0]!, revocationLeaf(world.eu, revocationOf(world.eu, removal))];
    for (const [path, bytes] of logOf(removed)) await DIRECTORY.put(path, bytes);
    await tell();
    expect(told).toEqual([]);
    // Without a directory an operator's word is all there is.
    rig.vars = { ...rig.vars, DIRECTORY_POLICY: '' };
    await tell();
    expect(told).toEqual(['https://hooks.nl.example/']);
  });

  it('that an operator named are used where the directory has never spoken of the peer', async ({ expect }) => {
    const other = { regionId: 'FR', cluster: 'eu', sequence: 1, removed: true };
    for (const [path, bytes] of logOf([revocationLeaf(world.eu, revocationOf(world.eu, other))]))
      await DIRECTORY.put(path, bytes);
    rig.config = { ...rig.config, VerificationKeys: [rig.feed.verificationKey] };
    rig.feed.seal(peerKeys(1, 5, NOW));
    expect((await rig.poll()).state.lastBatchID).toBe('1');
  });
});
