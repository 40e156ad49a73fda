import { beforeEach, describe } from 'vitest';
import { fromUtf8, toBase64Url, toHex } from '../../protocol/primitives/bytes.ts';
import { readExportZip } from '../../protocol/export/export-reader.ts';
import { dateOf, keyEnd, SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { dateIndexPath } from '../../protocol/index/cwa-tree.ts';
import type { DayPage, ManifestHead } from '../../protocol/index/manifest.ts';
import { DAY_0, MIDNIGHT, Rig, keysOf, objects, publicJson, testEnv } from './test-rig.ts';
import { describeLong, itLong, itUsual as it } from '../../test/support/longer.ts';

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
});

const HOUR = MIDNIGHT / 3600 + 10;
/** Days that keys are kept in stories until all is gone: of the fortnight that is usual tells test/integration/fortnight.long.test.ts. */
const FEW_DAYS = 4;

async function head(region: string): Promise<ManifestHead> {
  const document = (await publicJson(`v1/${region}/manifest.json`)) as { payload: string };
  return JSON.parse(document.payload) as ManifestHead;
}

async function exported(key: string) {
  const object = await testEnv.PUBLIC.get(key);
  if (object === null) throw new Error(`${key} is missing`);
  const read = readExportZip(new Uint8Array(await object.arrayBuffer()), null);
  if (!read.ok) throw new Error(`${key}: ${JSON.stringify(read.error)}`);
  return read.exportFile;
}

async function exportKeys(key: string): Promise<readonly TemporaryExposureKey[]> {
  return (await exported(key)).keys;
}

async function zipKeys(key: string): Promise<string[]> {
  return (await exportKeys(key)).map(({ keyData }) => toHex(keyData));
}

describe('an hour', () => {
  it('becomes signed chunks, lists and a head in both regions', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 14));
    await rig.accept('u2', keysOf(2, 3));
    await rig.untilIdle();
    rig.now += 3600;
    await rig.untilIdle();
    for (const region of ['DE', 'EUR']) {
      const { sequence, hours, pages, issuedAt } = await head(region);
      expect([sequence, pages, issuedAt]).toEqual([1, [], (HOUR + 1) * 3600]);
      expect(hours).toMatchObject([{ hour: HOUR, file: 1, of: 1 }]);
      const keys = await zipKeys(`v1/${region}/chunks/${hours[0]!.sha256}.zip`);
      expect(keys.toSorted()).toEqual([...keysOf(1, 14), ...keysOf(2, 3)].map((k) => toHex(k.keyData)).toSorted());
      expect(await zipKeys(`version/v1/diagnosis-keys/country/${region}/date/2026-06-15/hour/10`)).toEqual(keys);
      expect(await publicJson(`version/v1/diagnosis-keys/country/${region}/date/2026-06-15/hour`)).toEqual([10]);
      expect(await publicJson(`version/v1/diagnosis-keys/country/${region}/date`)).toEqual([]);
    }
    expect(await publicJson('version/v1/diagnosis-keys/country')).toEqual(['DE', 'EUR']);
    expect(await rig.inBuffer((sql) => sql.exec('SELECT count(*) AS n FROM waiting_row').one()['n'])).toBe(0);
  });

  it('says the hour that it covers, to the second', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 14));
    await rig.untilIdle();
    rig.now += 3600;
    await rig.untilIdle();
    const [chunk] = (await head('DE')).hours;
    const paths = [`v1/DE/chunks/${chunk!.sha256}.zip`, 'version/v1/diagnosis-keys/country/DE/date/2026-06-15/hour/10'];
    for (const path of paths) {
      const { header } = await exported(path);
      expect([header.startTimestamp, header.endTimestamp]).toEqual([HOUR * 3600, (HOUR + 1) * 3600]);
    }
  });

  it('without a key is published as a signed empty file, marked so', async ({ expect }) => {
    await rig.untilIdle();
    rig.now += 3600;
    await rig.untilIdle();
    const { hours } = await head('DE');
    expect(hours).toMatchObject([{ hour: HOUR, keys: '0', empty: true }]);
    expect(await zipKeys(`v1/DE/chunks/${hours[0]!.sha256}.zip`)).toEqual([]);
  });
});

