/** @module Decoys as the buffer draws them, and the counts they are drawn from, on real storage and R2. */
import { beforeEach, describe, it } from 'vitest';
import { DEFAULT_CHUNK_POLICY } from '../../domain/chunk-policy.ts';
import { readReceived } from '../../domain/received.ts';
import { r2Bucket } from '../publisher/bucket.ts';
import { DAY_0, MIDNIGHT, Rig, keysOf, testEnv } from '../publisher/test-rig.ts';
import { ROW_BYTES, rowProvenance, unpackKey } from '../../domain/publication/packed-keys.ts';
import { packUpload } from '../../domain/packed-upload.ts';
import { HourKeys } from './hour-keys.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

const HOUR = MIDNIGHT / 3600 + 10;
/** Nothing set aside: what is told apart here is what a minimum needed. */
const POLICY = { ...DEFAULT_CHUNK_POLICY, reserveUploads: 0 };
const rows = (sql: SqlStorage) => sql.exec<{ n: number }>('SELECT count(*) AS n FROM waiting_row').one().n;

/** Lets the hours pass until the set that began at `hour` is padded. @returns its number and keys, decoys marked */
async function padded(hour = HOUR) {
  for (let held = 0; held <= 6; held++) {
    rig.now = (hour + held + 1) * 3600;
    await rig.tuneBuffer();
    await rig.buffer.freeze({ hour: hour + held, after: held });
  }
  const set = await rig.buffer.freeze({ hour: hour + 6, after: 6 });
  const page = await rig.buffer.page(set.setNo, null, 10_000);
  const keys = Array.from({ length: set.keys }, (_, n) => {
    const key = unpackKey(page.rows, n * ROW_BYTES);
    const like = page.provenances[rowProvenance(page.rows, n * ROW_BYTES)]!;
    return { key: { ...key, keyData: key.keyData.slice() }, like };
  });
  return { setNo: set.setNo, keys };
}

describe('decoys', () => {
  it.for([
    { name: 'who refused', regions: ['DE', 'FR'], consentToFederation: false, peers: 0 },
    { name: 'never a peer’s', regions: ['DE'], consentToFederation: true, peers: 50 },
  ])('have regions, consent and origin of the real keys of people here that wait: $name', async (like, { expect }) => {
    rig.policy = POLICY;
    const { regions, consentToFederation, peers } = like;
    const origin = 'DE';
    await rig.accept('u1', keysOf(1, 5), regions, { consentToFederation });
    if (peers > 0) await rig.importBatch('NL', '1', keysOf(2, peers));
    const decoys = (await padded()).keys.filter((key) => key.like.synthetic);
    expect(decoys.length).toBeGreaterThan(100);
    for (const decoy of decoys) expect(decoy.like).toEqual({ regions, consentToFederation, origin, synthetic: true });
  });

  it('come as of the hours in which real keys came: a set of the evening before has its days', async ({ expect }) => {
    rig.policy = POLICY;
    rig.now = MIDNIGHT + 22 * 3600;
    await rig.accept('u1', keysOf(1, 5));
    const { keys } = await padded(MIDNIGHT / 3600 + 22);
    const starts = keys.filter(({ like }) => like.synthetic).map(({ key }) => key.rollingStartIntervalNumber);
    // Sealed at 05:00 of the next day, which no decoy has a key of: nobody came on that day.
    expect(Math.max(...starts)).toBe(DAY_0 * 144);
  });

  it('leave something for the next day, so that the daily padded hour never stops', async ({ expect }) => {
    rig.policy = { ...POLICY, minKeys: 6, minUploads: 1 };
    for (let n = 0; n < 12; n++) {
      rig = await Rig.create();
      rig.policy = { ...POLICY, minKeys: 6, minUploads: 1 };
      await rig.accept(`u${n}`, keysOf(n, 5));
      // One decoy alone is drawn, which has a key of the running day in one case of three.
      await padded();
      const next = await rig.inBuffer((sql) => sql.exec('SELECT max(release_hour) AS h FROM waiting_row').one()['h']);
      expect(next).toBe((DAY_0 + 1) * 24 + 1);
    }
  });
});

