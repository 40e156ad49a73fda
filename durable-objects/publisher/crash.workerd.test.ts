import { runInDurableObject } from 'cloudflare:test';
import * as fc from 'fast-check';
import { describe, it as itBoth } from 'vitest';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { readExportZip } from '../../protocol/export/export-reader.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { hourStart } from '../../protocol/gaen/intervals.ts';
import type { ManifestHead } from '../../protocol/index/manifest.ts';
import { describeLong, itLong, itUsual as it, usualOrLong } from '../../test/support/longer.ts';
import { MIDNIGHT, Rig, keysOf, objects, publicJson, testEnv } from './test-rig.ts';

const HOUR = MIDNIGHT / 3600 + 22;

/** Two uploads in hour 22, one in hour 23; everything that becomes due until one hour after midnight. */
async function story(prepare: (rig: Rig) => void = () => {}, order = [1, 2]): Promise<Rig> {
  const rig = await Rig.create();
  rig.now = hourStart(HOUR);
  for (const upload of order) await rig.accept(`u${upload}`, keysOf(upload, 3 + upload));
  rig.now += 3600;
  await rig.accept('u3', keysOf(3, 2));
  rig.now += 2 * 3600;
  prepare(rig);
  return rig;
}

/** All objects but the keys of waiting rows, which are random. */
async function everything(): Promise<Record<string, string>> {
  const all: Record<string, string> = {};
  for (const bucket of [testEnv.PUBLIC, testEnv.PRIVATE]) {
    for (const [key, bytes] of await objects(bucket)) if (!key.startsWith('row-keys/')) all[key] = toHex(sha256(bytes));
  }
  return all;
}

/** Drives to idle, whatever is thrown on the way, with a fresh object after each throw. */
async function persist(rig: Rig): Promise<void> {
  for (let attempt = 0; attempt < 50; attempt++) {
    try {
      await rig.untilIdle();
      return;
    } catch {
      await rig.evict();
    }
  }
  throw new Error('never idle');
}

async function expected(): Promise<Record<string, string>> {
  await (await story()).untilIdle();
  return everything();
}

/** Every second gap between two puts in the longer form, half of those from either side; every twentieth put in the usual. */
const STEP = usualOrLong({ usual: 20, long: 4 });

describe('a publisher that is killed', () => {
  it('between any two steps publishes the same bytes', async ({ expect }) => {
    const bytes = await expected();
    const rig = await story();
    for (let steps = 0; steps < 200; steps++) {
      await rig.evict();
      if ((await rig.advance()).idle) break;
    }
    expect(await everything()).toEqual(bytes);
    expect(await rig.inBuffer((sql) => sql.exec('SELECT count(*) AS n FROM waiting_row').one()['n'])).toBe(0);
  });

  itBoth.for(['before', 'after'] as const)('%s any put publishes the same bytes', async (when, { expect }) => {
    const bytes = await expected();
    const first = when === 'before' ? 0 : STEP / 2;
    let puts = first;
    for (let failing = first; failing <= puts; failing += STEP) {
      let n = 0;
      let failed = 0;
      const crash = (): void => {
        n += 1;
        if (n - 1 !== failing) return;
        failed += 1;
        rig.dead = true;
        throw new Error('killed');
      };
      const rig = await story((fresh) => {
        if (when === 'before') fresh.onPut = crash;
        else fresh.afterPut = crash;
      });
      await persist(rig);
      if (failing === first) puts = n - 2;
      expect(await everything(), `put ${failing}`).toEqual(bytes);
      expect(failed, `put ${failing} of ${puts}`).toBe(1);
    }
    expect(puts).toBeGreaterThan(30);
  });

  it('that meets itself, twice the alarm and the cron, puts no chunk twice', async ({ expect }) => {
    const bytes = await expected();
    const puts = new Map<string, number>();
    const rig = await story((fresh) => {
      fresh.onPut = (key) => puts.set(key, (puts.get(key) ?? 0) + 1);
    });
    await rig.accept('u1', []);
    await rig.inPublisher(async (publisher) => {
      await Promise.all([publisher.alarm(), publisher.wake(), publisher.alarm(), publisher.advance()]);
    });
    await rig.untilIdle();
    expect(await everything()).toEqual(bytes);
    for (const [key, count] of puts) if (key.includes('/chunks/')) expect(count, key).toBe(1);
  });
});

describe('a wake', () => {
  it('ends before it has called R2 too often, and the next one goes on', async ({ expect }) => {
    const bytes = await expected();
    const rig = await story();
    const puts: number[] = [];
    rig.onPut = () => (puts[puts.length - 1]! += 1);
    for (let idle = false; !idle;) {
      puts.push(0);
      idle = await rig.inPublisher(async (publisher) => {
        Object.assign(publisher, { bucketCallsPerWake: 10 });
        await publisher.wake();
        return (await publisher.status()).idle && puts.at(-1) === 0;
      });
    }
    expect(await everything()).toEqual(bytes);
    expect(puts.length).toBeGreaterThan(5);
    // Ten calls, and those of the step that was begun at the ninth.
    expect(Math.max(...puts)).toBeLessThan(20);
  });
});

