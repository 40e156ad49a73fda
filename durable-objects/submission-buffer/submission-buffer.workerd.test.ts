import { beforeEach, describe, it } from 'vitest';
import { DEFAULT_CHUNK_POLICY } from '../../domain/chunk-policy.ts';
import { DAY_0, MIDNIGHT, Rig, keysOf } from '../publisher/test-rig.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { packKey, ROW_BYTES, unpackKey } from '../../domain/publication/packed-keys.ts';
import { keyRing } from '../../protocol/primitives/key-ring.ts';
import { withdrawalHash } from '../../protocol/withdrawal.ts';
import { TEST_SECRETS, testSecret } from '../../test/support/secrets.ts';
import { lastingHashes } from './accept-ops.ts';
import type { BufferConfig } from './config.ts';
import { putEnded } from './ended-keys.ts';
import { issuesInSet } from './issue-counts.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

const HOUR = MIDNIGHT / 3600 + 10;
const hours = (sql: SqlStorage) =>
  sql
    .exec<{ h: number }>('SELECT release_hour AS h FROM waiting_row ORDER BY 1')
    .toArray()
    .map(({ h }) => h);
const rows = (sql: SqlStorage) => sql.exec<{ n: number }>('SELECT count(*) AS n FROM waiting_row').one().n;

describe('accept', () => {
  it('stores an upload once, however often it is sent', async ({ expect }) => {
    expect(await rig.accept('u1', keysOf(1, 3))).toEqual({ kind: 'stored' });
    expect(await rig.accept('u1', keysOf(1, 3))).toEqual({ kind: 'stored' });
    expect(await rig.inBuffer(rows)).toBe(3);
  });

  it('takes a TEK once in its life, whatever upload brings it', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 3));
    expect(await rig.accept('u2', keysOf(1, 3))).toEqual({ kind: 'known' });
    expect(await rig.accept('u3', [...keysOf(1, 1), ...keysOf(2, 1)])).toEqual({ kind: 'stored' });
    expect(await rig.inBuffer(rows)).toBe(4);
    const uploads = await rig.inBuffer((sql) =>
      sql.exec(`SELECT keys, first_uploads FROM release_counter WHERE region = 'DE'`).toArray(),
    );
    expect(uploads).toEqual([{ keys: 4, first_uploads: 2 }]);
  });

  it('lets an id of known keys alone die, since its TAN is given back', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 3));
    expect(await rig.accept('u2', keysOf(1, 3))).toEqual({ kind: 'known' });
    expect(await rig.accept('u2', keysOf(2, 3))).toEqual({ kind: 'tombstone' });
    expect(await rig.buffer.resolve('u2')).toEqual({ kind: 'tombstone' });
    expect(await rig.inBuffer(rows)).toBe(3);
  });

  it('leaves a TEK out even after its row was forgotten', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 1));
    rig.now += 3600;
    await rig.inBuffer(() => {});
    await rig.accept('other', keysOf(9, 1));
    const set = await rig.buffer.freeze({ hour: HOUR, after: 0 });
    await rig.buffer.purge(set.setNo);
    expect(await rig.accept('u2', keysOf(1, 1))).toEqual({ kind: 'known' });
  });

  it('keeps no upload id beside a key and no time finer than the hour', async ({ expect }) => {
    await rig.accept('0f2c6d3e-upload-id', keysOf(1, 2));
    const stored = await rig.inBuffer((sql) => sql.exec('SELECT * FROM waiting_row').toArray());
    expect(JSON.stringify(stored)).not.toContain('upload-id');
    expect(stored.map(({ release_hour: hour }) => hour)).toEqual([HOUR, HOUR]);
    expect(Object.keys(stored[0] ?? {})).toEqual(['release_hour', 'tag', 'sealed']);
  });

  it('writes a hash that lasts for a whole set alone, when its rows go', async ({ expect }) => {
    const lasting = () => rig.inBuffer((sql) => sql.exec('SELECT count(*) AS n FROM known_key').one()['n']);
    await rig.accept('u1', keysOf(1, 3));
    expect(await lasting()).toBe(0);
    rig.now += 3600;
    await rig.accept('u2', keysOf(2, 2));
    const set = await rig.buffer.freeze({ hour: HOUR, after: 0 });
    expect([await lasting(), await rig.accept('u3', keysOf(1, 3))]).toEqual([0, { kind: 'known' }]);
    await rig.buffer.purge(set.setNo);
    expect([await lasting(), await rig.inBuffer(rows)]).toEqual([3, 2]);
    expect(await rig.accept('u4', keysOf(1, 3))).toEqual({ kind: 'known' });
  });

  it('keeps each key of a day that was cut as the whole day, until the day has ended', async ({ expect }) => {
    const [one, two, three] = keysOf(1, 3, DAY_0).map((key) => ({ ...key, rollingStartIntervalNumber: DAY_0 * 144 }));
    // Until 07:40, from then to 11:10, from then to midnight.
    const { hour, published } = await publishedAs([
      { ...one!, rollingPeriod: 46 },
      { ...two!, rollingStartIntervalNumber: DAY_0 * 144 + 46, rollingPeriod: 21 },
      { ...three!, rollingStartIntervalNumber: DAY_0 * 144 + 67, rollingPeriod: 77 },
    ]);
    expect(hour).toBe((DAY_0 + 1) * 24 + 1);
    const whole = { rollingStartIntervalNumber: DAY_0 * 144, rollingPeriod: 144 };
    for (const key of [one, two, three]) expect(published).toContainEqual({ ...key!, ...whole });
    expect(published.length).toBe(3);
  });

  it('holds a key that runs on after the day it is published as until two hours after its own end', async ({
    expect,
  }) => {
    // From 11:50 yesterday, sent today at 10:00, when it still runs.
    const [key] = keysOf(2, 1, DAY_0 - 1);
    const { hour, published } = await publishedAs([
      { ...key!, rollingStartIntervalNumber: (DAY_0 - 1) * 144 + 71, rollingPeriod: 144 },
    ]);
    // It ends at 11:50: sealed at 14:00.
    expect(hour).toBe(HOUR + 3);
    expect(published).toEqual([{ ...key!, rollingStartIntervalNumber: (DAY_0 - 1) * 144, rollingPeriod: 144 }]);
  });
});