describe('lists of CWA’s tree', () => {
  const TREE = 'version/v1/diagnosis-keys/country';

  it('are empty and not absent from the first call on, before an hour is sealed', async ({ expect }) => {
    await rig.advance();
    for (const region of ['DE', 'EUR']) {
      expect(await publicJson(`${TREE}/${region}/date`)).toEqual([]);
      expect(await publicJson(`${TREE}/${region}/date/2026-06-15/hour`)).toEqual([]);
    }
    expect(await publicJson(TREE)).toEqual(['DE', 'EUR']);
    expect(await publicJson('version')).toEqual(['v1']);
  });

  it('are there though the first call dies after each of its puts', async ({ expect }) => {
    const put = new Set<string>();
    rig.afterPut = (key) => {
      rig.dead = !put.has(key);
      put.add(key);
    };
    let deaths = 0;
    for (let died = true; died; deaths += Number(died)) {
      await rig.advance().catch(() => {});
      died = rig.dead;
      await rig.evict();
    }
    rig.afterPut = () => {};
    // Days, two hours’ lists being one but in the last hour, Google’s list, in two regions; versions and regions.
    expect(deaths).toBe(8);
    expect(await publicJson(`${TREE}/EUR/date/2026-06-15/hour`)).toEqual([]);
    await rig.untilIdle();
    expect([...(await objects(testEnv.PUBLIC)).keys()]).toHaveLength(deaths);
  });

  it('have the next day’s hours before it begins, so that nobody meets a 404 at midnight', async ({ expect }) => {
    await rig.untilIdle();
    rig.now = MIDNIGHT + 23 * 3600 - 1;
    await rig.untilIdle();
    expect(await testEnv.PUBLIC.head(`${TREE}/DE/date/2026-06-16/hour`)).toBeNull();
    rig.now += 1;
    await rig.untilIdle();
    for (const region of ['DE', 'EUR']) expect(await publicJson(`${TREE}/${region}/date/2026-06-16/hour`)).toEqual([]);
    rig.now = MIDNIGHT + 86_400;
    await rig.untilIdle();
    expect(await publicJson(`${TREE}/DE/date/2026-06-16/hour`)).toEqual([]);
    rig.now += 3600;
    await rig.untilIdle();
    expect(await publicJson(`${TREE}/DE/date/2026-06-16/hour`)).toEqual([0]);
  });

  it('have the next day’s hours for a deployment that begins in a day’s last hour, too', async ({ expect }) => {
    rig.now = MIDNIGHT + 23 * 3600 + 1800;
    await rig.advance();
    expect(await publicJson(`${TREE}/DE/date/2026-06-16/hour`)).toEqual([]);
  });

  it('keep the hours of the day before for four hours, and then no more', async ({ expect }) => {
    await rig.untilIdle();
    for (const now of [MIDNIGHT + 86_400, MIDNIGHT + 86_400 + 4 * 3600 - 1]) {
      rig.now = now;
      await rig.untilIdle();
      expect(await publicJson(`${TREE}/DE/date/2026-06-15/hour`)).toHaveLength(14);
    }
    rig.now += 1;
    await rig.untilIdle();
    expect(await testEnv.PUBLIC.head(`${TREE}/DE/date/2026-06-15/hour`)).toBeNull();
    expect(await publicJson(`${TREE}/DE/date`)).toEqual(['2026-06-15']);
  });
});

