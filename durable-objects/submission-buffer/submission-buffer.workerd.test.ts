import { beforeEach, describe, it } from 'vitest';
import { DEFAULT_CHUNK_POLICY } from '../../domain/chunk-policy.ts';
import { DAY_0, MIDNIGHT, Rig, keysOf } from '../publisher/test-rig.ts';
import { readReceived } from '../../domain/received.ts';
import { ROW_BYTES, unpackKey } from '../packed-keys.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

const HOUR = MIDNIGHT / 3600 + 10;
const rows = (sql: SqlStorage) => sql.exec<{ n: number }>('SELECT count(*) AS n FROM diagnosis_key').one().n;

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
    const stored = await rig.inBuffer((sql) => sql.exec('SELECT * FROM diagnosis_key').toArray());
    expect(JSON.stringify(stored)).not.toContain('upload-id');
    expect(stored.map(({ release_hour: hour }) => hour)).toEqual([HOUR, HOUR]);
  });

  it('keeps each key of a day that was cut as the whole day, until the day has ended', async ({ expect }) => {
    const [one, two, three] = keysOf(1, 3, DAY_0).map((key) => ({ ...key, rollingStartIntervalNumber: DAY_0 * 144 }));
    // Until 07:40, from then to 11:10, from then to midnight.
    await rig.accept('u1', [
      { ...one!, rollingPeriod: 46 },
      { ...two!, rollingStartIntervalNumber: DAY_0 * 144 + 46, rollingPeriod: 21 },
      { ...three!, rollingStartIntervalNumber: DAY_0 * 144 + 67, rollingPeriod: 77 },
    ]);
    const stored = await rig.inBuffer((sql) =>
      sql.exec('SELECT release_hour, rolling_start, rolling_period FROM diagnosis_key').toArray(),
    );
    const whole = { release_hour: (DAY_0 + 1) * 24 + 1, rolling_start: DAY_0 * 144, rolling_period: 144 };
    expect(stored).toEqual([whole, whole, whole]);
  });

  it('holds a key that runs on after the day it is published as until two hours after its own end', async ({
    expect,
  }) => {
    const [key] = keysOf(1, 1, DAY_0 - 1);
    // From 06:00 yesterday to 06:00 today, sent at 10:00; then one that ends at 23:50 tonight.
    await rig.accept('u1', [{ ...key!, rollingStartIntervalNumber: (DAY_0 - 1) * 144 + 36 }]);
    const other = keysOf(2, 1, DAY_0 - 1)[0]!;
    await rig.accept('u2', [{ ...other, rollingStartIntervalNumber: (DAY_0 - 1) * 144 + 71, rollingPeriod: 144 }]);
    const stored = await rig.inBuffer((sql) =>
      sql.exec('SELECT release_hour, rolling_start, rolling_period FROM diagnosis_key ORDER BY 1').toArray(),
    );
    const day = { rolling_start: (DAY_0 - 1) * 144, rolling_period: 144 };
    expect(stored).toEqual([
      { release_hour: HOUR, ...day },
      // 11:50 and two hours: sealed at 14:00.
      { release_hour: HOUR + 3, ...day },
    ]);
  });
});

describe('known', () => {
  it('says whether all keys are, and there is one to publish; asking stores nothing', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 3));
    const before = await rig.inBuffer((sql) => sql.exec('SELECT count(*) AS n FROM known_key').toArray());
    expect(await rig.buffer.known(keysOf(1, 3))).toBe(true);
    expect(await rig.buffer.known(keysOf(1, 1))).toBe(true);
    expect(await rig.buffer.known([...keysOf(1, 3), ...keysOf(2, 1)])).toBe(false);
    expect(await rig.buffer.known(keysOf(2, 1))).toBe(false);
    expect(await rig.buffer.known([])).toBe(false);
    expect(await rig.inBuffer((sql) => sql.exec('SELECT count(*) AS n FROM known_key').toArray())).toEqual(before);
  });

  it('does not count keys that have had their time: of the rest each must be known', async ({ expect }) => {
    const tooOld = keysOf(7, 1, DAY_0 - 20);
    await rig.accept('u1', keysOf(1, 3));
    expect(await rig.buffer.known([...keysOf(1, 3), ...tooOld])).toBe(true);
    expect(await rig.buffer.known(tooOld)).toBe(false);
  });

  it('knows a key whose row is long published and forgotten', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 1));
    rig.now += 3600;
    await rig.accept('other', keysOf(9, 1));
    const set = await rig.buffer.freeze({ hour: HOUR, after: 0 });
    await rig.buffer.purge(set.setNo);
    expect(await rig.buffer.known(keysOf(1, 1))).toBe(true);
  });
});

