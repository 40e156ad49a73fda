/** @module Published keys end: days cut again, revocations listed, CWA's tree, records and log; by real bucket and objects. */
import { beforeEach, describe } from 'vitest';
import { REQUESTS } from '../../domain/publication/taken.ts';
import { dateOf, dateOfHour } from '../../protocol/gaen/intervals.ts';
import { dayPath, hourPath } from '../../protocol/index/cwa-tree.ts';
import { concatBytes, toHex } from '../../protocol/primitives/bytes.ts';
import { itLong, itUsual as it } from '../../test/support/longer.ts';
import { TAKE_ID, exportAt, findings, regionAt, seal, take, teksIn } from './taking-rig.ts';
import { DAY_0, MIDNIGHT, Rig, keysOf, objects, testEnv } from './test-rig.ts';

/** Days that keys are kept in the story until all is gone. */
const FEW_DAYS = 5;
const OTHER_ID = '0d7f3a52-93c4-4f0e-8a30-4be4cf1f2a11';
const teksOf = (upload: number, keys: number): Uint8Array =>
  concatBytes(...keysOf(upload, keys).map(({ keyData }) => keyData));
const hexOf = (upload: number, keys: number): string[] => keysOf(upload, keys).map(({ keyData }) => toHex(keyData));

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

/** Two uploads in the last hours of a day that is over, one of them abroad too; the next day is an hour old. */
async function aDay(): Promise<void> {
  rig.now = MIDNIGHT + 22 * 3600;
  await rig.accept('forged', keysOf(1, 8), ['DE']);
  await rig.accept('person', keysOf(2, 6), ['DE', 'FR']);
  await rig.untilIdle();
  rig.now += 3 * 3600;
  await rig.untilIdle();
}

