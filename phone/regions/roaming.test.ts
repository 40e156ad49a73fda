/**
 * @module The paper's user stories F1 to F3 on the phone (arXiv:2006.13087 §4), and what goes wrong on the road: nothing that is listed is missed, nothing is matched twice, and a person reads why.
 */
import { beforeEach, describe, it } from 'vitest';
import { NOW, RoamingPhone, RoamingWorld } from '../../test/support/roaming-world.ts';
import { enIntervalNumber, hourStart, hourOf, SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { REPORT_TYPE, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { toBase64 } from '../../protocol/primitives/bytes.ts';
import { heardOf } from '../testing/heard.ts';
import { testKey } from '../testing/keys.ts';
import { testRandom } from '../testing/random.ts';
import { regionAdvice, regionProblems } from './words.ts';

const HOUR = 3600;
/** Ten past an hour. */
const START = hourStart(hourOf(NOW)) + 600;
const random = testRandom('roaming');

let world: RoamingWorld;
let bob: RoamingPhone;

beforeEach(async () => {
  world = new RoamingWorld(START);
  await world.add('DE', 'exposure-edge');
  bob = new RoamingPhone(world, 'bob', 'DE');
});

/** A key of somebody whom these phones met on a day. @param at Unix seconds */
function metOn(at: number, ...phones: readonly RoamingPhone[]): TemporaryExposureKey {
  const midnight = Math.floor(at / SECONDS_PER_DAY) * SECONDS_PER_DAY;
  const key = testKey(random, { rollingStartIntervalNumber: enIntervalNumber(midnight) });
  for (const phone of phones) phone.sightings.push(heardOf(key, 60));
  return key;
}
const metKey = (...phones: readonly RoamingPhone[]): TemporaryExposureKey =>
  metOn(world.now - 2 * SECONDS_PER_DAY, ...phones);
const named = (...keys: readonly TemporaryExposureKey[]): string[] =>
  keys.map(({ keyData }) => toBase64(keyData)).toSorted();
const published = (region: string, ...keys: readonly TemporaryExposureKey[]): void =>
  world.publishers.get(region)!.publish(world.now - HOUR, keys);
const aDay = SECONDS_PER_DAY;

describe('a traveller', () => {
  it.for(['exposure-edge', 'cwa', 'google', 'dp3t'] as const)(
    'hears of locals by %s, in one detection call with the home’s',
    async (format, { expect }) => {
      await world.add('NL', format, 'benelux');
      await bob.visit('NL', world.now - 3 * aDay, world.now - aDay);
      const [here, there] = [metKey(bob), metKey(bob)];
      published('DE', here, testKey(random));
      published('NL', there, testKey(random));
      const outcome = await bob.sync();
      expect(outcome).toMatchObject({ detection: { kind: 'made', files: 2, keys: 4 }, directory: null });
      expect(regionProblems(outcome)).toEqual([]);
      expect(bob.met().toSorted()).toEqual(named(here, there));
      expect((await bob.sync()).detection).toEqual({ kind: 'nothing' });
    },
  );

  it('knows a key that comes by two feeds once', async ({ expect }) => {
    await world.add('NL', 'exposure-edge', 'benelux');
    await bob.visit('NL', world.now - 3 * aDay);
    const key = metKey(bob);
    published('DE', key);
    published('NL', { ...key, transmissionRiskLevel: 1 });
    expect((await bob.sync()).detection).toMatchObject({ files: 2, keys: 1 });
    expect(bob.history.matches(world.now)).toMatchObject([
      { key: { transmissionRiskLevel: key.transmissionRiskLevel } },
    ]);
  });

  it('is told the visit afterwards, and hears of all that is still listed', async ({ expect }) => {
    await world.add('NL', 'exposure-edge', 'benelux');
    const key = metKey(bob);
    published('NL', key);
    world.now += 5 * aDay;
    await bob.sync();
    expect(bob.met()).toEqual([]);
    await bob.visit('NL', world.now - 8 * aDay, world.now - 6 * aDay);
    await bob.sync();
    expect(bob.met()).toEqual(named(key));
  });

  it('asks a region no more 14 days after leaving it, and forgets what it had', async ({ expect }) => {
    await world.add('NL', 'exposure-edge', 'benelux');
    await bob.visit('NL', world.now - aDay, world.now);
    await bob.sync();
    expect(bob.feeds()).toEqual(['region-NL-exposure-edge']);
    world.now += 16 * aDay;
    world.requests.length = 0;
    expect((await bob.sync()).followed).toEqual([]);
    expect(new Set(world.requests.map(({ host }) => host))).toEqual(new Set(['keys.de.example']));
    expect(bob.feeds()).toEqual([]);
  });
});

describe('a journey', () => {
  it('takes one word a trip: before it, after it, or for a cluster; and whoever was met is heard of', async ({
    expect,
  }) => {
    for (const [region, format, cluster] of [
      ['NL', 'exposure-edge', 'benelux'],
      ['IT', 'cwa', 'italy'],
      ['US', 'google', 'nafta'],
      ['MX', 'dp3t', 'nafta'],
    ] as const) {
      await world.add(region, format, cluster);
    }
    const met: TemporaryExposureKey[] = [];
    // Encounters are forgotten after 14 days.
    const heard = new Set<string>();
    let words = 0;
    const trips = [
      { name: 'NL', through: ['NL'], first: 1, last: 3, told: 0 },
      { name: 'IT', through: ['IT'], first: 8, last: 9, told: 12 },
      { name: 'nafta', through: ['US', 'MX'], first: 20, last: 23, told: 20 },
    ];
    for (let today = 0; today < 40; today += 2) {
      for (const { name, first, last, told } of trips.filter((trip) => trip.told === today)) {
        words++;
        await bob.visit(name, world.now + (first - told) * aDay, world.now + (last - told) * aDay);
      }
      for (const { through, last } of trips) {
        // Whom they met there on the last day is tested days later.
        if (today !== last + (last % 2) + 6) continue;
        for (const region of through) {
          const key = metOn(world.now - (today - last) * aDay, bob);
          met.push(key);
          published(region, key);
        }
      }
      await bob.sync();
      for (const name of bob.met()) heard.add(name);
      world.now += 2 * aDay;
    }
    expect(words).toBe(trips.length);
    expect(met).toHaveLength(4);
    expect([...heard].toSorted()).toEqual(named(...met));
    expect(bob.feeds()).toEqual([]);
  });
});

describe('a cluster', () => {
  it('is one feed where its regions say that each has all keys', async ({ expect }) => {
    for (const region of ['US', 'MX', 'CA'])
      await world.add(region, 'exposure-edge', 'nafta', { publicKeysOf: 'cluster' });
    await bob.visit('US', world.now - 2 * aDay);
    await bob.visit('MX', world.now - 2 * aDay);
    const outcome = await bob.sync();
    expect(outcome.plan.feeds.map(({ region }) => region)).toEqual(['MX']);
    world.down.add('MX');
    world.now += 26 * HOUR;
    await bob.sync();
    expect((await bob.sync()).plan.feeds.map(({ region }) => region)).toEqual(['US']);
  });

  it('named as a whole is read whole: each region that has keys of its own', async ({ expect }) => {
    await world.add('US', 'exposure-edge', 'nafta');
    await world.add('MX', 'google', 'nafta');
    await bob.visit('nafta', world.now - aDay);
    const [one, other] = [metKey(bob), metKey(bob)];
    published('US', one);
    published('MX', other);
    await bob.sync();
    expect(bob.met().toSorted()).toEqual(named(one, other));
  });

  it('of the home is the home’s feed, and nobody else is asked', async ({ expect }) => {
    const world2 = new RoamingWorld(START);
    for (const region of ['SA', 'SB'])
      await world2.add(region, 'exposure-edge', 'enterprise', { publicKeysOf: 'cluster' });
    const phone = new RoamingPhone(world2, 'carol', 'SA');
    await phone.visit('SB', world2.now);
    expect((await phone.sync()).plan).toEqual({ feeds: [], withHome: ['SB'], unreadable: [] });
    expect(world2.requests.every(({ host }) => host === 'keys.sa.example')).toBe(true);
  });
});

describe('on the road', () => {
  beforeEach(async () => {
    await world.add('NL', 'exposure-edge', 'benelux');
    await bob.visit('NL', world.now - 2 * aDay, world.now + 6 * aDay);
  });

  it('a region is down for days: the others go on, and it is made up for', async ({ expect }) => {
    await bob.sync();
    world.down.add('NL');
    const [here, there] = [metKey(bob), metKey(bob)];
    published('DE', here);
    published('NL', there);
    world.now += 3 * aDay;
    const outcome = await bob.sync();
    expect(bob.met()).toEqual(named(here));
    expect(regionProblems(outcome).join()).toMatch(
      /^NL: .*all was had at 20\d\d-.* the rest is fetched once it can be$/,
    );
    world.down.delete('NL');
    world.now += HOUR;
    expect(regionProblems(await bob.sync())).toEqual([]);
    expect(bob.met().toSorted()).toEqual(named(here, there));
  });

  it('a region changes its keys: by the directory’s new ones it is believed, by others not', async ({ expect }) => {
    await bob.sync();
    world.rollOver('NL');
    const key = metKey(bob);
    published('NL', key);
    world.now += HOUR;
    expect(regionProblems(await bob.sync())).toEqual([]);
    expect(bob.met()).toEqual(named(key));
    world.rollOver('NL', { told: false });
    published('NL', metKey(bob));
    world.now += HOUR;
    expect(regionProblems(await bob.sync()).join()).toMatch(/^NL: .*; the directory names another key for it; /);
    expect(bob.met()).toEqual(named(key));
  });

  it('a region leaves the directory: nothing new is read, what was met stays, and it says so', async ({ expect }) => {
    const key = metKey(bob);
    published('NL', key);
    await bob.sync();
    world.remove('NL');
    published('NL', metKey(bob));
    world.now += HOUR;
    world.requests.length = 0;
    const outcome = await bob.sync();
    expect(regionProblems(outcome)).toEqual([
      expect.stringMatching(/^NL: not in the directory of regions, or not any more/),
    ]);
    expect(world.requests.some(({ host }) => host === 'keys.nl.example')).toBe(false);
    expect(bob.met()).toEqual(named(key));
  });

  it.for([
    { format: 'exposure-edge', seed: 7, name: 'one key for both' },
    { format: 'cwa', seed: 7, name: 'one key for both' },
    { format: 'google', seed: 7, name: 'one key for both' },
    { format: 'dp3t', seed: 7, name: 'one key for both' },
    { format: 'exposure-edge', seed: 9, name: 'a key for each' },
    { format: 'google', seed: 9, name: 'a key for each' },
  ] as const)(
    'a region serves another’s bytes in $format, $name: they are refused',
    async ({ format, seed }, { expect }) => {
      await world.add('BE', format, 'belgium', {}, 7);
      const other = await world.add('IT', format, 'italy', {}, seed);
      await bob.visit('BE', world.now);
      other.publish(world.now - HOUR, [metKey(bob)]);
      world.swapped.set('BE', 'IT');
      expect(regionProblems(await bob.sync()).join()).toMatch(/^BE: /);
      expect(bob.met()).toEqual([]);
      world.swapped.clear();
      await bob.visit('IT', world.now);
      await bob.sync();
      expect(bob.met()).toHaveLength(1);
    },
  );

  it('a region can’t take back what another has published, its own it can', async ({ expect }) => {
    const [here, there] = [metKey(bob), metKey(bob)];
    published('DE', here);
    published('NL', there, testKey(random));
    await bob.sync();
    expect(bob.met().toSorted()).toEqual(named(here, there));
    const taken = [here, there].map((key) => ({ ...key, reportType: REPORT_TYPE.REVOKED }));
    world.now += HOUR;
    world.publishers.get('NL')!.publish(world.now - HOUR, [], taken);
    await bob.sync();
    expect(bob.met()).toEqual(named(here));
    world.now += HOUR;
    world.publishers.get('DE')!.publish(world.now - HOUR, [], taken);
    await bob.sync();
    expect(bob.met()).toEqual([]);
  });

  it('the app is installed anew: trips are told again, and nothing is met twice', async ({ expect }) => {
    const [here, there] = [metKey(bob), metKey(bob)];
    published('DE', here);
    published('NL', there);
    await bob.sync();
    bob.reinstall();
    world.now += HOUR;
    await bob.sync();
    await bob.visit('NL', world.now - 3 * aDay);
    const late = metKey(bob);
    published('NL', late);
    world.now += HOUR;
    await bob.sync();
    expect(bob.met().toSorted()).toEqual(named(here, there, late));
  });

  it('two trips overlap: each region is asked once, and both are heard of', async ({ expect }) => {
    await world.add('IT', 'cwa', 'italy');
    await bob.visit('IT', world.now - aDay, world.now + aDay);
    await bob.visit('NL', world.now - 3 * aDay, world.now);
    const [dutch, italian] = [metKey(bob), metKey(bob)];
    published('NL', dutch);
    published('IT', italian);
    expect((await bob.sync()).plan.feeds.map(({ region }) => region)).toEqual(['IT', 'NL']);
    expect(bob.met().toSorted()).toEqual(named(dutch, italian));
  });

  it.for([-HOUR, HOUR])(
    'its clock is wrong by %i s: everything is heard of all the same',
    async (wrong, { expect }) => {
      bob.clockError = wrong;
      const [here, there] = [metKey(bob), metKey(bob)];
      published('DE', here);
      published('NL', there);
      const outcome = await bob.sync();
      expect(outcome.directory).toBeNull();
      expect(regionProblems(outcome)).toEqual([]);
      expect(bob.met().toSorted()).toEqual(named(here, there));
    },
  );

  it('dies at any write: nothing is missed, nothing is met twice', async ({ expect }) => {
    const [here, there, other] = [metKey(bob), metKey(bob), metKey(bob)];
    published('DE', here);
    published('NL', there);
    world.now += HOUR;
    published('NL', other);
    let died = 0;
    for (let after = 0; after < 40; after++) {
      bob.diesAfter = after;
      const isAlive = await bob.sync().then(
        () => true,
        () => false,
      );
      if (isAlive) break;
      died++;
    }
    bob.diesAfter = null;
    await bob.sync();
    expect(died).toBeGreaterThan(2);
    expect(bob.met().toSorted()).toEqual(named(here, there, other));
  });

  it('looks six times a day: what comes after waits, and is told', async ({ expect }) => {
    const keys: TemporaryExposureKey[] = [];
    const kinds: string[] = [];
    for (let look = 0; look < 7; look++) {
      keys.push(metKey(bob));
      published('NL', keys.at(-1)!);
      const outcome = await bob.sync();
      kinds.push(outcome.detection.kind);
      if (look === 6) expect(regionAdvice(outcome)).toEqual([expect.stringContaining('one file waits until')]);
      world.now += HOUR;
    }
    expect(kinds).toEqual([...Array<string>(6).fill('made'), 'waits']);
    expect(bob.met().toSorted()).toEqual(named(...keys.slice(0, 6)));
    world.now += 18 * HOUR;
    await bob.sync();
    expect(bob.met().toSorted()).toEqual(named(...keys));
  });

  it('the directory can’t be had: what it said last holds for its day, and no longer', async ({ expect }) => {
    await bob.sync();
    const key = metKey(bob);
    published('NL', key);
    world.now += HOUR;
    world.down.add('DE');
    const outcome = await bob.sync();
    expect(bob.met()).toEqual(named(key));
    expect(regionProblems(outcome)[0]).toMatch(/^the directory of regions tells nothing new: /);
    world.now += 25 * HOUR;
    expect((await bob.sync()).plan.feeds).toEqual([]);
  });

  it('nobody says any more that it is there: it is told before the region is left out', async ({ expect }) => {
    await world.add('IT', 'exposure-edge', 'italy');
    await bob.visit('IT', world.now);
    world.now += 16 * aDay;
    expect(regionAdvice(await bob.sync())).toEqual([
      expect.stringMatching(/^IT: taken for left on .* phone region add$/),
    ]);
  });
});
