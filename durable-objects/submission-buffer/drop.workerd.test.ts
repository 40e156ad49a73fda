/** @module Keys that end before they were published: on the real storage, cut off, frozen meanwhile, many. */
import { beforeEach, describe } from 'vitest';
import { DEFAULT_CHUNK_POLICY } from '../../domain/chunk-policy.ts';
import { concatBytes } from '../../protocol/primitives/bytes.ts';
import { itLong, itUsual as it } from '../../test/support/longer.ts';
import { packUpload } from '../../domain/packed-upload.ts';
import { MIDNIGHT, Rig, keysOf } from '../publisher/test-rig.ts';

const HOUR = MIDNIGHT / 3600 + 10;
const ISSUE = '8c9d3c0e-6f0b-4d5e-9a51-2f64a3e1b7aa';
const OTHER = '0d7f3a52-93c4-4f0e-8a30-4be4cf1f2a11';
const ID = '5f0cf1f2-7a7a-4a86-9a15-0c2f1de06a2b';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

const waiting = () => rig.inBuffer((sql) => Number(sql.exec('SELECT count(*) AS n FROM waiting_row').one()['n']));
const counted = () =>
  rig.inBuffer((sql) =>
    sql
      .exec<Record<string, string | number>>(
        'SELECT release_hour, region, keys, first_uploads, any_uploads FROM release_counter ORDER BY 1, 2',
      )
      .toArray()
      .map((row) => Object.values(row).join(' ')),
  );

/** Ten keys of a forged issue in two uploads, and two of somebody else. */
async function threeUploads(): Promise<void> {
  await rig.accept('forged 1', keysOf(1, 5), ['DE'], { issueId: ISSUE });
  await rig.accept('forged 2', keysOf(2, 5), ['DE'], { issueId: ISSUE });
  await rig.accept('person', keysOf(3, 2), ['DE'], { issueId: OTHER });
}

