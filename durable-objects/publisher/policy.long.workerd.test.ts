import * as fc from 'fast-check';
import { beforeEach, describe, it } from 'vitest';
import { DEFAULT_CHUNK_POLICY, type ChunkPolicy } from '../../domain/chunk-policy.ts';
import { publishedForm, releaseHour } from '../../domain/embargo.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { readExportZip } from '../../protocol/export/export-reader.ts';
import { hourStart } from '../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import type { ManifestHead } from '../../protocol/index/manifest.ts';
import { setKey, type SetRecord } from '../../domain/publication/record.ts';
import { DAY_0, MIDNIGHT, Rig, keysOf, publicJson, testEnv } from './test-rig.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

const FIRST = MIDNIGHT / 3600 + 10;

async function exported(key: string) {
  const object = await testEnv.PUBLIC.get(key);
  if (object === null) throw new Error(`${key} is missing`);
  const read = readExportZip(new Uint8Array(await object.arrayBuffer()), null);
  if (!read.ok) throw new Error(`${key} is no export`);
  return read.exportFile;
}
const teks = (keys: readonly TemporaryExposureKey[]): string[] => keys.map(({ keyData }) => toHex(keyData));

async function head(region: string): Promise<ManifestHead> {
  const document = (await publicJson(`v1/${region}/manifest.json`)) as { payload: string };
  return JSON.parse(document.payload) as ManifestHead;
}

/** What each hour of a region published, through the manifest; collected hour by hour. */
async function drive(
  hours: number,
  arrivals: ReadonlyMap<number, () => Promise<void>>,
): Promise<Map<string, string[]>> {
  const published = new Map<string, string[]>();
  await rig.untilIdle();
  for (let hour = FIRST; hour < FIRST + hours; hour++) {
    rig.now = hourStart(hour) + 60;
    await arrivals.get(hour)?.();
    rig.now = hourStart(hour + 1);
    await rig.untilIdle();
    // The head lists the hours of one day.
    if (hour % 24 !== 23 && hour !== FIRST + hours - 1) continue;
    for (const region of ['DE', 'EUR']) {
      const { hours: listed } = await head(region);
      for (let sealed = Math.max(FIRST, hour - (hour % 24)); sealed <= hour; sealed++) {
        const own = listed.filter((chunk) => chunk.hour === sealed);
        const files = await Promise.all(own.map(({ sha256 }) => exported(`v1/${region}/chunks/${sha256}.zip`)));
        published.set(
          `${region} ${sealed}`,
          files.flatMap(({ keys }) => teks(keys)),
        );
      }
    }
  }
  return published;
}

/** @returns decoys that an hour published in a region, by its private record */
async function decoysOf(hour: number, region: string): Promise<number> {
  const record = await testEnv.PRIVATE.get(setKey(hour));
  return record === null ? 0 : ((await record.json<SetRecord>()).syntheticKeys[region] ?? 0);
}

async function decoysOfAll(hours: number): Promise<number> {
  let sum = 0;
  for (let hour = FIRST; hour < FIRST + hours; hour++) sum += await decoysOf(hour, 'EUR');
  return sum;
}

/** From 10:00 until past 01:00 + 6 h, when what the last upload has left is out. */
const HOURS = 23;