describe('a day', () => {
  it('replaces its hours when it is complete, and the hours die four hours later', async ({ expect }) => {
    await rig.accept('u1', keysOf(1, 3));
    await rig.untilIdle();
    rig.now = MIDNIGHT + 86_400;
    await rig.untilIdle();
    const atMidnight = await head('DE');
    expect(atMidnight.hours.map(({ hour }) => hour! % 24)).toEqual([
      10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22, 23,
    ]);
    const page = (await publicJson(`v1/DE/days/${atMidnight.pages[0]!.sha256}.json`)) as DayPage;
    expect(page.days).toMatchObject([{ date: '2026-06-15', cut: '2026-06-16', chunks: [{ file: 1, of: 1 }] }]);
    expect((await zipKeys('version/v1/diagnosis-keys/country/DE/date/2026-06-15')).length).toBe(3);
    rig.now += 3600;
    await rig.untilIdle();
    expect((await head('DE')).hours.map(({ hour }) => hour! % 24)).toEqual([0]);
    rig.now = MIDNIGHT + 86_400 + 4 * 3600 - 1;
    await rig.untilIdle();
    const old = `v1/DE/chunks/${atMidnight.hours[0]!.sha256}.zip`;
    expect(await testEnv.PUBLIC.head(old)).not.toBeNull();
    rig.now += 1;
    await rig.untilIdle();
    expect(await testEnv.PUBLIC.head(old)).toBeNull();
    expect(await testEnv.PUBLIC.head('version/v1/diagnosis-keys/country/DE/date/2026-06-15/hour/10')).toBeNull();
  });

  itLong(
    'is cut again without keys that have had their days, and nothing is left when all have',
    async ({ expect }) => {
      rig.policy = { ...rig.policy, retentionDays: FEW_DAYS };
      await rig.accept('u1', keysOf(1, FEW_DAYS));
      await rig.untilIdle();
      for (let day = 1; day <= FEW_DAYS + 2; day++) {
        rig.now = MIDNIGHT + day * 86_400 + 5 * 3600;
        await rig.untilIdle();
        const listed = (await publicJson('version/v1/diagnosis-keys/country/DE/date')) as string[];
        expect(listed.length).toBe(Math.min(day, FEW_DAYS));
        // They ended 0, 1, 2 … days before day 0 began; each midnight takes one more.
        if (day <= FEW_DAYS) {
          const keys = await zipKeys('version/v1/diagnosis-keys/country/DE/date/2026-06-15');
          expect(keys.length).toBe(FEW_DAYS - day);
        }
      }
      const kept = await objects(testEnv.PRIVATE);
      // The log holds hashes of what is gone, and of those days' empty hours.
      const left = [...kept.keys()].filter((key) => !key.startsWith('log/'));
      // Keys for rows to come, none for a day that is over.
      const today = Math.floor(rig.now / 86_400);
      expect(left).toEqual(Array.from({ length: 8 }, (_, ahead) => `row-keys/${today + ahead}.bin`));
      await rig.wakeBuffer();
      const rows = await Promise.all([rig.inBuffer(tables), rig.inPublisherStorage(tables)]);
      // Every row that is left, by table: names of sets, hours, days and empty files, and counts; `received` is a sum over
      // fifty uploads or more, the profile's among them, and goes in time (domain/received.ts); an upload's id hangs on its TAN's life,
      // which is a fortnight whatever keys are kept (test/integration/retention.long.test.ts).
      expect(rows.map((all) => Object.keys(all).toSorted())).toEqual([
        ['clock_guard', 'meta', 'received', 'release_set', 'schema_version', 'sweep', 'upload'],
        [
          'clock_guard',
          'counter',
          'google_day',
          'log_checkpoint',
          'log_head',
          'meta',
          'public_object',
          'published_index',
          'region_day',
          'region_head',
          'region_hour',
          'schema_version',
          'sealed_hour',
        ],
      ]);
      expect(rows[0]['release_set']!.length).toBe(2);
      const bytes = [...(await objects(testEnv.PUBLIC)).values(), ...kept.values()].map(toHex);
      const log = [...kept].filter(([key]) => key.startsWith('log/')).map(([, entry]) => fromUtf8(entry));
      const text = [...rows.flatMap((all) => Object.values(all).flat()), ...bytes, ...log].join('\n');
      for (const { keyData } of keysOf(1, FEW_DAYS)) {
        expect(text).not.toContain(toHex(keyData));
        expect(text).not.toContain(toBase64Url(keyData));
      }
      const lying = new Set((await objects(testEnv.PUBLIC)).keys());
      for (const key of lying) {
        // Keys aren't whole in it: with its ZIP it goes.
        if (key.endsWith('.compact')) expect(lying).toContain(key.replace(/compact$/, 'zip'));
        if (key.endsWith('.zip') || /\/date\/[\d-]+(\/hour\/\d+)?$/.test(key))
          expect(await zipKeys(key), key).toEqual([]);
      }
    },
  );
});

/** Every row of every table, as text: bytes in hex. */
function tables(sql: SqlStorage): Record<string, string[]> {
  const names = sql.exec<{ name: string }>("SELECT name FROM sqlite_master WHERE type = 'table'").toArray();
  const cell = (value: SqlStorageValue): string =>
    value instanceof ArrayBuffer ? toHex(new Uint8Array(value)) : String(value);
  const all: Record<string, string[]> = {};
  for (const { name } of names) {
    if (name.startsWith('_cf_')) continue;
    const rows = sql.exec(`SELECT * FROM ${name}`).toArray();
    if (rows.length > 0) all[name] = rows.map((row) => Object.values(row).map(cell).join(' '));
  }
  return all;
}