/** @returns what a file would hold of an upload, and in which hour */
async function publishedAs(keys: readonly TemporaryExposureKey[]) {
  await rig.accept('u1', keys);
  const [hour = 0] = await rig.inBuffer(hours);
  rig.now = (hour + 1) * 3600;
  await rig.tuneBuffer();
  const set = await rig.buffer.freeze({ hour, after: 0 });
  const { rows: packed } = await rig.buffer.page(set.setNo, null, 100);
  const published = Array.from({ length: set.keys }, (_, n) => {
    const key = unpackKey(packed, n * ROW_BYTES);
    return { ...key, keyData: key.keyData.slice() };
  });
  return { hour, published };
}

describe('issue ids that have ended', () => {
  const ISSUE = `c${'1'.repeat(32)}`;
  const end = () => rig.buffer.dropWaiting({ id: '5f0cf1f2-7a7a-4a86-9a15-0c2f1de06a2b', issueIds: [ISSUE] });
  it('store nothing more, and whoever comes hears what known keys hear', async ({ expect }) => {
    const [early, late] = [keysOf(1, 3), keysOf(2, 3)];
    expect(await rig.accept('u1', early, ['DE'], { issueId: ISSUE })).toEqual({ kind: 'stored' });
    await end();
    await end();
    expect(await rig.accept('u2', late, ['DE'], { issueId: ISSUE })).toEqual({ kind: 'known' });
    // What was stored before is answered as before, though it is dropped; the same keys by somebody else's word are taken.
    expect(await rig.accept('u1', early, ['DE'], { issueId: ISSUE })).toEqual({ kind: 'stored' });
    expect(await rig.accept('u3', late, ['DE'], { issueId: `l${'2'.repeat(32)}` })).toEqual({ kind: 'stored' });
    expect(await rig.inBuffer((sql) => sql.exec('SELECT count(*) AS n FROM waiting_row').one()['n'])).toBe(3);
  });

  it('are forgotten when no TAN can come with them any more', async ({ expect }) => {
    await rig.accept('u0', keysOf(9, 1));
    await end();
    const left = () => rig.inBuffer((sql) => sql.exec('SELECT * FROM ended_issue').toArray().length);
    rig.now += 14 * 86_400;
    await rig.tuneBuffer();
    await rig.buffer.expire();
    expect(await left()).toBe(1);
    rig.now += 2 * 86_400;
    await rig.tuneBuffer();
    await rig.buffer.expire();
    expect(await left()).toBe(0);
  });
});

