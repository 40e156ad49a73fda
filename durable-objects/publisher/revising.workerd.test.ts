/** @module Published keys get another report type: listed once in every region that had them, beside others, and never beside their first publication; by real bucket and objects. */
import { beforeEach, describe } from 'vitest';
import { DEFAULT_CHUNK_POLICY } from '../../domain/chunk-policy.ts';
import { REQUESTS } from '../../domain/publication/taken.ts';
import { dateOf, dateOfHour } from '../../protocol/gaen/intervals.ts';
import { REPORT_TYPE } from '../../protocol/gaen/keys.ts';
import { dayPath, hourPath } from '../../protocol/index/cwa-tree.ts';
import { concatBytes, toHex } from '../../protocol/primitives/bytes.ts';
import { withdrawalHash } from '../../protocol/withdrawal.ts';
import { itLong, itUsual as it } from '../../test/support/longer.ts';
import { FEED_POLICY, provenances, readFeed } from './feed-rig.ts';
import { confirmed, exportAt, findings, likely, regionAt, revise, seal, take, teksIn } from './taking-rig.ts';
import { DAY_0, MIDNIGHT, Rig, keysOf, objects, testEnv } from './test-rig.ts';

const { CONFIRMED_TEST, CONFIRMED_CLINICAL_DIAGNOSIS, REVOKED } = REPORT_TYPE;
const hexOf = (upload: number, keys: number): string[] => keysOf(upload, keys).map(({ keyData }) => toHex(keyData));
const teksOf = (upload: number, keys: number): Uint8Array =>
  concatBytes(...keysOf(upload, keys).map(({ keyData }) => keyData));
const hourNow = (): number => Math.floor(rig.now / 3600) - 1;
/** What becomes of levels 3, 4, 5, 6: the type is said, the weight stays. */
const SAID = [7, 8, 7, 8].map((level, n) => [CONFIRMED_TEST, level, 1 + (n % 2)]);
const said = (upload: number, keys: number) =>
  Object.fromEntries(hexOf(upload, keys).map((tek, n) => [tek, SAID[n % 4]]));

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

/** Two uploads in the last hours of a day that is over, one of them abroad too; the next day is an hour old. */
async function aDay(): Promise<void> {
  rig.now = MIDNIGHT + 22 * 3600;
  await rig.accept('suspected', likely(keysOf(1, 8)), ['DE']);
  await rig.accept('abroad', likely(keysOf(2, 6)), ['DE', 'FR']);
  await rig.untilIdle();
  rig.now += 3 * 3600;
  await rig.untilIdle();
}