describe('a backend that slept for 3 days', () => {
  it('freezes each hour when it wakes, and no day is without its padded one', async ({ expect }) => {
    rig.policy = { ...POLICY, minKeys: 6, minUploads: 1 };
    await rig.accept('u1', keysOf(1, 5));
    await rig.evict();
    // Keys of days to come are gone, as in a restore, or where it slept for longer than they were made ahead.
    await testEnv.PRIVATE.delete(Array.from({ length: 10 }, (_, n) => `row-keys/${DAY_0 + 1 + n}.bin`));
    rig.now += 3 * 86_400;
    await rig.tuneBuffer();
    const published = new Set<number>();
    for (let n = 0; HOUR + n < rig.now / 3600 - 1; n++) {
      const { decision, keys } = await rig.buffer.freeze({ hour: HOUR + n, after: n });
      expect(decision === 'publish').toBe(keys > 0);
      if (keys > 0) published.add(Math.floor((HOUR + n) / 24) - DAY_0);
    }
    expect([...published]).toEqual([0, 1, 2, 3]);
  });
});

describe('whoever has a TAN and a published key', () => {
  it.for(['published', 'published and forgotten'])(
    'can’t tell a decoy by uploading it, alone, beside a new key or with other fields: %s',
    async (state, { expect }) => {
      rig.policy = POLICY;
      await rig.accept('u1', keysOf(1, 5));
      const { setNo, keys } = await padded();
      const [real, decoy] = [false, true].map((synthetic) => keys.filter(({ like }) => like.synthetic === synthetic));
      expect([real!.length, decoy!.length > 100]).toEqual([5, true]);
      if (state !== 'published') await rig.buffer.purge(setNo);
      for (const n of [0, 1, 2, 3, 4]) {
        const tries = ({ key }: (typeof keys)[number], own: number) => [
          [key],
          [{ ...key, transmissionRiskLevel: 8, daysSinceOnsetOfSymptoms: 2 }],
          [{ ...key, rollingStartIntervalNumber: key.rollingStartIntervalNumber + 7, rollingPeriod: 20 }],
          [key, keysOf(own, 1)[0]!],
        ];
        const [ofReal, ofDecoy] = [tries(real![n]!, 100 + n), tries(decoy![7 * n]!, 200 + n)];
        for (const at of ofReal.keys()) {
          const before = await rig.inBuffer(rows);
          const answer = await rig.accept(`real ${n} ${at}`, ofReal[at]!);
          const between = await rig.inBuffer(rows);
          expect(await rig.accept(`decoy ${n} ${at}`, ofDecoy[at]!)).toEqual(answer);
          expect(answer.kind).toBe(at === 3 ? 'stored' : 'known');
          expect((await rig.inBuffer(rows)) - between).toBe(between - before);
          // A retry on a TAN that was used asks this.
          expect(await rig.buffer.known(ofDecoy[at]!)).toEqual(await rig.buffer.known(ofReal[at]!));
        }
      }
    },
  );
});