describe('random arrivals under the policy', () => {
  const policy: ChunkPolicy = {
    ...DEFAULT_CHUNK_POLICY,
    minKeys: 12,
    minUploads: 3,
    reserveUploads: 0,
    maxHoldHours: 3,
  };
  const upload = fc.record({
    hour: fc.integer({ min: 0, max: 13 }),
    keys: fc.integer({ min: 1, max: 6 }),
    today: fc.boolean(),
    // What a peer country would send: only the union publishes it.
    abroad: fc.boolean(),
  });
  type Arrival = typeof upload extends fc.Arbitrary<infer T> ? T : never;

  /** Sends everything at its hour. @returns per key its upload, where it is from and the first hour it may be published in */
  function send(uploads: readonly Arrival[]) {
    const arrivals = new Map<number, () => Promise<void>>();
    const due = new Map<string, { upload: number; abroad: boolean; earliest: number }>();
    for (const [n, { hour, keys: count, today, abroad }] of uploads.entries()) {
      const at = FIRST + hour;
      const day = Math.floor(at / 24);
      const keys = keysOf(n, count, today ? day : day - 1).map((key) =>
        key.rollingStartIntervalNumber === day * 144 ? { ...key, rollingPeriod: 1 } : key,
      );
      for (const key of keys) {
        const earliest = Math.max(at, releaseHour(publishedForm(key)));
        due.set(toHex(key.keyData), { upload: n, abroad, earliest });
      }
      const before = arrivals.get(at);
      arrivals.set(at, async () => {
        await before?.();
        await rig.accept(`u${n}`, keys, abroad ? ['FR'] : ['DE']);
      });
    }
    return { arrivals, due };
  }

  it('publish every key once, neither too early nor too late, and never too few together', async ({ expect }) => {
    const story = async (uploads: Arrival[]): Promise<void> => {
      rig = await Rig.create();
      rig.policy = policy;
      const { arrivals, due } = send(uploads);
      const published = await drive(HOURS, arrivals);
      for (const region of ['DE', 'EUR']) {
        const seen = new Map<string, number>();
        for (let hour = FIRST; hour < FIRST + HOURS; hour++) {
          const keys = published.get(`${region} ${hour}`)!;
          for (const tek of keys) {
            expect(seen.has(tek)).toBe(false);
            seen.set(tek, hour);
          }
          if (keys.length === 0) continue;
          expect(keys.length).toBeGreaterThanOrEqual(policy.minKeys);
          const behind = new Set(keys.flatMap((tek) => due.get(tek)?.upload ?? []));
          const decoys = await decoysOf(hour, region);
          expect(keys.filter((tek) => !due.has(tek)).length).toBe(decoys);
          // Decoys come in whole uploads, whose number is known to nobody; without any, the uploads can be counted.
          if (decoys === 0) expect(behind.size).toBeGreaterThanOrEqual(policy.minUploads);
        }
        for (const [tek, { abroad, earliest }] of due) {
          if (abroad && region === 'DE') {
            expect(seen.has(tek)).toBe(false);
            continue;
          }
          expect(seen.get(tek)).toBeGreaterThanOrEqual(earliest);
          expect(seen.get(tek)).toBeLessThanOrEqual(earliest + policy.maxHoldHours + 1);
        }
      }
      // One region subtracted from the other, hour by hour: no decoy is in one alone of the regions it was drawn for.
      for (let hour = FIRST; hour < FIRST + HOURS; hour++) {
        const [home, union] = ['DE', 'EUR'].map((region) => new Set(published.get(`${region} ${hour}`)));
        expect([...home!].filter((tek) => !union!.has(tek))).toEqual([]);
        const abroad = [...union!].filter((tek) => !home!.has(tek)).map((tek) => due.get(tek));
        expect(abroad.every((key) => key === undefined || key.abroad)).toBe(true);
        const [ofUnion, ofHome] = [await decoysOf(hour, 'EUR'), await decoysOf(hour, 'DE')];
        expect(abroad.filter((key) => key === undefined).length).toBe(ofUnion - ofHome);
      }
    };
    await fc.assert(fc.asyncProperty(fc.array(upload, { maxLength: 14 }), story), {
      seed: 20_260_615,
      numRuns: 5,
      endOnFailure: true,
    });
  });

  it('hold an hour with enough keys of too few uploads', async ({ expect }) => {
    rig.policy = policy;
    const published = await drive(
      3,
      new Map([
        [
          FIRST,
          async () => void (await Promise.all([rig.accept('u1', keysOf(1, 10)), rig.accept('u2', keysOf(2, 10))])),
        ],
        [FIRST + 1, async () => void (await rig.accept('u3', keysOf(3, 1)))],
      ]),
    );
    expect([0, 1, 2].map((n) => published.get(`DE ${FIRST + n}`)!.length)).toEqual([0, 21, 0]);
    expect(await decoysOfAll(3)).toBe(0);
  });
});

