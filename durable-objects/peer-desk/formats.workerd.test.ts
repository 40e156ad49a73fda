/** @module Other formats than ours, and where a peer's keys come from: by the real object, each as such a backend serves it. */
import { env } from 'cloudflare:workers';
import { beforeAll, beforeEach, describe, it } from 'vitest';
import { noteKeyText } from '../../protocol/directory/note.ts';
import { certificateText } from '../../protocol/directory/statement.ts';
import { writeZip } from '../../protocol/export/zip.ts';
import { hourOf, hourStart } from '../../protocol/gaen/intervals.ts';
import { toHex, utf8 } from '../../protocol/primitives/bytes.ts';
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
  revocationLeaf,
  revocationOf,
  WITNESSES,
} from '../../test/support/directory-world.ts';
import { testKeyPem } from '../../test/support/secrets.ts';
import { PEER_URL, PeerFeed, peerKeys } from '../../test/support/peer-feed.ts';
import { DeskRig, NOON } from '../../test/support/desk-rig.workerd.ts';

const { DIRECTORY } = env as unknown as { readonly DIRECTORY: R2Bucket };

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
    rig.vars = {
      DIRECTORY_POLICY: JSON.stringify({
        origin: ORIGIN,
        logKeys: [noteKeyText(LOG)],
        roots: [certificateText(world.root.certificate)],
        witnesses: WITNESSES.map((witness) => noteKeyText(witness)),
        threshold: 2,
        maxAgeSeconds: 30 * 86_400,
      }),
    };
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

  it('that an operator named are used where the directory has never spoken of the peer', async ({ expect }) => {
    const other = { regionId: 'FR', cluster: 'eu', sequence: 1, removed: true };
    for (const [path, bytes] of logOf([revocationLeaf(world.eu, revocationOf(world.eu, other))]))
      await DIRECTORY.put(path, bytes);
    rig.config = { ...rig.config, VerificationKeys: [rig.feed.verificationKey] };
    rig.feed.seal(peerKeys(1, 5, NOW));
    expect((await rig.poll()).state.lastBatchID).toBe('1');
  });
});