describe('the bytes', () => {
  itBoth('are a function of the set, whatever the order of arrival', async ({ expect }) => {
    const sealed = async (order: number[]): Promise<Record<string, string>> => {
      const rig = await Rig.create();
      await rig.untilIdle();
      for (const upload of order) await rig.accept(`u${upload}`, keysOf(upload, 1 + (upload % 14)));
      rig.now += 3600;
      await rig.untilIdle();
      return everything();
    };
    const uploads = [1, 2, 3, 4, 5, 6, 7, 8];
    const bytes = await sealed(uploads);
    const order = fc.shuffledSubarray(uploads, { minLength: uploads.length });
    await fc.assert(
      fc.asyncProperty(order, async (shuffled) => {
        expect(await sealed(shuffled)).toEqual(bytes);
      }),
      { seed: 20_260_615, numRuns: usualOrLong({ usual: 4, long: 8 }) },
    );
  });
});

describe('after three days without a publisher', () => {
  it('every key is published once, in order, and each mutable object is written once', async ({ expect }) => {
    const rig = await Rig.create();
    await rig.untilIdle();
    const sent = new Set<string>();
    for (let hour = 0; hour < 72; hour += 7) {
      rig.now += 7 * 3600;
      const keys = keysOf(hour, 2);
      for (const { keyData } of keys) sent.add(toHex(keyData));
      await rig.accept(`u${hour}`, keys);
    }
    rig.now += 3600;
    const puts = new Map<string, number>();
    rig.onPut = (key) => puts.set(key, (puts.get(key) ?? 0) + 1);
    await rig.untilIdle();
    for (const [key, count] of puts) expect(count, key).toBe(1);
    const document = (await publicJson('v1/DE/manifest.json')) as { payload: string };
    const head = JSON.parse(document.payload) as ManifestHead;
    expect(head.sequence).toBe(1);
    const published: string[] = [];
    const days = (await publicJson('version/v1/diagnosis-keys/country/DE/date')) as string[];
    for (const day of days) published.push(...(await keysIn(`version/v1/diagnosis-keys/country/DE/date/${day}`)));
    for (const chunk of head.hours) published.push(...(await keysIn(`v1/DE/chunks/${chunk.sha256}.zip`)));
    expect(published.toSorted()).toEqual([...sent].toSorted());
  });
});

async function keysIn(key: string): Promise<string[]> {
  const object = await testEnv.PUBLIC.get(key);
  const read = readExportZip(new Uint8Array(await object!.arrayBuffer()), null);
  if (!read.ok) throw new Error(`${key} is no export`);
  return read.exportFile.keys.map(({ keyData }) => toHex(keyData));
}

describe('a buffer out of reach', () => {
  it.for(['at the freeze', 'after the freeze'] as const)('%s blocks the hour two hours', async (when, { expect }) => {
    const rig = await Rig.create();
    await rig.accept('u1', keysOf(1, 4));
    await rig.untilIdle();
    rig.now += 3600;
    if (when === 'after the freeze') await rig.advance();
    rig.bufferDown = true;
    await expect(rig.untilIdle()).rejects.toThrow('out of reach');
    rig.now += 2 * 3600 - 1;
    await expect(rig.untilIdle()).rejects.toThrow('out of reach');
    rig.now += 1;
    // The hour is published empty; the purge waits for the buffer.
    await expect(rig.untilIdle()).rejects.toThrow('out of reach');
    const first = JSON.parse(
      ((await publicJson('v1/DE/manifest.json')) as { payload: string }).payload,
    ) as ManifestHead;
    expect(first.hours).toMatchObject([{ empty: true }]);
    rig.bufferDown = false;
    await rig.untilIdle();
    const head = JSON.parse(((await publicJson('v1/DE/manifest.json')) as { payload: string }).payload) as ManifestHead;
    expect(head.hours.map(({ empty }) => empty ?? false)).toEqual([true, false, true]);
    expect((await keysIn(`v1/DE/chunks/${head.hours[1]!.sha256}.zip`)).toSorted()).toEqual(
      keysOf(1, 4)
        .map(({ keyData }) => toHex(keyData))
        .toSorted(),
    );
    const { counters } = await rig.inPublisher((publisher) => publisher.status());
    expect(counters).toMatchObject({ hours_missed: 1 });
  });
});

describeLong('the alarm', () => {
  itLong.for([
    ['in 2020', 1_590_000_000],
    ['a month ahead', Math.floor(Date.now() / 1000) + 30 * 86_400],
  ] as const)('does not loop with the clock %s', async ([, now], { expect }) => {
    const rig = await Rig.create();
    rig.now = now;
    let asked = 0;
    await runInDurableObject(rig.publisher, async (publisher, state) => {
      Object.assign(publisher, {
        clock: () => {
          asked += 1;
          return now;
        },
        secondClock: async () => now,
      });
      while (!(await publisher.advance()).idle);
      asked = 0;
      await new Promise((resolve) => setTimeout(resolve, 2500));
      expect(asked).toBe(0);
      expect(await state.storage.getAlarm()).toBeGreaterThan(Date.now());
      await state.storage.deleteAlarm();
    });
  });
});