describe('decoys', () => {
  it('are whole uploads, appear in all regions alike and go on into the next day', async ({ expect }) => {
    rig.policy = DEFAULT_CHUNK_POLICY;
    const published = await drive(
      22,
      new Map([[FIRST, async () => void (await rig.accept('u1', keysOf(1, 4), ['DE', 'FR']))]]),
    );
    const hours = [...published.entries()]
      .filter(([, keys]) => keys.length > 0)
      .map(([hour]) => hour)
      .toSorted((a, b) => Number(a.split(' ')[1]) - Number(b.split(' ')[1]));
    // Hour 10 + 6 h of hold; the running day's keys of decoys are held to their own release at 01 and padded after 6 h.
    expect(hours.slice(0, 2)).toEqual([`DE ${FIRST + 6}`, `EUR ${FIRST + 6}`]);
    expect(hours.slice(2)).toEqual([`DE ${(DAY_0 + 1) * 24 + 7}`, `EUR ${(DAY_0 + 1) * 24 + 7}`]);
    for (const [hour, keys] of published) {
      if (hour.startsWith('EUR')) expect(new Set(keys)).toEqual(new Set(published.get(hour.replace('EUR', 'DE'))));
    }
    const { counters } = await rig.inPublisher((publisher) => publisher.status());
    expect(counters['keys_published_DE']).toBe(4);
    expect(counters['decoys_published_DE']).toBe(await decoysOfAll(22));
  });
});

describe('after one case', () => {
  it('there is a padded hour a day, at 07 UTC, without another', async ({ expect }) => {
    rig.policy = DEFAULT_CHUNK_POLICY;
    // From 10:00 of the first day to the end of the third.
    const published = await drive(
      14 + 2 * 24,
      new Map([[FIRST, async () => void (await rig.accept('u1', keysOf(1, 4)))]]),
    );
    const hours = [...published].filter(([name, keys]) => name.startsWith('DE') && keys.length > 0);
    expect(hours.map(([name]) => Number(name.split(' ')[1]) - DAY_0 * 24)).toEqual([16, 24 + 7, 48 + 7]);
    for (const [, keys] of hours) expect(keys.length).toBeGreaterThanOrEqual(140);
  });
});

describe('files', () => {
  it('of a large hour are split evenly, told apart by their end, and CWA gets one', async ({ expect }) => {
    rig.policy = { ...rig.policy, maxKeysPerFile: 5 };
    await drive(1, new Map([[FIRST, async () => void (await rig.accept('u1', keysOf(1, 13)))]]));
    const { hours } = await head('DE');
    expect(hours.map(({ file, of }) => `${file}/${of}`)).toEqual(['1/3', '2/3', '3/3']);
    const files = await Promise.all(hours.map(({ sha256 }) => exported(`v1/DE/chunks/${sha256}.zip`)));
    expect(files.map(({ keys }) => keys.length)).toEqual([4, 4, 5]);
    expect(files.map(({ header }) => header.endTimestamp - hourStart(FIRST + 1))).toEqual([1, 2, 3]);
    const whole = await exported('version/v1/diagnosis-keys/country/DE/date/2026-06-15/hour/10');
    expect(whole.header.endTimestamp).toBe(hourStart(FIRST + 1));
    expect(teks(whole.keys)).toEqual(files.flatMap(({ keys }) => teks(keys)));
  });

  it("of CWA's tree hold at most its maximum a day; the excess waits, oldest first, and a day is the union of its hours", async ({
    expect,
  }) => {
    rig.policy = { ...rig.policy, cwaMaxKeys: 10 };
    const published = await drive(
      15,
      new Map([
        [FIRST, async () => void (await rig.accept('u1', keysOf(1, 7)))],
        [FIRST + 1, async () => void (await rig.accept('u2', keysOf(2, 8)))],
      ]),
    );
    expect(published.get(`DE ${FIRST + 1}`)!.length).toBe(8);
    const tree = 'version/v1/diagnosis-keys/country/DE/date';
    const hours: string[][] = [];
    for (let hour = 10; hour < 24; hour++) hours.push(teks((await exported(`${tree}/2026-06-15/hour/${hour}`)).keys));
    expect(hours.map((keys) => keys.length)).toEqual([7, 3, ...Array.from({ length: 12 }, () => 0)]);
    const day = await exported(`${tree}/2026-06-15`);
    expect(teks(day.keys).toSorted()).toEqual(hours.flat().toSorted());
    const next = await exported(`${tree}/2026-06-16/hour/0`);
    expect([...hours.flat(), ...teks(next.keys)].toSorted()).toEqual(
      teks([...keysOf(1, 7), ...keysOf(2, 8)]).toSorted(),
    );
    const starts = next.keys.map((key) => key.rollingStartIntervalNumber);
    const had = (await exported(`${tree}/2026-06-15/hour/11`)).keys.map((key) => key.rollingStartIntervalNumber);
    expect(Math.max(...had)).toBeLessThanOrEqual(Math.min(...starts));
  });
});
