/** @module Nobody stands alone in what was taken back (decision 040): the forger, the person, and what happens when nothing is set aside. */
import { beforeEach, describe } from 'vitest';
import { DEFAULT_CHUNK_POLICY } from '../../domain/chunk-policy.ts';
import { ROW_BYTES, rowProvenance, unpackKey, type Provenance } from '../../domain/publication/packed-keys.ts';
import type { SetRecord } from '../../domain/publication/record.ts';
import { REQUESTS } from '../../domain/publication/taken.ts';
import { concatBytes, fromUtf8, toHex } from '../../protocol/primitives/bytes.ts';
import { findings, regionAt, seal, take, TAKE_ID } from './taking-rig.ts';
import { MIDNIGHT, Rig, keysOf, objects, testEnv } from './test-rig.ts';
import { itLong, itUsual as it } from '../../test/support/longer.ts';

const POLICY = { ...DEFAULT_CHUNK_POLICY, minKeys: 40, minUploads: 4, reserveUploads: 2, maxHoldHours: 0 };
const OTHER_ID = 'c9bf9e57-1685-4c89-bafb-ff5af830be8a';
const teksOf = (upload: number, keys: number): Uint8Array =>
  concatBytes(...keysOf(upload, keys).map(({ keyData }) => keyData));
const hexOf = (upload: number, keys: number): string[] => keysOf(upload, keys).map(({ keyData }) => toHex(keyData));

let rig: Rig;
beforeEach(async () => {
  rig = await Rig.create();
  rig.policy = POLICY;
  rig.now = MIDNIGHT + 12 * 3600;
});

/** What the private records say of each published key. */
async function provenances(): Promise<Map<string, Provenance>> {
  const kept = await objects(testEnv.PRIVATE);
  const all = new Map<string, Provenance>();
  for (const [name, bytes] of kept) {
    if (!/^sets\/\d+\/set\.json$/.test(name)) continue;
    const record = JSON.parse(fromUtf8(bytes)) as SetRecord;
    for (const { day, n } of record.parts) {
      const rows = kept.get(`sets/${record.hour}/${day}-${n}.bin`)!;
      for (let row = 0; row < rows.length; row += ROW_BYTES) {
        all.set(toHex(unpackKey(rows, row).keyData), record.provenances[rowProvenance(rows, row)]!);
      }
    }
  }
  return all;
}

/** An hour with one upload of fourteen keys; what a chunk lacks is filled. */
async function anHour(upload: number, regions: string[] = ['DE']): Promise<void> {
  await rig.accept(`u${upload}`, keysOf(upload, 14), regions);
  await seal(rig);
}

describe('what is set aside', () => {
  it('is published with each set beyond the minima, and marked in the record alone', async ({ expect }) => {
    await anHour(1);
    const marked = [...(await provenances()).values()];
    const [padding, reserve] = [
      marked.filter(({ synthetic, reserve: aside }) => synthetic && aside !== true),
      marked.filter(({ reserve: aside }) => aside === true),
    ];
    expect(14 + padding.length).toBeGreaterThanOrEqual(POLICY.minKeys);
    expect(reserve.length).toBeGreaterThan(8);
    expect(reserve.every(({ synthetic, regions }) => synthetic && regions.includes('DE'))).toBe(true);
    expect((await regionAt('DE')).inHours.length).toBe(marked.length);
  });

  it('is not drawn for an hour that publishes nothing, nor where a policy asks for none', async ({ expect }) => {
    await seal(rig, 2);
    rig.policy = { ...POLICY, reserveUploads: 0 };
    await anHour(1);
    expect([...(await provenances()).values()].filter(({ reserve }) => reserve === true)).toEqual([]);
  });
});