describe('what was received', () => {
  const stored = () =>
    rig.inBuffer((sql) =>
      sql.exec<{ hour: number; sealed: ArrayBuffer }>('SELECT hour, sealed FROM received').toArray(),
    );

  /** @returns real uploads among the counts, opened with the keys that R2 has; null where nobody can open them */
  async function uploads(): Promise<number | null> {
    const [row] = await stored();
    if (row === undefined) return null;
    const keys = new HourKeys(
      () => r2Bucket(testEnv.PRIVATE),
      (n) => new Uint8Array(n),
    );
    await keys.ready(rig.now, [row.hour]);
    const counts = keys.cipher(row.hour)?.openCounts(new Uint8Array(row.sealed)) ?? null;
    return counts === null ? null : (readReceived(counts)?.uploads ?? null);
  }

  it('is counted once an upload, with its keys: not for one sent again, known, of a peer or a decoy', async ({
    expect,
  }) => {
    await rig.accept('u1', keysOf(1, 5));
    const once = await stored();
    expect(await uploads()).toBe(1);
    await rig.accept('u1', keysOf(1, 5));
    await rig.accept('u2', keysOf(1, 5));
    await rig.accept('u3', keysOf(3, 5), ['FR'], { origin: 'FR' });
    rig.policy = POLICY;
    await padded();
    expect(await stored()).toEqual(once);
    await rig.accept('u4', keysOf(4, 5));
    expect(await uploads()).toBe(2);
  });

  it('lies sealed: equal uploads don’t show, and a former state can’t be opened once its hour’s key is erased', async ({
    expect,
  }) => {
    await rig.accept('u1', keysOf(1, 5));
    const [first] = await stored();
    await rig.accept('u2', keysOf(2, 5));
    const [second] = await stored();
    expect(new Uint8Array(second!.sealed)).not.toEqual(new Uint8Array(first!.sealed));
    // A day passes, hour by hour: sets are published and forgotten, and keys erased.
    for (let passed = 0; passed < 24; passed++) {
      rig.now = (HOUR + passed + 1) * 3600;
      await rig.tuneBuffer();
      const set = await rig.buffer.freeze({ hour: HOUR + passed, after: passed });
      await rig.buffer.purge(set.setNo);
    }
    expect(await uploads()).toBe(2);
    const keys = new HourKeys(
      () => r2Bucket(testEnv.PRIVATE),
      (n) => new Uint8Array(n),
    );
    await keys.ready(rig.now);
    expect(keys.cipher(first!.hour)).toBeNull();
  });

  it('is lost with its key, and begins anew', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 5));
    await rig.inBuffer((sql) => void sql.exec('UPDATE received SET hour = hour + 1'));
    await rig.accept('u2', keysOf(2, 5));
    expect(await uploads()).toBe(1);
  });

  it('is halved where no upload comes any more, and gone once none is left among it', async ({ expect }) => {
    for (const n of [1, 2, 3, 4]) await rig.accept(`u${n}`, keysOf(n, 3));
    const left: number[] = [];
    for (let day = 0; day < 800; day += 50) {
      rig.now = MIDNIGHT + day * 86_400 + 11 * 3600;
      await rig.wakeBuffer();
      const now = await uploads();
      if (now !== null) left.push(now);
    }
    expect(left[0]).toBe(4);
    expect(left).toEqual(left.toSorted((a, b) => b - a));
    expect(await stored()).toEqual([]);
  });

  it.for(['upload', 'received'])(
    'goes with the upload in a crash at %s: neither is there, or both',
    async (table, { expect }) => {
      await rig.accept('u1', keysOf(1, 5));
      const before = [await stored(), await rig.inBuffer(rows)];
      // The last statement of the upload fails, or the one that writes the counts after it.
      await rig.inBuffer(
        (sql) =>
          void sql.exec(`CREATE TRIGGER crash BEFORE INSERT ON ${table} BEGIN SELECT RAISE(ABORT, 'crash'); END`),
      );
      await expect(rig.accept('u2', keysOf(2, 5))).rejects.toThrow('crash');
      expect([await stored(), await rig.inBuffer(rows)]).toEqual(before);
      await rig.inBuffer((sql) => void sql.exec('DROP TRIGGER crash'));
      await rig.accept('u2', keysOf(2, 5));
      expect(await uploads()).toBe(2);
    },
  );

  it('counts each of those that share a transaction once, also when it is undone for one of them', async ({
    expect,
  }) => {
    await rig.accept('u1', keysOf(1, 5));
    const poison = `CREATE TRIGGER poison BEFORE INSERT ON upload WHEN NEW.upload_id = 'bad' BEGIN SELECT RAISE(ABORT, 'x'); END`;
    await rig.inBuffer((sql) => void sql.exec(poison));
    const about = { regions: ['DE'], consentToFederation: true, origin: 'DE', issueId: null };
    // The first goes at once; the others come while it is being written.
    const answers = await Promise.allSettled(
      ['u2', 'u3', 'bad', 'u4', 'u5'].map((id, n) =>
        rig.buffer.accept(id, packUpload({ ...about, keys: keysOf(n + 2, 3) })),
      ),
    );
    expect(answers.map(({ status }) => status)).toEqual([
      'fulfilled',
      'fulfilled',
      'rejected',
      'fulfilled',
      'fulfilled',
    ]);
    expect(await uploads()).toBe(5);
  });
});