describe('resolve', () => {
  it('declares an upload id dead that was not stored', async ({ expect }) => {
    await rig.accept('u0', keysOf(5, 1));
    expect(await rig.buffer.resolve('u1')).toEqual({ kind: 'tombstone' });
    expect(await rig.accept('u1', keysOf(1, 1))).toEqual({ kind: 'tombstone' });
    expect(await rig.buffer.resolve('u0')).toEqual({ kind: 'stored' });
    expect(await rig.inBuffer(rows)).toBe(1);
  });

  it('forgets upload ids and tombstones when the row of a TAN of 14 days is gone, and not before', async ({
    expect,
  }) => {
    const ids = () => rig.inBuffer((sql) => sql.exec('SELECT upload_id AS id FROM upload').toArray());
    await rig.accept('u1', keysOf(1, 1));
    await rig.buffer.resolve('u2');
    // Life, up to an hour to the full hour, two hours of grace.
    rig.now += 14 * 86_400 + 3 * 3600;
    await rig.wakeBuffer();
    expect(await ids()).toEqual([{ id: 'u1' }, { id: 'u2' }]);
    expect([await rig.buffer.resolve('u1'), await rig.buffer.resolve('u2')]).toEqual([
      { kind: 'stored' },
      { kind: 'tombstone' },
    ]);
    rig.now += 2 * 3600;
    await rig.buffer.resolve('u3');
    await rig.wakeBuffer();
    expect(await ids()).toEqual([{ id: 'u3' }]);
  });
});

describe('freeze', () => {
  it('answers the same set to whoever asks again, also after a restart', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 3));
    rig.now += 3600;
    await rig.accept('u2', keysOf(2, 3));
    const set = await rig.buffer.freeze({ hour: HOUR, after: 0 });
    expect(set).toMatchObject({ setNo: 1, hour: HOUR, firstHour: HOUR, lastHour: HOUR, decision: 'publish', keys: 3 });
    await rig.evict();
    await rig.accept('u3', keysOf(3, 1));
    expect(await rig.buffer.freeze({ hour: HOUR, after: 0 })).toEqual(set);
  });

  it('puts a key that comes late into the next hour', async ({ expect }) => {
    rig.now += 3600;
    await rig.accept('u1', keysOf(1, 1));
    rig.now += 3600;
    await rig.accept('u0', keysOf(9, 1));
    await rig.buffer.freeze({ hour: HOUR + 1, after: 0 });
    rig.now -= 1800;
    await rig.accept('u2', keysOf(2, 1));
    expect(await rig.inBuffer(hours)).toEqual([HOUR + 1, HOUR + 2, HOUR + 2]);
  });

  it('refuses an hour that has not ended', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 1));
    await rig.inBuffer(async () => {});
    const refused = await rig.buffer.freeze({ hour: HOUR, after: 0 }).catch((error: Error) => error.message);
    expect(refused).toContain('has not ended');
  });

  it('joins a set that was given up to the next hour, under the same number', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 2));
    rig.now += 3600;
    await rig.accept('u2', keysOf(2, 2));
    await rig.buffer.freeze({ hour: HOUR, after: 0 });
    rig.now += 3600;
    await rig.accept('u3', keysOf(3, 2));
    const joined = await rig.buffer.freeze({ hour: HOUR + 1, after: 0 });
    expect(joined).toMatchObject({ setNo: 1, hour: HOUR + 1, firstHour: HOUR, lastHour: HOUR + 1, keys: 4 });
  });

  it('holds an hour below the minima and fills it with whole decoys after the maximum hold', async ({ expect }) => {
    rig.policy = DEFAULT_CHUNK_POLICY;
    await rig.accept('u1', keysOf(1, 5), ['DE', 'FR']);
    rig.now += 3600;
    for (let held = 0; held < 6; held++) {
      await rig.accept(`wake-${held}`, keysOf(1, 1));
      const set = await rig.buffer.freeze({ hour: HOUR + held, after: held });
      expect(set).toMatchObject({ decision: 'hold', firstHour: null, keys: 0 });
      rig.now += 3600;
    }
    await rig.accept('wake', keysOf(1, 1));
    const set = await rig.buffer.freeze({ hour: HOUR + 6, after: 6 });
    expect(set.decision).toBe('publish');
    expect(set.keys).toBeGreaterThanOrEqual(140);
    for (const region of set.regions) expect(region.keys - region.syntheticKeys).toBe(5);
    const { provenances } = await rig.buffer.page(set.setNo, null, 1);
    const marked = Object.values(provenances).map(({ regions, synthetic }) => ({ regions, synthetic }));
    expect(marked).toContainEqual({ regions: ['DE', 'FR'], synthetic: false });
    expect(marked).toContainEqual({ regions: ['DE', 'FR'], synthetic: true });
    await rig.evict();
    await rig.accept('wake', keysOf(1, 1));
    expect(await rig.buffer.freeze({ hour: HOUR + 6, after: 6 })).toEqual(set);
  });
});

