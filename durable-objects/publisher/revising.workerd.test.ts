/** @module Published keys get another report type: listed once in every region that had them, beside others, and never beside their first publication; by real bucket and objects. */
import { beforeEach, describe, it } from 'vitest';
import { dateOf, dateOfHour } from '../../protocol/gaen/intervals.ts';
import { REPORT_TYPE } from '../../protocol/gaen/keys.ts';
import { hourPath } from '../../protocol/index/cwa-tree.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { withdrawalHash } from '../../protocol/withdrawal.ts';
import { confirmed, exportAt, findings, likely, regionAt, revise, seal, teksIn } from './taking-rig.ts';
import { DAY_0, MIDNIGHT, Rig, keysOf, objects, testEnv } from './test-rig.ts';

const { CONFIRMED_TEST, CONFIRMED_CLINICAL_DIAGNOSIS } = REPORT_TYPE;
const hexOf = (upload: number, keys: number): string[] => keysOf(upload, keys).map(({ keyData }) => toHex(keyData));
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
    rig.regions = ['DE', 'FR', 'EUR'];
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
    await seal(rig);
    expect((await regionAt('DE')).head.revocations).toBe(after.head.revocations);
    expect(await findings()).toEqual([]);
  });

  it('on the day of their publication wait for the next, so that no file has a key in both lists', async ({
    expect,
  }) => {
    rig.now = MIDNIGHT + 20 * 3600;
    await rig.accept('suspected', likely(keysOf(1, 8)));
    await rig.untilIdle();
    await seal(rig);
    await revise(rig, confirmed(keysOf(1, 8)));
    await seal(rig, 2);
    expect((await regionAt('DE')).head.revocations).toBeUndefined();
    rig.now = MIDNIGHT + 86_400 + 3600;
    await rig.untilIdle();
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
});
