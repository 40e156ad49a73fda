/** @module Published keys get another report type, over midnights, with company, and killed at each put; by real bucket and objects. */
import { beforeEach, describe, it } from 'vitest';
import { env } from 'cloudflare:workers';
import { DEFAULT_CHUNK_POLICY } from '../../domain/chunk-policy.ts';
import { REQUESTS } from '../../domain/publication/taken.ts';
import { dateOf, dateOfHour } from '../../protocol/gaen/intervals.ts';
import { REPORT_TYPE } from '../../protocol/gaen/keys.ts';
import { dayPath } from '../../protocol/index/cwa-tree.ts';
import { concatBytes, toHex } from '../../protocol/primitives/bytes.ts';
import { BackOffice } from '../../workers/origin/entrypoints.ts';
import { FEED_POLICY, provenances, readFeed } from './feed-rig.ts';
import { confirmed, exportAt, findings, likely, regionAt, revise, seal, take, teksIn } from './taking-rig.ts';
import { DAY_0, MIDNIGHT, Rig, keysOf, objects, testEnv } from './test-rig.ts';

const { CONFIRMED_TEST, REVOKED } = REPORT_TYPE;
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

describe('the day on which something is said anew', () => {
  it('has it too, beside its keys; the days of the keys stay as they were', async ({ expect }) => {
    await aDay();
    const before = await regionAt('DE');
    await revise(rig, confirmed([...keysOf(1, 8), ...keysOf(2, 2)]));
    await rig.accept('new', likely(keysOf(3, 4, DAY_0)));
    await seal(rig);
    rig.now = MIDNIGHT + 2 * 86_400 + 3600;
    await rig.untilIdle(100);
    const day = await exportAt(dayPath('DE', dateOf(MIDNIGHT + 86_400)));
    expect(teksIn(day.revisedKeys).toSorted()).toEqual([...hexOf(1, 8), ...hexOf(2, 2)].toSorted());
    expect(teksIn(day.keys).toSorted()).toEqual(hexOf(3, 4).toSorted());
    const after = await regionAt('DE');
    expect(after.inDays.toSorted()).toEqual([...before.inDays, ...hexOf(3, 4)].toSorted());
    expect(after.revocations).toHaveLength(1);
    expect(await findings()).toEqual([]);
  });
});

describe('a key that is taken back', () => {
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
    rig.policy = { ...FEED_POLICY, minKeys: 20, minUploads: 2 };
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
    // And what the next list of keys that end needs was left to it.
    await take(rig, teksOf(12, 12));
    await seal(rig);
    const { revoked } = await regionAt('DE');
    expect([revoked.length >= 12 + 20, hexOf(12, 12).every((tek) => revoked.includes(tek))]).toEqual([true, true]);
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

describe('once the deployment is stopped', () => {
  it('nothing more is said anew, and the end waits for none of it', async ({ expect }) => {
    await aDay();
    rig.policy = { ...DEFAULT_CHUNK_POLICY, minKeys: 100, minUploads: 1, reserveUploads: 1 };
    await revise(rig, confirmed(keysOf(1, 8)));
    await seal(rig);
    const requests = () => rig.inPublisherStorage((sql) => sql.exec('SELECT hour, done FROM take_back').toArray());
    expect(await requests()).toEqual([{ hour: null, done: 0 }]);
    await new BackOffice({ waitUntil: () => {} } as unknown as ExecutionContext, env as never).stopForGood(hourNow());
    await seal(rig, 2);
    expect(await requests()).toMatchObject([{ done: 1 }]);
    expect([...(await objects(testEnv.PRIVATE)).keys()].filter((name) => name.startsWith(REQUESTS))).toEqual([]);
    expect((await regionAt('DE')).head).toMatchObject({ ended: true });
  });
});

describe('cut off', () => {
  it('between the request and the buffer’s forgetting, it is taken up once, under the same id', async ({ expect }) => {
    await aDay();
    await revise(rig, confirmed(keysOf(1, 4)));
    rig.now += 3600;
    await rig.inBuffer((sql) =>
      sql.exec(`CREATE TRIGGER crash BEFORE DELETE ON withdrawal_batch BEGIN SELECT RAISE(ABORT, 'crash'); END`),
    );
    for (let n = 0; n < 4; n++) await rig.advance().catch(() => {});
    const requests = () => rig.inPublisherStorage((sql) => sql.exec('SELECT id FROM take_back').toArray());
    const before = await requests();
    expect(before).toHaveLength(1);
    await rig.inBuffer((sql) => sql.exec('DROP TRIGGER crash'));
    await rig.evict();
    await rig.untilIdle();
    await seal(rig);
    expect(await requests()).toEqual(before);
    expect((await regionAt('DE')).revised).toEqual(said(1, 4));
    expect(await findings()).toEqual([]);
  });
});

describe('killed at each put, the hour that says something anew', () => {
  it.for(['before', 'after'] as const)('does so once all the same: %s', async (when, { expect }) => {
    await aDay();
    await revise(rig, confirmed([...keysOf(1, 8), ...keysOf(2, 1)]));
    rig.now += 3600;
    // Killed before, it goes with the hour after (withdrawal.workerd.test.ts).
    const asked = () => rig.inPublisherStorage((sql) => sql.exec('SELECT 1 FROM take_back').toArray().length);
    while ((await asked()) === 0) await rig.advance();
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
