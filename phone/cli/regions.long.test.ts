/**
 * @module `phone region`, and a sync over several regions, as its owner types and reads it: real files and signatures at hosts in memory, a phone in a directory.
 */
import { cp, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, it, vi } from 'vitest';
import { NOW, RoamingWorld } from '../../test/support/roaming-world.ts';
import { enIntervalNumber, hourOf, hourStart, SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { spkiToPem } from '../../protocol/signing.ts';
import { toStateText } from '../store.ts';
import { heardOf } from '../testing/heard.ts';
import { testKey } from '../testing/keys.ts';
import { testRandom } from '../testing/random.ts';
import { main } from './cli.ts';
import { withPhones } from './phone-directory.ts';
import { countriesAbroad } from './region-commands.ts';

const HOUR = 3600;
const START = hourStart(hourOf(NOW)) + 600;
const HOME = 'https://keys.de.example';
const random = testRandom('regions on the command line');
const TODAY = new Date(START * 1000).toISOString().slice(0, 10);
const day = (days: number): string => new Date((START + days * SECONDS_PER_DAY) * 1000).toISOString().slice(0, 10);

let root: string;
let world: RoamingWorld;
let count = 0;
let ben: string;
let met: readonly [TemporaryExposureKey, TemporaryExposureKey];

async function phone(...args: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await main(args, { out: (text) => void out.push(text), err: (text) => void err.push(text) });
  return { code, out: out.join('').replaceAll(ben, 'ben'), err: err.join('').replaceAll(ben, 'ben') };
}

beforeAll(async () => {
  root = await mkdtemp(join(tmpdir(), 'phone-regions-'));
  world = new RoamingWorld(START);
  const home = await world.add('DE', 'exposure-edge');
  await world.add('NL', 'cwa', 'benelux');
  await writeFile(join(root, 'public.pem'), spkiToPem(home.exportSpki));
  await writeFile(join(root, 'manifest-public.pem'), spkiToPem(home.manifestSpki));
  await writeFile(join(root, 'policy.json'), world.policyText);
  const start = enIntervalNumber(Math.floor(START / SECONDS_PER_DAY - 2) * SECONDS_PER_DAY);
  met = [
    testKey(random, { rollingStartIntervalNumber: start }),
    testKey(random, { rollingStartIntervalNumber: start }),
  ];
  for (const [i, region] of ['DE', 'NL'].entries()) world.publishers.get(region)!.publish(START - HOUR, [met[i]!]);
  const fetch = world.fetchOf('ben');
  vi.stubGlobal('fetch', (url: string, init?: RequestInit) =>
    url === `${HOME}/local/clock` ? Promise.resolve(Response.json({ now: world.now })) : fetch(url, init),
  );
});
afterAll(async () => {
  vi.unstubAllGlobals();
  await rm(root, { recursive: true });
});

/** A phone of before there were regions: it has met both, and has had what its home lists. */
beforeEach(async () => {
  ben = join(root, String(count++));
  world.now = START;
  world.down.clear();
  await phone('init', ben, '--pins', root, '--url', HOME, '--local-clock');
  await writeFile(join(ben, 'sightings.json'), toStateText(met.map((key) => heardOf(key, 60))));
  expect0((await phone('sync', ben)).code);
});
function expect0(code: number): void {
  if (code !== 0) throw new Error(`ended with ${code}`);
}
const policy = () => ['--policy', join(root, 'policy.json')];

describe('a phone of before there were regions', () => {
  it('is as it was, and goes on with what it had once it has a region', async ({ expect }) => {
    expect((await readdir(ben)).toSorted()).not.toContain('policy.json');
    const before = await readFile(join(ben, 'download.json'), 'utf8');
    const added = await phone('region', 'add', ben, 'NL', '--from', day(-3), '--to', day(1), ...policy());
    expect(added).toEqual({
      code: 0,
      out: `ben: NL is read from the next sync on, until ${day(16)}, by itself\n`,
      err: '',
    });
    expect(await readFile(join(ben, 'download.json'), 'utf8')).toBe(before);
    const { code, out, err } = await phone('sync', ben);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toContain('one file with 1 keys, new');
    expect(out).toContain('WARNING: met 2 keys of people who tested positive');
    expect((await phone('sync', ben)).out).toContain('0 files with 0 keys, new');
  });

  it('that lost its app’s files has what it met, and meets nothing twice', async ({ expect }) => {
    await phone('region', 'add', ben, 'NL', ...policy());
    await phone('sync', ben);
    const anew = `${ben}-anew`;
    await cp(ben, anew, { recursive: true });
    for (const name of await readdir(anew)) {
      if (/^(download|regions|directory|policy|region-.*)\.json$/.test(name)) await rm(join(anew, name));
    }
    await phone('region', 'add', anew, 'NL', '--from', day(-3), '--to', day(0), ...policy());
    expect((await phone('sync', anew)).out).toContain('WARNING: met 2 keys');
  });
});

describe('phone region', () => {
  it('adds, lists and leaves, and asks nobody', async ({ expect }) => {
    await phone('region', 'add', ben, 'NL', ...policy());
    await phone('sync', ben);
    world.requests.length = 0;
    expect((await phone('region', 'list', ben)).out).toBe(
      `ben: DE  home, of the cluster eu, always read\nben: NL  roaming, read until ${day(29)}\n`,
    );
    expect((await phone('region', 'leave', ben, 'NL')).out).toBe(`ben: NL is read until ${day(15)}, by itself\n`);
    const listed: unknown = JSON.parse((await phone('region', 'list', ben, '--json')).out);
    expect(listed).toMatchObject({
      home: 'DE',
      cluster: 'eu',
      regions: [{ region: 'NL', kind: 'roaming', cluster: 'benelux', phase: 1 }],
    });
    expect((await phone('region', 'leave', ben, 'NL', '--on', day(-5))).code).toBe(1);
    expect(world.requests).toEqual([]);
  });

  it('says which countries somebody names who shares keys: those of their regions, never the home', async ({
    expect,
  }) => {
    await phone('region', 'add', ben, 'benelux', '--from', day(-3), '--to', day(-1), ...policy());
    await phone('region', 'add', ben, 'eu', '--from', day(-3), '--to', day(-1));
    await phone('region', 'add', ben, 'IT', '--from', day(-2), '--to', day(-2));
    await phone('region', 'add', ben, 'US', '--from', day(3), '--to', day(4));
    await phone('sync', ben);
    const named = withPhones([ben], async (opened) => (opened === undefined ? [] : countriesAbroad(opened, null)));
    expect(await named).toEqual(['IT', 'NL']);
  });

  it('ends by itself, and leaves no file of the region', async ({ expect }) => {
    await phone('region', 'add', ben, 'NL', '--to', TODAY, ...policy());
    await phone('sync', ben);
    expect(await readdir(ben)).toContain('region-NL-cwa.json');
    world.now += 16 * SECONDS_PER_DAY;
    await phone('sync', ben);
    expect(await readdir(ben)).not.toContain('region-NL-cwa.json');
    expect((await phone('region', 'list', ben)).out).toBe('ben: DE  home, of the cluster eu, always read\n');
  });

  it.for([
    { name: 'without a policy', args: ['add', 'BEN', 'NL'], code: 1, says: 'has no policy' },
    { name: 'its own region', args: ['add', 'BEN', 'DE', 'POLICY'], code: 1, says: 'always read' },
    {
      name: 'a visit that is over',
      args: ['add', 'BEN', 'NL', '--from', day(-30), '--to', day(-20), 'POLICY'],
      code: 1,
      says: 'nothing that was heard then',
    },
    {
      name: 'a visit that ends before it begins',
      args: ['add', 'BEN', 'NL', '--from', day(1), '--to', day(0), 'POLICY'],
      code: 2,
      says: 'is before',
    },
    {
      name: 'a day that is none',
      args: ['add', 'BEN', 'NL', '--from', '2026-02-30', 'POLICY'],
      code: 2,
      says: 'must be a day',
    },
    { name: 'a region that is none', args: ['add', 'BEN', 'Nederland', 'POLICY'], code: 2, says: 'must be a region' },
    { name: 'a policy that is none', args: ['add', 'BEN', 'NL', '--policy', 'PINS'], code: 3, says: 'the policy' },
    { name: 'nothing', args: [], code: 2, says: 'expected add' },
  ])('refuses $name', async ({ args, code, says }, { expect }) => {
    const given = args.flatMap((arg) =>
      arg === 'POLICY' ? policy() : [{ BEN: ben, PINS: join(root, 'public.pem') }[arg] ?? arg],
    );
    const answer = await phone('region', ...given);
    expect(answer).toMatchObject({ code, out: '' });
    expect(answer.err).toContain(says);
    expect(await readdir(ben)).not.toContain('regions.json.tmp');
  });
});

describe('phone init with a policy', () => {
  it('makes a phone that knows other regions; with one that is none it makes no phone', async ({ expect }) => {
    const [good, bad] = [`${ben}-good`, `${ben}-bad`];
    const init = (name: string, file: string) =>
      phone('init', name, '--pins', root, '--url', HOME, '--local-clock', '--policy', join(root, file));
    expect(await init(good, 'policy.json')).toMatchObject({ code: 0 });
    expect(await phone('region', 'add', good, 'NL')).toMatchObject({ code: 0 });
    expect(await init(bad, 'public.pem')).toMatchObject({ code: 3 });
    expect(await readdir(root)).not.toContain(basename(bad));
  });
});

describe('phone sync over regions', () => {
  it('with one that is down ends with 1, says so, and has the rest', async ({ expect }) => {
    await phone('region', 'add', ben, 'NL', '--from', day(-3), ...policy());
    world.down.add('NL');
    const { code, out, err } = await phone('sync', ben);
    expect(code).toBe(1);
    expect(err).toMatch(/^phone: NL: .*the rest is fetched once it can be\n$/);
    expect(out).toContain('WARNING: met one key');
    world.down.clear();
    expect(await phone('sync', ben)).toMatchObject({ code: 0, err: '' });
  });

  it('whose files are damaged ends with 3, names the file, and asks nobody', async ({ expect }) => {
    await phone('region', 'add', ben, 'NL', ...policy());
    await writeFile(join(ben, 'regions.json'), '{}');
    world.requests.length = 0;
    const { code, err } = await phone('sync', ben);
    expect([code, err]).toEqual([3, expect.stringContaining('regions.json')]);
    expect(world.requests).toEqual([]);
  });
});