describe('who subtracts what it knows', () => {
  it('a forger finds no decoy that padded an hour, and is left with as much as a chunk needs', async ({ expect }) => {
    for (const upload of [1, 2, 3, 4]) await anHour(upload);
    await anHour(5, ['DE', 'FR']);
    const of = await provenances();
    // The forged issue: uploads 1 to 4, and of somebody who was merged with them upload 5. Its ids were drawn for decoys too.
    const decoys = [...of].flatMap(([tek, { synthetic }]) => (synthetic ? [tek] : [])).slice(0, 60);
    const drawn = Uint8Array.from(decoys.flatMap((tek) => [...Buffer.from(tek, 'hex')]));
    await take(rig, concatBytes(...[1, 2, 3, 4, 5].map((upload) => teksOf(upload, 14)), drawn));
    await seal(rig);
    for (const code of ['DE', 'EUR']) {
      const { revoked } = await regionAt(code);
      const own = new Set([1, 2, 3, 4].flatMap((upload) => hexOf(upload, 14)));
      const rest = revoked.filter((tek) => !own.has(tek));
      const person = new Set(hexOf(5, 14));
      expect(revoked.length - rest.length).toBe(own.size);
      expect(rest.filter((tek) => person.has(tek)).length).toBe(14);
      // Beside the person's keys: whole synthetic uploads set aside, and not one that padded.
      const company = rest.filter((tek) => !person.has(tek)).map((tek) => of.get(tek)!);
      expect(company.length).toBeGreaterThanOrEqual(POLICY.minKeys);
      expect(company.every(({ reserve }) => reserve === true)).toBe(true);
    }
    expect(await findings()).toEqual([]);
  });

  it('a person’s keys stand among others, those of their own hour first', async ({ expect }) => {
    for (const upload of [1, 2, 3, 4]) await anHour(upload);
    const of = await provenances();
    const firstHour = MIDNIGHT / 3600 + 12;
    await take(rig, teksOf(1, 14), undefined, 'withdrawal');
    await seal(rig);
    const { revoked } = await regionAt('EUR');
    const mine = new Set(hexOf(1, 14));
    const company = revoked.filter((tek) => !mine.has(tek));
    expect(revoked.length - company.length).toBe(14);
    expect(company.length).toBeGreaterThanOrEqual(POLICY.minKeys);
    expect(company.every((tek) => of.get(tek)?.reserve === true)).toBe(true);
    const taken = await rig.inPublisherStorage((sql) =>
      sql.exec<{ reserve: string }>('SELECT reserve FROM taking').one(),
    );
    expect(JSON.parse(taken.reserve)).toContain(firstHour);
  });
});

describe('with nothing set aside', () => {
  const none = { ...POLICY, reserveUploads: 0 };

  it('a request waits for hours that set something aside, and goes with them', async ({ expect }) => {
    rig.policy = none;
    await anHour(1);
    rig.policy = POLICY;
    await take(rig, teksOf(1, 14));
    await seal(rig);
    expect((await regionAt('DE')).revoked).toEqual([]);
    for (const upload of [2, 3, 4, 5, 6, 7]) await anHour(upload);
    const { revoked } = await regionAt('DE');
    expect(hexOf(1, 14).filter((tek) => !revoked.includes(tek))).toEqual([]);
    expect(revoked.length).toBeGreaterThanOrEqual(14 + POLICY.minKeys);
  });

  itLong(
    'a day later enough keys go by themselves, and fewer than a chunk needs wait on, which is an alert',
    async ({ expect }) => {
      rig.policy = none;
      for (const upload of [1, 2, 3, 4, 5, 6, 7, 8]) await rig.accept(`u${upload}`, keysOf(upload, 14));
      await seal(rig);
      rig.policy = POLICY;
      await take(rig, teksOf(1, 14));
      await seal(rig, 24);
      expect((await regionAt('DE')).revoked).toEqual([]);
      await seal(rig);
      const counter = await rig.inPublisherStorage((sql) =>
        sql.exec(`SELECT value FROM counter WHERE name = 'alert_take_back_waits'`).toArray(),
      );
      expect(counter.length).toBe(1);
      await take(rig, concatBytes(...[2, 3, 4, 5, 6, 7, 8].map((upload) => teksOf(upload, 14))), OTHER_ID);
      // Those are not late: until they are, nothing hides them beside the first request, whose sender would see them alone.
      await seal(rig);
      expect((await regionAt('DE')).revoked).toEqual([]);
      await seal(rig, 24);
      // Keys that left at the midnights in between are gone anyway.
      expect((await regionAt('DE')).revoked.length).toBeGreaterThanOrEqual(POLICY.minKeys);
    },
  );

  it('and none to come, what is less than a chunk never goes alone, and what is as much needn’t wait', async ({
    expect,
  }) => {
    rig.policy = none;
    for (const upload of [1, 2, 3, 4, 5, 6, 7, 8]) await rig.accept(`u${upload}`, keysOf(upload, 14));
    await seal(rig);
    await take(rig, concatBytes(...[1, 2, 3].map((upload) => teksOf(upload, 14))));
    await seal(rig, 2);
    // 42 keys are enough, and may be of two uploads: nobody knows whose rows they are.
    expect((await regionAt('DE')).revoked).toEqual([]);
    await take(rig, concatBytes(...[4, 5, 6, 7].map((upload) => teksOf(upload, 14))), OTHER_ID);
    await seal(rig);
    for (const code of ['DE', 'EUR']) expect((await regionAt(code)).revoked.length).toBe(7 * 14);
    expect(await findings()).toEqual([]);
  });
});