describeLong('no cache', () => {
  itLong(
    'may hold a key longer than its retention and the four hours in which a head may still name it',
    async ({ expect }) => {
      rig.policy = { ...rig.policy, retentionDays: FEW_DAYS };
      await rig.accept('u1', keysOf(1, FEW_DAYS));
      await rig.untilIdle();
      for (const now of [
        MIDNIGHT + 12 * 3600,
        MIDNIGHT + 86_400,
        MIDNIGHT + 3 * 86_400 + 3600,
        MIDNIGHT + (FEW_DAYS + 1) * 86_400,
      ]) {
        rig.now = now;
        await rig.untilIdle();
        for (const key of (await objects(testEnv.PUBLIC)).keys()) {
          const object = await testEnv.PUBLIC.head(key);
          const age = Number(/max-age=(\d+)/.exec(object!.httpMetadata!.cacheControl!)![1]);
          const dies = object!.httpMetadata!.cacheExpiry;
          if (key.endsWith('.compact')) {
            const zip = await testEnv.PUBLIC.head(key.replace(/compact$/, 'zip'));
            const { cacheControl, cacheExpiry } = zip!.httpMetadata!;
            expect(object!.httpMetadata, key).toMatchObject({ cacheControl, cacheExpiry });
            continue;
          }
          if (!object!.httpMetadata!.contentType!.endsWith('zip')) {
            // Lists and head are small and mutable; pages carry the instant at which they are replaced.
            expect(dies !== undefined || age <= 300, key).toBe(true);
            continue;
          }
          const ends = (await exportKeys(key)).map((one) => keyEnd(one) + FEW_DAYS * 86_400);
          for (const end of ends) expect(dies!.getTime() / 1000, key).toBeLessThanOrEqual(nextMidnight(end) + 4 * 3600);
        }
      }
    },
  );
});

const nextMidnight = (at: number): number => Math.ceil(at / 86_400) * 86_400;

// A jurisdiction changes how long keys are kept (docs/deploy.md §3): lists follow at the next midnight, and nothing outlives what it was recorded with.
const day = (n: number): string => dateOf((DAY_0 + n) * SECONDS_PER_DAY);
const listed = async (): Promise<unknown> => publicJson(dateIndexPath('DE'));

/** A day with an upload of the key of the day before, and the following morning. */
async function live(n: number): Promise<void> {
  await rig.accept(`upload ${n}`, keysOf(n + 1, 1, DAY_0 + n - 1));
  rig.now += SECONDS_PER_DAY;
  await rig.untilIdle(200);
}

async function expectSound(expect: (value: unknown) => { toEqual(expected: unknown): void }): Promise<void> {
  const { regions, counters } = await rig.publisher.status();
  expect(regions.map(({ failing }) => failing)).toEqual([false, false]);
  expect(Object.keys(counters).filter((name) => name.startsWith('alert'))).toEqual([]);
}

describeLong('the number of days is changed while it runs', () => {
  itLong.for([
    { from: 3, to: 2 },
    { from: 2, to: 3 },
  ])('from $from to $to', async ({ from, to }, { expect }) => {
    rig.policy = { ...rig.policy, retentionDays: from };
    await rig.untilIdle();
    for (let n = 0; n < 3; n++) await live(n);
    expect(await listed()).toEqual([0, 1, 2].slice(-from).map(day));
    rig.policy = { ...rig.policy, retentionDays: to };
    await rig.evict();
    await live(3);
    await expectSound(expect);
    // Days that were dropped don't come back: a longer life begins with what is recorded from now on.
    expect(await listed()).toEqual(to < from ? [2, 3].map(day) : expect.arrayContaining([2, 3].map(day)));
    for (let n = 4; n < 6; n++) await live(n);
    await expectSound(expect);
    expect(await listed()).toEqual([3, 4, 5].slice(-to).map(day));
    for (let n = 0; n < Math.max(from, to) + 2; n++) {
      rig.now += SECONDS_PER_DAY;
      await rig.untilIdle(200);
    }
    await expectSound(expect);
    expect([...(await objects(testEnv.PRIVATE)).keys()].filter((name) => name.startsWith('sets/'))).toEqual([]);
  });
});