describe('keys that get another report type', () => {
  it('are listed once, with it, in every region that had them, and stay in the files of their day', async ({
    expect,
  }) => {
    await aDay();
    const before = await regionAt('DE');
    await revise(rig, confirmed([...keysOf(1, 8), ...keysOf(2, 2)]));
    await rig.accept('new', likely(keysOf(3, 4, DAY_0)));
    await seal(rig);
    const all = { ...said(1, 8), ...said(2, 2) };
    for (const [code, revised] of [
      ['DE', all],
      ['EUR', all],
      ['FR', said(2, 2)],
    ] as const) {
      const after = await regionAt(code);
      expect(after.revised, code).toEqual(revised);
      expect(after.revocations).toMatchObject([
        { hour: hourNow(), days: [dateOf(MIDNIGHT)], reportType: CONFIRMED_TEST },
      ]);
      expect(after.days[0]!.revised).toBeUndefined();
      expect(after.revoked).toEqual([]);
    }
    const after = await regionAt('DE');
    expect(after.days).toEqual(before.days);
    // CWA's tree: beside the keys of the hour, and of the day that is running; the day of the keys stays what it was.
    const inHour = await exportAt(hourPath('DE', dateOfHour(hourNow()), hourNow() % 24));
    expect(teksIn(inHour.keys).toSorted()).toEqual(hexOf(3, 4).toSorted());
    expect(teksIn(inHour.revisedKeys).toSorted()).toEqual(Object.keys(all).toSorted());
    const etags = await rig.inPublisherStorage((sql) =>
      sql.exec('SELECT 1 FROM former_etag WHERE revoked = 1').toArray(),
    );
    expect(etags).toEqual([]);
    // Said again it is nothing new.
    await revise(rig, confirmed(keysOf(1, 8)));
    rig.now = MIDNIGHT + 2 * 86_400 + 3600;
    await rig.untilIdle(100);
    expect((await regionAt('DE')).revocations).toHaveLength(1);
    const day = await exportAt(dayPath('DE', dateOf(MIDNIGHT + 86_400)));
    expect(teksIn(day.revisedKeys).toSorted()).toEqual(Object.keys(all).toSorted());
    expect(teksIn(day.keys).toSorted()).toEqual(hexOf(3, 4).toSorted());
    expect((await regionAt('DE')).inDays.toSorted()).toEqual([...before.inDays, ...hexOf(3, 4)].toSorted());
    expect([...(await objects(testEnv.PRIVATE)).keys()].filter((name) => name.startsWith(REQUESTS))).toEqual([]);
    expect(await findings()).toEqual([]);
  });

  it('on the day of their publication wait for the next, so that no file has a key in both lists', async ({
    expect,
  }) => {
    rig.now = MIDNIGHT + 10 * 3600;
    await rig.accept('suspected', likely(keysOf(1, 8)));
    await rig.untilIdle();
    await seal(rig);
    await revise(rig, confirmed(keysOf(1, 8)));
    await seal(rig, 3);
    expect((await regionAt('DE')).head.revocations).toBeUndefined();
    rig.now = MIDNIGHT + 86_400 + 3600;
    await rig.untilIdle(100);
    const after = await regionAt('DE');
    expect(after.revised).toEqual(said(1, 8));
    expect(after.revocations).toMatchObject([{ hour: MIDNIGHT / 3600 + 24 }]);
    for (const [name, bytes] of await objects(testEnv.PUBLIC)) {
      if (!name.endsWith('.zip') && !name.includes('/date/')) continue;
      if (bytes[0] !== 0x50) continue;
      const { keys, revisedKeys } = await exportAt(name);
      expect(
        teksIn(revisedKeys).filter((tek) => teksIn(keys).includes(tek)),
        name,
      ).toEqual([]);
    }
  });

  it('keep it for good: a suspicion that is borne out by a doctor, then; other types than these say nothing', async ({
    expect,
  }) => {
    await aDay();
    await revise(rig, [
      ...confirmed(keysOf(1, 4), CONFIRMED_CLINICAL_DIAGNOSIS),
      {
        ...confirmed(keysOf(2, 1))[0]!,
        fields: { transmissionRiskLevel: 3, reportType: 3, daysSinceOnsetOfSymptoms: 1 },
      },
    ]);
    await seal(rig);
    const { revised } = await regionAt('DE');
    // Levels 3 and 4 are SELF_REPORT; 5 and 6 are the doctor's already.
    expect(revised).toEqual({
      [hexOf(1, 4)[0]!]: [CONFIRMED_CLINICAL_DIAGNOSIS, 5, 1],
      [hexOf(1, 4)[1]!]: [CONFIRMED_CLINICAL_DIAGNOSIS, 6, 2],
    });
    await revise(rig, confirmed(keysOf(1, 4)));
    await seal(rig);
    const after = await regionAt('DE');
    expect(after.revocations.map(({ reportType }) => reportType)).toEqual([2, 1]);
    expect(Object.keys(after.revised).toSorted()).toEqual(hexOf(1, 4).toSorted());
    expect(after.revised[hexOf(1, 4)[0]!]).toEqual([CONFIRMED_CLINICAL_DIAGNOSIS, 5, 1]);
  });
});

describe('a key that is taken back', () => {
  it('with what was said of it waiting: is only taken back', async ({ expect }) => {
    rig.now = MIDNIGHT + 22 * 3600;
    const opening = { keyData: keysOf(1, 1)[0]!.keyData, secret: new Uint8Array(32).fill(7) };
    const [first, ...rest] = likely(keysOf(1, 8));
    await rig.accept('suspected', [{ ...first!, withdrawalHash: withdrawalHash(opening) }, ...rest]);
    await rig.untilIdle();
    rig.now += 3 * 3600;
    await rig.untilIdle();
    await revise(rig, confirmed(keysOf(1, 8)));
    await rig.tuneBuffer();
    await rig.buffer.withdraw([opening]);
    // What is to end goes first, the rest with the hour after.
    await seal(rig, 2);
    const after = await regionAt('DE');
    expect([after.revoked, Object.keys(after.revised).toSorted()]).toEqual([
      [hexOf(1, 1)[0]],
      hexOf(1, 8).slice(1).toSorted(),
    ]);
  });

  it('after something was said of it: ends as any does, and the next cut of the list is without it', async ({
    expect,
  }) => {
    await aDay();
    await revise(rig, confirmed(keysOf(1, 8)));
    await seal(rig);
    const saidIn = hourNow();
    expect(await take(rig, concatBytes(teksOf(1, 3), teksOf(2, 1)))).toBe(4);
    await seal(rig);
    const after = await regionAt('DE');
    const gone = [...hexOf(1, 3), ...hexOf(2, 1)];
    expect(after.inDays.filter((tek) => gone.includes(tek))).toEqual([]);
    expect(after.revoked.toSorted()).toEqual(gone.toSorted());
    expect(after.days[0]!.revised).toBe(hourNow());
    rig.now = MIDNIGHT + 2 * 86_400 + 3600;
    await rig.untilIdle(100);
    const next = await regionAt('DE');
    expect(Object.keys(next.revised).toSorted()).toEqual(hexOf(1, 8).slice(3).toSorted());
    expect(next.revoked.toSorted()).toEqual(gone.toSorted());
    // The day with both has each key once, as REVOKED.
    const { revisedKeys } = await exportAt(dayPath('DE', dateOfHour(saidIn)));
    const types = new Map(revisedKeys.map(({ keyData, reportType }) => [toHex(keyData), reportType]));
    expect([revisedKeys.length, types.size]).toEqual([9, 9]);
    expect(gone.map((tek) => types.get(tek))).toEqual(gone.map(() => REVOKED));
    expect(await findings()).toEqual([]);
  });
});

