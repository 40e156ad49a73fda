/**
 * @module What hosts learn of roaming phones (arXiv:2006.13087 §3.4, SP1 and SP2): all requests of many phones at all hosts are written down and searched.
 */
import { describe, it } from 'vitest';
import { usualOrLong } from '../../test/support/longer.ts';
import { NOW, RoamingPhone, RoamingWorld } from '../../test/support/roaming-world.ts';
import { hourOf, hourStart, SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { randomBelow } from '../random.ts';
import { testKey } from '../testing/keys.ts';
import { testRandom } from '../testing/random.ts';

const PHONES = usualOrLong({ usual: 40, long: 1_000 });
const FORMATS = {
  DE: 'exposure-edge',
  NL: 'exposure-edge',
  IT: 'cwa',
  US: 'google',
  CH: 'dp3t',
  MX: 'exposure-edge',
} as const;
const REGIONS = Object.keys(FORMATS) as (keyof typeof FORMATS)[];
const HOMES = ['DE', 'NL'] as const;
const SYNCS = 3;

interface Traveller {
  readonly phone: RoamingPhone;
  readonly home: string;
  readonly trips: readonly string[];
}

/** Phones of two homes with none to three trips of the same days, syncing at the same instants; each trip is also made by somebody who makes no other. */
async function lived(): Promise<{ world: RoamingWorld; travellers: Traveller[] }> {
  const random = testRandom('privacy');
  const world = new RoamingWorld(hourStart(hourOf(NOW)) + 600);
  for (const region of REGIONS) await world.add(region, FORMATS[region], `cluster-${region.toLowerCase()}`);
  const alone = HOMES.flatMap((home) =>
    [[], ...REGIONS.filter((region) => region !== home).map((region) => [region])].map((trips) => ({ home, trips })),
  );
  const drawn = Array.from({ length: PHONES - alone.length }, () => {
    const home = HOMES[randomBelow(random, HOMES.length)]!;
    const others = REGIONS.filter((region) => region !== home);
    const trips = new Set(
      Array.from({ length: 1 + randomBelow(random, 3) }, () => others[randomBelow(random, others.length)]!),
    );
    return { home, trips: [...trips] };
  });
  const travellers: Traveller[] = [];
  for (const [index, { home, trips }] of [...alone, ...drawn].entries()) {
    const phone = new RoamingPhone(world, `phone ${index}`, home);
    for (const region of trips) await phone.visit(region, world.now - 3 * SECONDS_PER_DAY, world.now + SECONDS_PER_DAY);
    travellers.push({ phone, home, trips });
  }
  for (let sync = 0; sync < SYNCS; sync++) {
    for (const region of REGIONS)
      world.publishers.get(region)!.publish(world.now - 3600, [testKey(random), testKey(random)]);
    for (const { phone } of travellers) await phone.sync();
    world.now += 5 * 3600;
  }
  return { world, travellers };
}

const hostOf = (region: string): string => `keys.${region.toLowerCase()}.example`;

describe('many roaming phones', () => {
  it('tell no host of another region, and none of themselves', async ({ expect }) => {
    const { world, travellers } = await lived();
    const asked = Map.groupBy(world.requests, ({ phone, host }) => `${phone} ${host}`);
    const sequenceOf = (phone: string, region: string): string[] =>
      (asked.get(`${phone} ${hostOf(region)}`) ?? []).map(({ text }) => text);
    // Nobody is asked whom the owner doesn't follow.
    for (const { phone, home, trips } of travellers) {
      const hosts = REGIONS.filter((region) => asked.has(`${phone.name} ${hostOf(region)}`));
      expect(hosts.toSorted()).toEqual([home, ...trips].toSorted());
    }
    // No request names another region.
    const others = new Map(
      REGIONS.map((own) => [hostOf(own), new RegExp(`\\b(?:${REGIONS.filter((one) => one !== own).join('|')})\\b`)]),
    );
    expect(world.requests.filter(({ host, text }) => others.get(host)!.test(text))).toEqual([]);
    // At each host, requests and their order are those of somebody who goes nowhere else.
    for (const { phone, home, trips } of travellers) {
      const single = (region: string | null): string =>
        travellers.find((one) => one.home === home && one.trips.join() === (region ?? ''))!.phone.name;
      expect(sequenceOf(phone.name, home), `${phone.name} at home`).toEqual(sequenceOf(single(null), home));
      for (const region of trips) {
        expect(sequenceOf(phone.name, region), `${phone.name} in ${region}`).toEqual(
          sequenceOf(single(region), region),
        );
      }
    }
    // And whose home it is doesn't show where they are abroad.
    const [one, other] = HOMES.map((home) =>
      travellers.find((each) => each.home === home && each.trips.join() === 'IT')!,
    );
    expect(sequenceOf(one!.phone.name, 'IT')).toEqual(sequenceOf(other!.phone.name, 'IT'));
    // Each is a GET without a body, of an object that others ask for too.
    const askers = Map.groupBy(world.requests, ({ host, text }) => `${host} ${text}`);
    const own = [...askers].filter(([, seen]) => new Set(seen.map(({ phone }) => phone)).size < 2);
    expect(own).toEqual([]);
    expect(world.requests.every(({ text }) => text.startsWith('GET /'))).toBe(true);
  });
});