/** As if it had been asked for so long ago. */
const wasAsked = (id: string, hoursAgo: number) =>
  rig.inPublisherStorage((sql) => {
    sql.exec('UPDATE take_back SET asked_hour = asked_hour - ? WHERE id = ?', hoursAgo, id);
  });

it('beside what is late and company for itself nobody goes whom nothing hides: who asked for the rest would see them alone', async ({
  expect,
}) => {
  rig.policy = { ...POLICY, reserveUploads: 0 };
  for (const upload of [1, 2, 3, 4, 5, 6, 7, 8]) await rig.accept(`u${upload}`, keysOf(upload, 14));
  await seal(rig);
  rig.policy = POLICY;
  await take(rig, concatBytes(...[1, 2, 3, 4, 5, 6, 7].map((upload) => teksOf(upload, 14))));
  await wasAsked(TAKE_ID, 24);
  await take(rig, teksOf(8, 14), OTHER_ID, 'withdrawal');
  await seal(rig);
  for (const code of ['DE', 'EUR']) {
    const { revoked } = await regionAt(code);
    expect([revoked.length, hexOf(8, 14).filter((tek) => revoked.includes(tek))]).toEqual([7 * 14, []]);
  }
  expect(await open()).toBe(1);
  rig.policy = { ...POLICY, reserveUploads: 4 };
  // It goes when hours have set something aside, as if it had been alone all the time.
  for (let upload = 10; upload < 20 && (await open()) > 0; upload++) await anHour(upload);
  const { revoked } = await regionAt('DE');
  expect(hexOf(8, 14).filter((tek) => !revoked.includes(tek))).toEqual([]);
  expect(revoked.length).toBeGreaterThanOrEqual(8 * 14 + POLICY.minKeys);
  expect(await findings()).toEqual([]);
});

it('a request whose object was lost is an alert, and over when no key lives that it can have named', async ({
  expect,
}) => {
  await anHour(1);
  await take(rig, teksOf(1, 14));
  await testEnv.PRIVATE.delete(`${REQUESTS}${TAKE_ID}.bin`);
  await seal(rig);
  const alerts = (sql: SqlStorage) =>
    sql.exec(`SELECT 1 FROM counter WHERE name = 'alert_take_back_lost'`).toArray().length;
  expect([await open(), await rig.inPublisherStorage(alerts)]).toEqual([1, 1]);
  await wasAsked(TAKE_ID, (POLICY.retentionDays + 1) * 24);
  await seal(rig);
  expect(await open()).toBe(0);
});

const ABROAD = ['DE', 'LU'];

/** Whether requests wait. */
const open = () =>
  rig.inPublisherStorage((sql) => Number(sql.exec('SELECT count(*) AS n FROM take_back WHERE done = 0').one()['n']));

itLong(
  'keys of a small region wait for company there, with nobody else; no list is smaller than a chunk in any region, at any hour',
  async ({ expect }) => {
    rig.regions = ['DE', 'LU', 'EUR'];
    // One key alone of a person who was abroad, in an hour that their own region had to be padded for.
    await rig.accept('abroad', keysOf(50, 1), ABROAD);
    await anHour(1);
    for (const upload of [2, 3, 4, 5]) await anHour(upload);
    await take(rig, concatBytes(teksOf(50, 1), teksOf(2, 14)));
    const sizes = new Set<number>();
    const look = async (): Promise<Record<string, string[]>> => {
      const lists: Record<string, string[]> = {};
      for (const code of rig.regions ?? []) {
        const { revoked } = await regionAt(code);
        lists[code] = revoked;
        sizes.add(revoked.length);
      }
      return lists;
    };
    await seal(rig);
    const first = await look();
    for (const code of ['DE', 'EUR']) {
      expect(hexOf(2, 14).filter((tek) => !first[code]!.includes(tek))).toEqual([]);
      expect(first[code]).not.toContain(hexOf(50, 1)[0]);
    }
    expect([first['LU'], await open()]).toEqual([[], 1]);
    // Others who were abroad bring synthetic uploads there too.
    let upload = 60;
    for (; upload < 80 && (await open()) > 0; upload++) {
      await anHour(upload, ABROAD);
      await look();
    }
    for (const list of Object.values(await look())) expect(list).toContain(hexOf(50, 1)[0]);
    expect(Math.min(...[...sizes].filter((size) => size > 0))).toBeGreaterThanOrEqual(POLICY.minKeys);
    expect([...(await objects(testEnv.PRIVATE)).keys()].filter((name) => name.startsWith(REQUESTS))).toEqual([]);
    expect(await findings()).toEqual([]);
  },
);