describe('withdrawn batches', () => {
  it('are marked by the hour, the earlier one wins, and the mark outlives every key of the batch', async ({
    expect,
  }) => {
    await rig.accept('u1', keysOf(1, 1)); // hands the rig's clock to the object
    const at = HOUR * 3600 + 1234;
    await rig.buffer.markBatch('batch-1', at);
    await rig.buffer.markBatch('batch-1', at + 7200);
    await rig.buffer.markBatch('batch-2', at - 86_400);
    const marks = [
      { codeBatchId: 'batch-1', fromHour: HOUR },
      { codeBatchId: 'batch-2', fromHour: HOUR - 24 },
    ];
    expect(await rig.buffer.withdrawnBatches()).toEqual(marks);
    rig.now += 15 * 86_400;
    await rig.buffer.expire();
    expect(await rig.buffer.withdrawnBatches()).toEqual(marks);
    rig.now += 86_400;
    await rig.buffer.expire();
    expect(await rig.buffer.withdrawnBatches()).toEqual([]);
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

  it('forgets upload ids and tombstones when the TAN row is gone', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 1));
    await rig.buffer.resolve('u2');
    rig.now += 29 * 3600;
    await rig.accept('u3', keysOf(3, 1));
    await rig.buffer.expire();
    const ids = await rig.inBuffer((sql) => sql.exec('SELECT upload_id FROM upload').toArray());
    expect(ids).toEqual([{ upload_id: 'u3' }]);
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
    const hours = await rig.inBuffer((sql) =>
      sql.exec<{ h: number }>('SELECT release_hour AS h FROM diagnosis_key ORDER BY 1').toArray(),
    );
    expect(hours.map(({ h }) => h)).toEqual([HOUR + 1, HOUR + 2, HOUR + 2]);
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
    const marked = await rig.inBuffer((sql) =>
      sql.exec('SELECT DISTINCT regions, synthetic FROM provenance ORDER BY synthetic').toArray(),
    );
    expect(marked).toEqual([
      { regions: 'DE,FR', synthetic: 0 },
      { regions: 'DE,FR', synthetic: 1 },
    ]);
    await rig.evict();
    await rig.accept('wake', keysOf(1, 1));
    expect(await rig.buffer.freeze({ hour: HOUR + 6, after: 6 })).toEqual(set);
  });

  it.for([
    { name: 'at home', regions: ['DE', 'FR'], consentToFederation: false, origin: 'DE' },
    { name: 'of a peer', regions: ['FR'], consentToFederation: true, origin: 'FR' },
  ])('draws regions, consent and origin of decoys from the real keys that wait: $name', async (like, { expect }) => {
    rig.policy = DEFAULT_CHUNK_POLICY;
    const { regions, consentToFederation, origin } = like;
    await rig.accept('u1', keysOf(1, 5), regions, { consentToFederation, origin });
    await padded();
    const drawn = await rig.inBuffer((sql) =>
      sql.exec('SELECT regions, consent, origin FROM provenance WHERE synthetic = 1').toArray(),
    );
    expect(drawn).toEqual([{ regions: regions.join(','), consent: consentToFederation ? 1 : 0, origin }]);
  });

  it('draws decoys as of the hours in which real keys came: a set of the evening before has its days', async ({
    expect,
  }) => {
    rig.policy = DEFAULT_CHUNK_POLICY;
    rig.now = MIDNIGHT + 22 * 3600;
    await rig.accept('u1', keysOf(1, 5));
    await padded(MIDNIGHT / 3600 + 22);
    const newest = await rig.inBuffer((sql) =>
      sql
        .exec<{ start: number }>(
          `SELECT DISTINCT rolling_start AS start FROM diagnosis_key k JOIN provenance p ON p.id = k.provenance
         WHERE synthetic = 1 AND release_hour <= ? ORDER BY 1 DESC LIMIT 1`,
          MIDNIGHT / 3600 + 28,
        )
        .toArray(),
    );
    // Sealed at 05:00 on the next day, which no decoy has a key of: nobody came on that day.
    expect(newest).toEqual([{ start: DAY_0 * 144 }]);
  });
});

/** Lets the hours pass until the set that began at `hour` is padded. @returns the set */
async function padded(hour = HOUR) {
  for (let held = 0; held < 6; held++) {
    rig.now = (hour + held + 1) * 3600;
    await rig.accept(`wake-${held}`, keysOf(1, 1));
    await rig.buffer.freeze({ hour: hour + held, after: held });
  }
  rig.now = (hour + 7) * 3600;
  await rig.accept('wake', keysOf(1, 1));
  return rig.buffer.freeze({ hour: hour + 6, after: 6 });
}

