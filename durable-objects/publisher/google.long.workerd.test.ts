/** @module Google's view for a fortnight, and with a publisher that is killed at each of its files: the slow ones of google-view.long.workerd.test.ts. */
import { beforeEach, describe, it } from 'vitest';
import { googleIndexPath } from '../../protocol/index/google-index.ts';
import { concatBytes, fromUtf8, toHex } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { exportAt, findings, take, teksIn } from './taking-rig.ts';
import { keysOf, MIDNIGHT, objects, Rig, testEnv } from './test-rig.ts';

const DAY = 86_400;
const WINDOW = 4 * 3600;

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

/** The lines of a region's list, as object keys. */
async function listed(region = 'DE'): Promise<string[]> {
  const object = await testEnv.PUBLIC.get(googleIndexPath(region));
  const text = fromUtf8(new Uint8Array(await object!.arrayBuffer()));
  return text === '' ? [] : text.split('\n').map((line) => `v1/${region}/${line}`);
}

const nameOf = (start: number, n = 1, region = 'DE'): string =>
  `v1/${region}/exposure-keys/${start}-${start + WINDOW}-${String(n).padStart(5, '0')}.zip`;

/** Two uploads in the last window of a day; the day is over. */
async function aDay(): Promise<void> {
  rig.now = MIDNIGHT + 20 * 3600;
  await rig.accept('forged', keysOf(1, 8));
  await rig.accept('person', keysOf(2, 6), ['DE', 'FR']);
  await rig.untilIdle();
  rig.now = MIDNIGHT + DAY;
  await rig.untilIdle();
}
const LAST_WINDOW = MIDNIGHT + 20 * 3600;

describe('Google’s list', () => {
  it('keeps a name while keys leave from under it, and lets it go with the last of them or its day', async ({
    expect,
  }) => {
    await aDay();
    await rig.accept('old', keysOf(3, 14));
    rig.now += 5 * 3600;
    await rig.untilIdle();
    const later = nameOf(MIDNIGHT + DAY);
    expect(await listed()).toEqual([nameOf(LAST_WINDOW), later]);
    let before = teksIn((await exportAt(later)).keys);
    expect(before.length).toBe(13);
    for (let day = 2; day <= 14; day++) {
      rig.now = MIDNIGHT + day * DAY + 3600;
      await rig.untilIdle(100);
      const now = (await listed()).includes(later) ? teksIn((await exportAt(later)).keys) : [];
      expect(now, `day ${day}`).toEqual(before.filter((tek) => now.includes(tek)));
      expect(now.length, `day ${day}`).toBe(14 - day);
      before = now;
    }
    // The newest key of the day before leaves with the oldest but one of these.
    expect(await listed()).toEqual([]);
    rig.now = MIDNIGHT + 15 * DAY + 3600;
    await rig.untilIdle(100);
    expect(await listed()).toEqual([]);
    const lying = async () => [...(await objects(testEnv.PUBLIC)).keys()].filter((key) => key.endsWith('-00001.zip'));
    rig.now += 4 * 3600;
    await rig.untilIdle(100);
    expect(await lying()).toEqual([]);
    expect(await findings()).toEqual([]);
  });
});

/** A window, a cut of it, and a revision. */
async function story(prepare: () => void): Promise<Record<string, string>> {
  rig = await Rig.create();
  prepare();
  const persist = async (): Promise<void> => {
    for (let attempt = 0; attempt < 20; attempt++) {
      try {
        return await rig.untilIdle(100);
      } catch {
        await rig.evict();
      }
    }
  };
  rig.now = MIDNIGHT + 22 * 3600;
  await rig.accept('u1', keysOf(1, 13));
  await rig.accept('u2', keysOf(2, 12));
  rig.now = MIDNIGHT + DAY;
  await persist();
  await take(rig, concatBytes(...keysOf(1, 13).map(({ keyData }) => keyData)));
  rig.now = MIDNIGHT + 2 * DAY + 3600;
  await persist();
  rig.now = MIDNIGHT + 3 * DAY + 3600;
  await persist();
  const all: Record<string, string> = {};
  for (const [key, bytes] of await objects(testEnv.PUBLIC)) all[key] = toHex(sha256(bytes));
  return all;
}

describe('a publisher that is killed at a file of Google’s view or its list', () => {
  it.for(['before', 'after'] as const)('%s each put publishes the same bytes', async (when, { expect }) => {
    let puts = 0;
    const isGoogle = (key: string): boolean => key.startsWith('v1/DE/exposure-keys/');
    const whole = await story(() => (rig.onPut = (key) => void (puts += Number(isGoogle(key)))));
    expect(puts).toBeGreaterThan(7);
    for (let failing = 0; failing < puts; failing += 2) {
      let n = 0;
      const crash = (key: string): void => {
        if (!isGoogle(key) || n++ !== failing) return;
        rig.dead = true;
        throw new Error('killed');
      };
      const all = await story(() => Object.assign(rig, when === 'before' ? { onPut: crash } : { afterPut: crash }));
      expect(n, `put ${failing}`).toBeGreaterThan(failing);
      expect(all, `put ${failing}`).toEqual(whole);
    }
  });
});