describe('nobody stands alone', () => {
  it('a list has as much as a chunk that was set aside, all of it with the type and its own weight', async ({
    expect,
  }) => {
    rig.policy = { ...FEED_POLICY, minKeys: 20, minUploads: 1 };
    rig.feeds = ['a2a'];
    rig.now = MIDNIGHT + 10 * 3600;
    for (const upload of [11, 12, 13, 14, 15, 16, 17, 18]) {
      await rig.accept(`u${upload}`, likely(keysOf(upload, 14)));
      await seal(rig);
    }
    const levels = new Map<string, number>();
    rig.now = MIDNIGHT + 86_400 + 1800;
    await rig.untilIdle(100);
    for (const { chunks } of (await regionAt('DE')).days) {
      for (const { sha256: name } of chunks) {
        for (const key of (await exportAt(`v1/DE/chunks/${name}.zip`)).keys) {
          levels.set(toHex(key.keyData), key.transmissionRiskLevel);
        }
      }
    }
    await revise(rig, confirmed(keysOf(11, 6)));
    await rig.accept('u19', likely(keysOf(19, 14, DAY_0)));
    await seal(rig);
    const { revised, revocations } = await regionAt('DE');
    expect(revocations).toMatchObject([{ reportType: CONFIRMED_TEST }]);
    const own = new Set(hexOf(11, 6));
    const others = Object.keys(revised).filter((tek) => !own.has(tek));
    expect([Object.keys(revised).length - others.length, others.length >= 20]).toEqual([6, true]);
    const about = await provenances();
    expect(others.every((tek) => about.get(tek)?.reserve === true)).toBe(true);
    for (const [tek, [type, level, onset]] of Object.entries(revised)) {
      const before = levels.get(tek)!;
      expect([type, level! % 2, onset! % 2]).toEqual([CONFIRMED_TEST, before % 2, before % 2]);
      expect(before).toBeLessThan(7);
    }
    // Peers are told the same of theirs.
    const feed = await readFeed(rig, 'a2a');
    const fed = feed.batches.at(-1)!.file.revisedKeys;
    expect(fed.every(({ reportType }) => reportType === CONFIRMED_TEST)).toBe(true);
    expect(teksIn(fed).toSorted()).toEqual(Object.keys(revised).toSorted());
  });

  it('and waits, where too little is set aside, for company or until the rows are as much as a chunk', async ({
    expect,
  }) => {
    rig.policy = { ...DEFAULT_CHUNK_POLICY, minKeys: 0, minUploads: 0, reserveUploads: 1 };
    await aDay();
    rig.policy = { ...DEFAULT_CHUNK_POLICY, minKeys: 7, minUploads: 1, reserveUploads: 1, maxHoldHours: 0 };
    await revise(rig, confirmed([...keysOf(1, 4), ...keysOf(2, 4)]));
    await seal(rig, 3);
    expect((await regionAt('DE')).head.revocations).toBeUndefined();
    rig.now = MIDNIGHT + 2 * 86_400 + 8 * 3600;
    await rig.untilIdle(100);
    expect((await regionAt('DE')).revocations).toMatchObject([{ reportType: CONFIRMED_TEST }]);
    const { counters } = await rig.inPublisher((publisher) => publisher.status());
    expect(counters['alert_take_back_waits']).toBeUndefined();
  });
});

describe('killed at each put, the hour that says something anew', () => {
  itLong.for(['before', 'after'] as const)('does so once all the same: %s', async (when, { expect }) => {
    await aDay();
    await revise(rig, confirmed([...keysOf(1, 8), ...keysOf(2, 1)]));
    rig.now += 3600;
    let kills = 0;
    for (; kills < 40; kills++) {
      let left = 1 + (kills % 3);
      const kill = (): void => {
        left -= 1;
        if (left === 0) rig.dead = true;
        if (rig.dead) throw new Error('killed');
      };
      Object.assign(rig, when === 'before' ? { onPut: kill } : { afterPut: kill });
      await rig.untilIdle().catch(() => {});
      if (!rig.dead) break;
      await rig.evict();
    }
    Object.assign(rig, { onPut: () => {}, afterPut: () => {} });
    await rig.evict();
    await rig.untilIdle();
    expect(kills).toBeGreaterThan(3);
    const after = await regionAt('DE');
    expect(after.revised).toEqual({ ...said(1, 8), ...said(2, 1) });
    expect(after.revocations).toHaveLength(1);
    expect(after.inDays).toHaveLength(14);
    expect(await findings()).toEqual([]);
  });
});