describe('page', () => {
  it('merges the hours of a set in published order, in pages of any size', async ({ expect }) => {
    rig.policy = { ...rig.policy, minKeys: 30 };
    for (let upload = 0; upload < 5; upload++) {
      await rig.accept(`u${upload}`, keysOf(upload, 14));
      rig.now += 3600;
    }
    await rig.accept('late', keysOf(99, 1));
    // 14 keys are held, 28 are, 42 are published; so set 3 merges three hours.
    for (let n = 0; n < 3; n++) await rig.buffer.freeze({ hour: HOUR + n, after: n });
    const whole = await rig.buffer.page(3, null, 1000);
    expect([whole.rows.length / ROW_BYTES, whole.last]).toEqual([42, true]);
    const starts = Array.from(
      { length: 42 },
      (_, n) => unpackKey(whole.rows, n * ROW_BYTES).rollingStartIntervalNumber,
    );
    expect(starts).toEqual(starts.toSorted((a, b) => a - b));
    let paged: number[] = [];
    let after: Uint8Array | null = null;
    for (;;) {
      const page: Awaited<ReturnType<typeof rig.buffer.page>> = await rig.buffer.page(3, after, 5);
      paged = [...paged, ...page.rows];
      after = page.rows.slice(-ROW_BYTES);
      if (page.last) break;
    }
    expect(Uint8Array.from(paged)).toEqual(whole.rows);
  });
});

describe('an upload id', () => {
  it('is told apart from others by what is known of its keys: published, waiting, new, over', async ({ expect }) => {
    const [published, waiting, fresh] = [keysOf(1, 1)[0]!, keysOf(2, 1)[0]!, keysOf(3, 1)[0]!];
    await rig.accept('u1', [published]);
    const set = await (async () => {
      rig.now += 3600;
      return rig.buffer.freeze({ hour: HOUR, after: 0 });
    })();
    await rig.buffer.purge(set.setNo);
    await rig.accept('u2', [waiting]);
    const old = { ...fresh, rollingStartIntervalNumber: fresh.rollingStartIntervalNumber - 15 * 144 };
    const otherLevel = { ...published, transmissionRiskLevel: 1, reportType: 4 as const };
    expect(await rig.buffer.known([published, otherLevel, waiting, fresh, old])).toEqual([
      'known',
      'known',
      'known',
      'new',
      'over',
    ]);
    expect(await rig.buffer.known([])).toEqual([]);
  });

  it('takes at most 65 bytes, pages and all', async ({ expect }) => {
    const bytes = await rig.inBuffer((sql) => {
      const before = sql.databaseSize;
      const id = () => crypto.randomUUID().replaceAll('-', '');
      for (let n = 0; n < 10_000; n++) sql.exec(`INSERT INTO upload VALUES (?, 'tombstone', 500000)`, id());
      return (sql.databaseSize - before) / 10_000;
    });
    expect(bytes).toBeGreaterThan(40);
    expect(bytes).toBeLessThanOrEqual(65);
  });
});