describe('whoever has a TAN and a published key', () => {
  it('can’t tell a decoy by uploading it: alone, beside a new key, with other fields, as a real one', async ({
    expect,
  }) => {
    rig.policy = DEFAULT_CHUNK_POLICY;
    await rig.accept('u1', keysOf(1, 5), ['DE']);
    const set = await padded();
    const page = await rig.buffer.page(set.setNo, null, 10_000);
    const published = Array.from({ length: set.keys }, (_, n) => unpackKey(page.rows, n * ROW_BYTES)).map((key) => ({
      ...key,
      keyData: key.keyData.slice(),
    }));
    const own = new Set(keysOf(1, 5).map(({ keyData }) => keyData.join()));
    const [real, decoy] = [true, false].map((mine) => published.filter((key) => own.has(key.keyData.join()) === mine));
    expect([real!.length, decoy!.length > 100]).toEqual([5, true]);
    await rig.buffer.purge(set.setNo);
    for (const n of [0, 1, 2, 3, 4]) {
      const tries = (key: (typeof published)[number]) => [
        [key],
        [{ ...key, transmissionRiskLevel: 8, daysSinceOnsetOfSymptoms: 2 }],
        [{ ...key, rollingStartIntervalNumber: key.rollingStartIntervalNumber + 7, rollingPeriod: 20 }],
        [key, keysOf(100 + n, 1)[0]!],
      ];
      for (const [at, upload] of tries(real![n]!).entries()) {
        const before = await rig.inBuffer(rows);
        const ofReal = await rig.accept(`real ${n} ${at}`, upload);
        const between = await rig.inBuffer(rows);
        const ofDecoy = await rig.accept(
          `decoy ${n} ${at}`,
          tries(decoy![7 * n]!)[at]!.map((key, i) => (i === 1 ? keysOf(200 + n, 1)[0]! : key)),
        );
        expect(ofDecoy).toEqual(ofReal);
        expect(ofReal.kind).toBe(at === 3 ? 'stored' : 'known');
        expect((await rig.inBuffer(rows)) - between).toBe(between - before);
      }
    }
  });
});

describe('what was received', () => {
  const counts = () =>
    rig.inBuffer((sql) =>
      sql
        .exec<{ counts: ArrayBuffer }>('SELECT counts FROM received')
        .toArray()
        .map((row) => new Uint8Array(row.counts)),
    );

  it('is counted once an upload, with its keys: not for one sent again, known, of a peer or a decoy', async ({
    expect,
  }) => {
    await rig.accept('u1', keysOf(1, 5));
    const once = await counts();
    expect(readReceived(once[0]!)?.uploads).toBe(1);
    await rig.accept('u1', keysOf(1, 5));
    await rig.accept('u2', keysOf(1, 5));
    await rig.accept('u3', keysOf(3, 5), ['FR'], { origin: 'FR' });
    rig.policy = DEFAULT_CHUNK_POLICY;
    await padded();
    expect(await counts()).toEqual(once);
    await rig.accept('u4', keysOf(4, 5));
    expect(readReceived((await counts())[0]!)?.uploads).toBe(2);
  });

  it('is halved where no upload comes any more, and gone once none is left among it', async ({ expect }) => {
    for (const n of [1, 2, 3, 4]) await rig.accept(`u${n}`, keysOf(n, 3));
    const uploads: number[] = [];
    for (let day = 0; day < 800; day += 50) {
      rig.now = MIDNIGHT + day * 86_400;
      await rig.tuneBuffer();
      await rig.buffer.expire();
      uploads.push(...(await counts()).map((bytes) => readReceived(bytes)!.uploads));
    }
    expect(uploads[0]).toBe(4);
    expect(uploads).toEqual(uploads.toSorted((a, b) => b - a));
    expect(await counts()).toEqual([]);
  });

  it('goes with the upload in a crash: neither is there, or both', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 5));
    const before = [await counts(), await rig.inBuffer(rows)];
    await rig.inBuffer(async (sql) => {
      // The last statement of the transaction fails: the upload's own row is there already.
      sql.exec(`CREATE TRIGGER crash BEFORE INSERT ON upload BEGIN SELECT RAISE(ABORT, 'crash'); END`);
    });
    await expect(rig.accept('u2', keysOf(2, 5))).rejects.toThrow('crash');
    expect([await counts(), await rig.inBuffer(rows)]).toEqual(before);
    await rig.inBuffer((sql) => void sql.exec('DROP TRIGGER crash'));
    await rig.accept('u2', keysOf(2, 5));
    expect(readReceived((await counts())[0]!)?.uploads).toBe(2);
  });
});

describe('page', () => {
  it('merges the hours of a set in published order, in pages of any size', async ({ expect }) => {
    rig.policy = { ...DEFAULT_CHUNK_POLICY, minUploads: 0, minKeys: 30 };
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