describe('keys that are taken back', () => {
  it('leave the day at the next seal, and are listed as REVOKED in every region that had them', async ({ expect }) => {
    await aDay();
    const before = await regionAt('DE');
    expect([before.inDays.length, before.head.revocations, before.days[0]!.revised]).toEqual([
      14,
      undefined,
      undefined,
    ]);
    expect(await take(rig, teksOf(1, 8))).toBe(8);
    await seal(rig);
    const now = Math.floor(rig.now / 3600) - 1;
    for (const code of ['DE', 'EUR']) {
      const after = await regionAt(code);
      expect(after.inDays.toSorted()).toEqual(hexOf(2, 6).toSorted());
      expect(after.revoked.toSorted()).toEqual(hexOf(1, 8).toSorted());
      expect(after.revocations).toMatchObject([{ hour: now, days: [dateOf(MIDNIGHT)] }]);
      expect(after.days).toMatchObject([{ date: dateOf(MIDNIGHT), revised: now }]);
    }
    expect(await findings()).toEqual([]);
    // Nothing else is cut or listed anew in the hour after.
    const [head, names] = [(await regionAt('DE')).head, [...(await objects(testEnv.PUBLIC)).keys()].length];
    await seal(rig);
    expect((await regionAt('DE')).head.revocations).toBe(head.revocations);
    expect([...(await objects(testEnv.PUBLIC)).keys()].length - names).toBeLessThanOrEqual(6);
  });

  it('in CWA’s tree: beside the keys of the hour, out of their day, and in the day of the revocation', async ({
    expect,
  }) => {
    await aDay();
    const key = dayPath('DE', dateOf(MIDNIGHT));
    const former = (await testEnv.PUBLIC.head(key))!.httpEtag;
    await take(rig, teksOf(1, 8));
    await rig.accept('new', keysOf(3, 4, DAY_0));
    await seal(rig);
    const hour = Math.floor(rig.now / 3600) - 1;
    const inHour = await exportAt(hourPath('DE', dateOfHour(hour), hour % 24));
    expect(teksIn(inHour.keys).toSorted()).toEqual(hexOf(3, 4).toSorted());
    expect(teksIn(inHour.revisedKeys).toSorted()).toEqual(hexOf(1, 8).toSorted());
    expect(teksIn((await exportAt(key)).keys).toSorted()).toEqual(hexOf(2, 6).toSorted());
    expect((await testEnv.PUBLIC.head(key))!.httpEtag).not.toBe(former);
    const etags = await rig.inPublisherStorage((sql) =>
      sql.exec('SELECT key, etag FROM former_etag WHERE revoked = 1').toArray(),
    );
    expect(etags).toContainEqual({ key, etag: former.slice(1, -1) });
    rig.now = MIDNIGHT + 2 * 86_400 + 3600;
    await rig.untilIdle(100);
    const revokedIn = await exportAt(dayPath('DE', dateOf(MIDNIGHT + 86_400)));
    expect(teksIn(revokedIn.revisedKeys).toSorted()).toEqual(hexOf(1, 8).toSorted());
    expect(teksIn(revokedIn.keys).toSorted()).toEqual(hexOf(3, 4).toSorted());
  });

  it('of the running day stay in its hours, and are not in the day that replaces them', async ({ expect }) => {
    rig.now = MIDNIGHT + 21 * 3600;
    await rig.accept('forged', keysOf(1, 8));
    await rig.accept('person', keysOf(2, 6));
    await rig.untilIdle();
    await seal(rig);
    await take(rig, teksOf(1, 8));
    await seal(rig);
    const before = await regionAt('DE');
    expect([before.inHours.length, before.revoked.length, before.inDays.length]).toEqual([14, 8, 0]);
    expect(before.revocations[0]!.days).toEqual([dateOf(MIDNIGHT)]);
    rig.now = MIDNIGHT + 86_400 + 3600;
    await rig.untilIdle();
    const after = await regionAt('DE');
    expect(after.inDays.toSorted()).toEqual(hexOf(2, 6).toSorted());
    expect(after.days[0]!.revised).toBe(MIDNIGHT / 3600 + 22);
    expect(after.revoked.length).toBe(8);
  });

  it('at midnight: the hour before it takes them back, and the day is cut once without them', async ({ expect }) => {
    rig.now = MIDNIGHT + 22 * 3600;
    await rig.accept('forged', keysOf(1, 8));
    await rig.accept('person', keysOf(2, 6));
    rig.now = MIDNIGHT + 23 * 3600;
    await rig.untilIdle();
    await take(rig, teksOf(1, 8));
    rig.now = MIDNIGHT + 24 * 3600;
    await rig.untilIdle();
    const after = await regionAt('EUR');
    expect(after.inDays.toSorted()).toEqual(hexOf(2, 6).toSorted());
    expect(after.revocations).toMatchObject([{ hour: MIDNIGHT / 3600 + 23, days: [dateOf(MIDNIGHT)] }]);
    expect(await findings()).toEqual([]);
  });

  it('that are of the very hour that is being sealed are published with it, and end with the next', async ({
    expect,
  }) => {
    rig.now = MIDNIGHT + 21 * 3600;
    await rig.accept('forged', keysOf(1, 8));
    await rig.accept('person', keysOf(2, 6));
    await rig.untilIdle();
    rig.now += 3600;
    const recorded = () =>
      rig.inPublisherStorage((sql) => sql.exec(`SELECT 1 FROM sealed_hour WHERE state = 'PLANNED'`).toArray().length);
    while ((await recorded()) === 0) await rig.advance();
    expect(await take(rig, teksOf(1, 8))).toBe(8);
    await rig.untilIdle();
    const before = await regionAt('DE');
    expect([before.inHours.length, before.revoked.length]).toEqual([14, 0]);
    await seal(rig);
    expect((await regionAt('DE')).revoked.toSorted()).toEqual(hexOf(1, 8).toSorted());
    expect(await findings()).toEqual([]);
  });

  it('asked for twice, and by two requests that overlap, end once', async ({ expect }) => {
    await aDay();
    await take(rig, teksOf(1, 8));
    await take(rig, concatBytes(teksOf(1, 8), teksOf(2, 2)), OTHER_ID, 'withdrawal');
    await seal(rig);
    // What has been taken back is found no more: asking for it again costs no reserve and is no company.
    expect(await take(rig, concatBytes(teksOf(1, 8), teksOf(2, 3)), 'c9bf9e57-1685-4c89-bafb-ff5af830be8a')).toBe(1);
    await seal(rig);
    const after = await regionAt('DE');
    expect(after.revoked.toSorted()).toEqual([...hexOf(1, 8), ...hexOf(2, 3)].toSorted());
    expect(after.inDays.length).toBe(3);
    expect(after.revocations.map(({ chunks }) => chunks[0]!.keys)).toEqual(['1-99', '1-99']);
    const request = { id: TAKE_ID, cause: 'rollback', parts: [] } as const;
    expect(await rig.inPublisher((publisher) => publisher.takeBack(request))).toMatchObject({ kind: 'taken' });
    expect([...(await objects(testEnv.PRIVATE)).keys()].filter((name) => name.startsWith(REQUESTS))).toEqual([]);
    expect(await findings()).toEqual([]);
  });

  itLong(
    'leave everything when their own time is over: files, rows that say which they were, rows of the store',
    async ({ expect }) => {
      rig.policy = { ...rig.policy, retentionDays: FEW_DAYS };
      await aDay();
      await take(rig, teksOf(1, 8));
      await seal(rig);
      for (const days of [2, FEW_DAYS + 2, FEW_DAYS + 4]) {
        rig.now = MIDNIGHT + days * 86_400 + 2 * 3600;
        rig.second = null;
        await rig.untilIdle(400);
        const { revoked, inDays } = await regionAt('DE');
        // Key `age` of an upload is of the day DAY_0 - 1 - age, and is cut when it has been over for these days.
        const left = (upload: number, keys: number) => hexOf(upload, keys).filter((_, age) => FEW_DAYS - age > days);
        expect(revoked.toSorted()).toEqual(left(1, 8).toSorted());
        expect(inDays.toSorted()).toEqual(left(2, 6).toSorted());
        expect(await findings()).toEqual([]);
      }
      expect((await regionAt('DE')).head.revocations).toBeUndefined();
      expect([...(await objects(testEnv.PRIVATE)).keys()].filter((name) => name.startsWith('taken/'))).toEqual([]);
      const rows = await rig.inPublisherStorage((sql) =>
        ['taking', 'taking_day', 'take_back', 'region_revocation'].map((table) =>
          Number(sql.exec(`SELECT count(*) AS n FROM ${table}`).one()['n']),
        ),
      );
      expect(rows).toEqual([0, 0, 0, 0]);
    },
  );
});

describe('killed at each put, the hour that takes keys back', () => {
  it.for(['before', 'after'] as const)('is done once all the same: %s', async (when, { expect }) => {
    await aDay();
    await take(rig, concatBytes(teksOf(1, 8), teksOf(2, 1)));
    rig.now += 3600;
    let kills = 0;
    for (; kills < 40; kills++) {
      // What was done before the kill stays done, so each life comes a little further: one put, two, three.
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
    expect(after.revoked.toSorted()).toEqual([...hexOf(1, 8), ...hexOf(2, 1)].toSorted());
    expect(after.inDays.length).toBe(5);
    expect(await findings()).toEqual([]);
  });
});