describe('while the key of hashes is changed', () => {
  const [OLD, NEW] = [TEST_SECRETS.KNOWN_KEY_HASH_KEY, testSecret('the next KNOWN_KEY_HASH_KEY')];
  const ISSUE = `c${'7'.repeat(32)}`;
  const ROLLED_BACK = `c${'8'.repeat(32)}`;
  const opening = ({ keyData }: TemporaryExposureKey) => ({ keyData, secret: new Uint8Array(32).fill(keyData[0]!) });
  const owned = (upload: number) =>
    keysOf(upload, 2).map((key) => ({ ...key, withdrawalHash: withdrawalHash(opening(key)) }));
  let config: BufferConfig;
  const deploy = (ring: string) =>
    rig.inBufferObject((buffer) => {
      const object = buffer as unknown as { config: BufferConfig };
      config = object.config = { ...object.config, knownKeyHashKeys: keyRing(ring, 'KNOWN_KEY_HASH_KEY') };
    });
  const publish = async (after: number): Promise<number> => {
    rig.now += 3600;
    await rig.tuneBuffer();
    const { setNo } = await rig.buffer.freeze({ hour: HOUR + after, after });
    await rig.buffer.purge(setNo);
    return setNo;
  };
  const uploadsOf = () =>
    rig.inBuffer((sql) => issuesInSet(sql, config, [ISSUE], [HOUR, HOUR + 1]).map(({ inSet }) => inSet));

  it('everything that either key made is found, and with the new one alone it isn’t', async ({ expect }) => {
    await rig.accept('u1', owned(1), ['DE'], { issueId: ISSUE });
    await rig.importBatch('NL', '1', keysOf(50, 2), [keysOf(51, 1)[0]!.keyData]);
    const first = await publish(0);
    await rig.accept('u2', owned(2), ['DE'], { issueId: ISSUE });
    await rig.buffer.dropWaiting({ id: '5f0cf1f2-7a7a-4a86-9a15-0c2f1de06a2b', issueIds: [ROLLED_BACK] });

    await deploy(`${OLD},${NEW}`);
    await deploy(`${NEW},${OLD}`);
    // Published, and waiting, under the former key.
    expect(await rig.accept('u3', owned(1))).toEqual({ kind: 'known' });
    expect(await rig.accept('u4', owned(2))).toEqual({ kind: 'known' });
    // What a peer had taken back before it came, and a source that was rolled back.
    expect(await rig.importBatch('NL', '2', keysOf(51, 1))).toMatchObject({ counts: { imported: 0, left: 1 } });
    expect(await rig.accept('u5', owned(5), ['DE'], { issueId: ROLLED_BACK })).toEqual({ kind: 'known' });
    // An issue of both keys has the sum of them, and ends as one.
    await rig.accept('u6', owned(6), ['DE'], { issueId: ISSUE });
    expect(await uploadsOf()).toEqual([{ uploads: 3, keys: 6 }]);
    await rig.buffer.withdraw(owned(6).map(opening));
    expect(await uploadsOf()).toEqual([{ uploads: 2, keys: 4 }]);

    const second = await publish(first);
    expect(await rig.accept('u7', owned(2))).toEqual({ kind: 'known' });
    expect(await rig.accept('u8', owned(6))).toEqual({ kind: 'known' });
    // Its owner takes back what the former key knows, and so does the peer.
    await rig.buffer.withdraw(owned(1).map(opening));
    expect(await rig.importBatch('NL', '3', [], [keysOf(50, 1)[0]!.keyData])).toMatchObject({ counts: { revoked: 1 } });
    rig.now += 3600;
    await rig.tuneBuffer();
    expect((await rig.buffer.withdrawals(HOUR + 2))!.teks).toHaveLength(3 * 16);

    // Too early: nothing says that the former key’s are known.
    await deploy(NEW);
    await publish(second);
    expect(await rig.accept('u9', owned(1))).toEqual({ kind: 'stored' });
  });

  it('a restore takes in nothing that ended under the former one', async ({ expect }) => {
    const [ended, other] = [keysOf(1, 1)[0]!, keysOf(2, 1)[0]!];
    await deploy(`${NEW},${OLD}`);
    const hash = lastingHashes(config, ended.keyData)[1]!;
    await rig.inBuffer((sql) => putEnded(sql, [{ hash, expiresHour: HOUR + 99 }]));
    const found = new Uint8Array(2 * ROW_BYTES);
    packKey(found, 0, ended);
    packKey(found, ROW_BYTES, other);
    const label = { regions: ['DE'], consentToFederation: false, origin: 'DE', synthetic: false, issueId: null };
    await rig.inBuffer((sql) => sql.exec(`DELETE FROM meta WHERE name = 'begun'`));
    const labels = { 0: label };
    await rig.buffer.restoreStep({ kind: 'unlogged', found: { hour: HOUR, rows: found, openings: null, labels } });
    expect(await rig.inBuffer(rows)).toBe(1);
  });
});