describe('waiting keys', () => {
  it('of an issue are dropped, others stay, and both are never taken in again', async ({ expect }) => {
    await threeUploads();
    expect(await rig.buffer.dropWaiting({ id: ID, issueIds: [ISSUE] })).toMatchObject({
      dropped: 10,
      frozen: 0,
      journalled: true,
    });
    expect(await waiting()).toBe(2);
    expect(await rig.accept('again', keysOf(1, 5))).toEqual({ kind: 'known' });
    expect(await rig.buffer.freeze({ hour: HOUR - 1, after: 0 })).toMatchObject({ decision: 'empty' });
    rig.now += 3600;
    await rig.tuneBuffer();
    const set = await rig.buffer.freeze({ hour: HOUR, after: 1 });
    expect(set).toMatchObject({ decision: 'publish', keys: 2 });
    expect((await rig.buffer.page(set.setNo, null, 100)).rows.length / 28).toBe(2);
  });

  it('are dropped by the key itself, whatever issue they are of', async ({ expect }) => {
    await threeUploads();
    const teks = concatBytes(keysOf(3, 1)[0]!.keyData, keysOf(1, 5)[4]!.keyData, new Uint8Array(16).fill(9));
    expect(await rig.buffer.dropWaiting({ id: ID, teks })).toMatchObject({ dropped: 2, frozen: 0, journalled: true });
    expect(await waiting()).toBe(10);
    expect(await rig.accept('again', [keysOf(3, 1)[0]!])).toEqual({ kind: 'known' });
  });

  it('are counted as fewer uploads, never as more than are certainly left', async ({ expect }) => {
    // In the home country, in the union, and among those that may go to peers.
    const each = (counts: string): string[] => ['DE', 'EUR', 'to:DE'].map((name) => `${HOUR} ${name} ${counts}`);
    await threeUploads();
    expect(await counted()).toEqual(each('12 3 3'));
    await rig.buffer.dropWaiting({ id: ID, issueIds: [OTHER] });
    expect(await counted()).toEqual(each('10 1 1'));
    await rig.buffer.dropWaiting({ id: OTHER, issueIds: [ISSUE] });
    expect(await counted()).toEqual(each('0 0 0'));
  });

  it('that are too few for a chunk afterwards wait for others', async ({ expect }) => {
    rig.policy = { ...DEFAULT_CHUNK_POLICY, minKeys: 4, minUploads: 2, reserveUploads: 0 };
    await threeUploads();
    await rig.tuneBuffer();
    await rig.buffer.dropWaiting({ id: ID, issueIds: [ISSUE] });
    rig.now += 3600;
    await rig.tuneBuffer();
    expect(await rig.buffer.freeze({ hour: HOUR, after: 0 })).toMatchObject({ decision: 'hold' });
    // Held is not frozen: they can still end.
    expect(await rig.buffer.dropWaiting({ id: OTHER, issueIds: [OTHER] })).toMatchObject({
      dropped: 2,
      frozen: 0,
      journalled: true,
    });
  });

  it('of a frozen set stay, and it is said how many', async ({ expect }) => {
    await threeUploads();
    rig.now += 3600;
    await rig.tuneBuffer();
    await rig.buffer.freeze({ hour: HOUR, after: 0 });
    await rig.accept('late', keysOf(4, 3), ['DE'], { issueId: ISSUE });
    expect(await rig.buffer.dropWaiting({ id: ID, issueIds: [ISSUE] })).toMatchObject({
      dropped: 3,
      frozen: 10,
      journalled: true,
    });
    expect(await waiting()).toBe(12);
  });

  it('outside the period stay', async ({ expect }) => {
    await threeUploads();
    expect(await rig.buffer.dropWaiting({ id: ID, issueIds: [ISSUE], toHour: HOUR - 1 })).toMatchObject({ dropped: 0 });
    expect(await rig.buffer.dropWaiting({ id: ID, issueIds: [ISSUE], fromHour: HOUR })).toMatchObject({ dropped: 10 });
  });

  it('are dropped once by a request that is asked again, and it says the same', async ({ expect }) => {
    await threeUploads();
    await rig.buffer.dropWaiting({ id: ID, issueIds: [ISSUE] });
    await rig.evict();
    await rig.tuneBuffer();
    expect(await rig.buffer.dropWaiting({ id: ID, issueIds: [ISSUE] })).toMatchObject({
      dropped: 10,
      frozen: 0,
      journalled: true,
    });
    expect(await counted()).toContain(`${HOUR} DE 2 0 1`);
  });

  it('are known, for the journal too, until the midnight after their retention', async ({ expect }) => {
    const known = () =>
      rig.inBuffer((sql) =>
        ['ended_key', 'known_key'].map((table) => sql.exec(`SELECT * FROM ${table}`).toArray().length),
      );
    await threeUploads();
    await rig.buffer.dropWaiting({ id: ID, issueIds: [ISSUE] });
    expect(await known()).toEqual([10, 10]);
    // keysOf's oldest is of five days ago, its newest of yesterday.
    rig.now = MIDNIGHT + 14 * 86_400 - 3600;
    await rig.evict();
    await rig.wakeBuffer();
    expect(await known()).toEqual([2, 2]);
    rig.now += 7200;
    await rig.wakeBuffer();
    expect(await known()).toEqual([0, 0]);
  });

  it('that two requests name together are counted by one of them', async ({ expect }) => {
    await threeUploads();
    const both = await Promise.all([
      rig.buffer.dropWaiting({ id: ID, issueIds: [ISSUE] }),
      rig.buffer.dropWaiting({ id: OTHER, issueIds: [ISSUE, OTHER] }),
    ]);
    expect(both.reduce((sum, { dropped }) => sum + dropped, 0)).toBe(12);
    expect(await waiting()).toBe(0);
  });

  it('stay when they are decoys that wait for the next day', async ({ expect }) => {
    rig.policy = { ...DEFAULT_CHUNK_POLICY, minKeys: 60, minUploads: 3, reserveUploads: 0, maxHoldHours: 0 };
    await rig.accept('person', keysOf(3, 2));
    rig.now += 3600;
    await rig.tuneBuffer();
    await rig.buffer.freeze({ hour: HOUR, after: 0 });
    const rows = await waiting();
    expect(rows).toBeGreaterThan(60);
    const all = await rig.inBuffer((sql) => sql.exec('SELECT * FROM row_label').toArray().length);
    expect(all).toBeGreaterThan(1);
    expect(await rig.buffer.dropWaiting({ id: ID, teks: new Uint8Array(16) })).toMatchObject({
      dropped: 0,
      frozen: 0,
      journalled: true,
    });
    expect(await waiting()).toBe(rows);
  });

  it('end in turns of some hundred rows, each its own transaction, however many an hour has', async ({ expect }) => {
    const keys = Array.from({ length: 1_400 }, (_, n) => keysOf(n, 1)[0]!);
    await rig.accept('forged', keys, ['DE'], { issueId: ISSUE });
    // What a transaction adds to the request's count is how many rows it deleted.
    await rig.inBuffer((sql) =>
      sql.exec(`CREATE TABLE seen (rows INTEGER);
        CREATE TRIGGER first_slice AFTER INSERT ON dropped_rows BEGIN INSERT INTO seen VALUES (NEW.rows); END;
        CREATE TRIGGER next_slice AFTER UPDATE ON dropped_rows BEGIN INSERT INTO seen VALUES (NEW.rows - OLD.rows); END;`),
    );
    expect(await rig.buffer.dropWaiting({ id: ID, issueIds: [ISSUE] })).toMatchObject({ dropped: 1_400, frozen: 0 });
    const slices = await rig.inBuffer((sql) =>
      sql
        .exec('SELECT rows FROM seen')
        .toArray()
        .map(({ rows }) => rows),
    );
    expect(slices).toEqual([256, 256, 256, 256, 256, 120]);
    expect([await waiting(), await counted()]).toEqual([
      0,
      [`${HOUR} DE 0 0 0`, `${HOUR} EUR 0 0 0`, `${HOUR} to:DE 0 0 0`],
    ]);
  });

  itLong('by the thousand are dropped in slices: uploads get in between, and none is lost', async ({ expect }) => {
    await rig.tuneBuffer();
    const upload = (n: number, issueId: string) =>
      rig.buffer.accept(
        `u${n}`,
        packUpload({
          keys: keysOf(n, 14),
          regions: ['DE'],
          consentToFederation: true,
          origin: 'DE',
          issueId,
        }),
      );
    for (let n = 0; n < 1_500; n += 50) {
      await Promise.all(Array.from({ length: 50 }, (_, i) => upload(n + i, n % 1_000 === 0 ? OTHER : ISSUE)));
    }
    const before = await waiting();
    const state = { ended: false };
    const dropAll = async () => {
      const reply = await rig.buffer.dropWaiting({ id: ID, issueIds: [ISSUE] });
      state.ended = true;
      return reply;
    };
    const drop = dropAll();
    let between = 0;
    // Ends what would else go on for ever, were they never done.
    while (!state.ended && between < 1_000) await upload(2_000 + between++, OTHER);
    const { dropped } = await drop;
    expect(between).toBeGreaterThan(1);
    expect(await waiting()).toBe(before - dropped + 14 * between);
    expect(dropped).toBe(14 * 1_400);
  });
});
