/**
 * @module CWA's tree as CWA's app reads it (docs/spec/gaen.md §10, docs/spec/cwa.md §1.4), and what our phone does not take from it.
 */
import { describe, it } from 'vitest';
import { utf8 } from '../../protocol/primitives/bytes.ts';
import { dateIndexPath, dayPath, hourIndexPath, hourPath } from '../../protocol/index/cwa-tree.ts';
import { type CwaState, syncCwaTree } from './download-cwa.ts';
import { isDayHad, isHourHad, withDay, withHours, withoutDay, withoutHour } from './had.ts';
import { NONE_REVOKED, type RevokedPackages } from './revoked-packages.ts';
import { memoryStore } from '../store.ts';
import { testKey } from '../testing/keys.ts';
import { testRandom } from '../testing/random.ts';
import { EXPORT_KEY, REGION, zipOf } from '../testing/timeline.ts';

const random = testRandom('cwa');
const TODAY = '2026-06-15';
const MIDNIGHT = Date.UTC(2026, 5, 15) / 1000;
const DAY = 86_400;
const dayZip = (date: string): Uint8Array => {
  const startTimestamp = Date.parse(date) / 1000;
  return zipOf([testKey(random)], { startTimestamp, endTimestamp: startTimestamp + DAY });
};
const hourZip = (start: number): Uint8Array =>
  zipOf([testKey(random)], { startTimestamp: start, endTimestamp: start + 3600 });

class Edge {
  readonly objects = new Map<string, { body: Uint8Array; etag: string | null }>();
  readonly store = memoryStore<CwaState>();
  requests: string[] = [];
  keys = 0;
  now = MIDNIGHT + 2 * 3600 + 600;
  /** What the server's clock says, Unix seconds; null: its answers have no Date. */
  date: number | null = null;
  /** What the configuration says. */
  revoked: RevokedPackages = NONE_REVOKED;

  put(path: string, body: Uint8Array | unknown[], etag: string | null = '"tag"'): void {
    this.objects.set(path, { body: body instanceof Uint8Array ? body : utf8(JSON.stringify(body)), etag });
  }

  async sync() {
    this.requests = [];
    return syncCwaTree({
      fetch: (url) => {
        const path = new URL(url).pathname.slice(1);
        this.requests.push(path);
        const found = this.objects.get(path);
        if (found === undefined) return Promise.resolve(new Response(null, { status: 404 }));
        const headers = new Headers();
        if (this.date !== null) headers.set('date', new Date(this.date * 1000).toUTCString());
        for (const etag of found.etag?.split(' ') ?? []) headers.append('etag', etag);
        return Promise.resolve(new Response(new Uint8Array(found.body), { headers }));
      },
      baseUrl: 'http://edge.test',
      clock: () => this.now,
      exportKey: EXPORT_KEY,
      country: REGION,
      store: this.store,
      revoked: this.revoked,
      onFile: ({ exportFile }) => void (this.keys += exportFile.keys.length),
    });
  }
}

function edgeOfTwoDays(): Edge {
  const edge = new Edge();
  edge.put(dateIndexPath(REGION), ['2026-06-13', '2026-06-14']);
  for (const date of ['2026-06-13', '2026-06-14']) edge.put(dayPath(REGION, date), dayZip(date));
  edge.put(hourIndexPath(REGION, TODAY), [0, 1]);
  for (const hour of [0, 1]) edge.put(hourPath(REGION, TODAY, hour), hourZip(MIDNIGHT + hour * 3600));
  return edge;
}

describe('CWA’s tree', () => {
  it('is read once from days and hours, and then asked for nothing until the next hour', async ({ expect }) => {
    const edge = edgeOfTwoDays();
    expect(await edge.sync()).toMatchObject({ files: 4, errors: [] });
    expect(await edge.sync()).toMatchObject({ files: 0, requests: 0, errors: [] });
    edge.now += 3600;
    edge.put(hourIndexPath(REGION, TODAY), [0, 1, 2]);
    edge.put(hourPath(REGION, TODAY, 2), hourZip(MIDNIGHT + 2 * 3600));
    expect(await edge.sync()).toMatchObject({ files: 1, errors: [] });
    expect(edge.requests).toEqual([hourIndexPath(REGION, TODAY), hourPath(REGION, TODAY, 2)]);
    expect(edge.keys).toBe(5);
  });

  it('is asked for yesterday’s last hour alone, when that is all that is missing', async ({ expect }) => {
    const edge = edgeOfTwoDays();
    edge.now = MIDNIGHT + 23 * 3600 + 60;
    const hours = Array.from({ length: 24 }, (_, hour) => hour);
    for (const hour of hours) edge.put(hourPath(REGION, TODAY, hour), hourZip(MIDNIGHT + hour * 3600));
    edge.put(hourIndexPath(REGION, TODAY), hours.slice(0, 23));
    expect((await edge.sync()).errors).toEqual([]);
    edge.now = MIDNIGHT + DAY + 300;
    edge.put(dateIndexPath(REGION), ['2026-06-13', '2026-06-14', TODAY]);
    edge.put(hourIndexPath(REGION, TODAY), hours);
    edge.put(hourIndexPath(REGION, '2026-06-16'), []);
    expect(await edge.sync()).toMatchObject({ files: 1, errors: [] });
    expect(edge.requests).toContain(hourPath(REGION, TODAY, 23));
    expect(edge.requests).not.toContain(dayPath(REGION, TODAY));
  });

  it('is asked again for a day that was refused, although yesterday is had', async ({ expect }) => {
    const edge = edgeOfTwoDays();
    edge.objects.delete(dayPath(REGION, '2026-06-13'));
    expect(await edge.sync()).toMatchObject({ files: 3, errors: [{ kind: 'status', status: 404 }] });
    edge.put(dayPath(REGION, '2026-06-13'), dayZip('2026-06-13'));
    expect(await edge.sync()).toMatchObject({ files: 1, errors: [] });
  });

  it('may have no hour list yet', async ({ expect }) => {
    const edge = edgeOfTwoDays();
    edge.objects.delete(hourIndexPath(REGION, TODAY));
    expect(await edge.sync()).toMatchObject({ files: 2, errors: [] });
  });
});

describe('what is not taken from it', () => {
  const date = '2026-06-13';
  it.for([
    { name: 'a package without an ETag', kind: 'etag', path: dayPath(REGION, date), body: dayZip(date), etag: null },
    { name: 'one with two ETags', kind: 'etag', path: dayPath(REGION, date), body: dayZip(date), etag: '"a" "b"' },
    {
      name: 'another day’s package, validly signed',
      kind: 'wrong-window',
      path: dayPath(REGION, date),
      body: dayZip('2026-06-14'),
      etag: '"a"',
    },
    {
      name: 'a day’s package in the place of an hour’s',
      kind: 'wrong-window',
      path: hourPath(REGION, TODAY, 1),
      body: dayZip(TODAY),
      etag: '"a"',
    },
    {
      name: 'the first hour’s package in the place of its day’s, which begins with it',
      kind: 'wrong-window',
      path: dayPath(REGION, date),
      body: hourZip(Date.parse(date) / 1000),
      etag: '"a"',
    },
    {
      name: 'a day’s package in the place of its first hour’s',
      kind: 'wrong-window',
      path: hourPath(REGION, TODAY, 0),
      body: dayZip(TODAY),
      etag: '"a"',
    },
    { name: 'no package', kind: 'refused', path: dayPath(REGION, date), body: utf8('PK'), etag: '"a"' },
    {
      name: 'an hour list with strings',
      kind: 'bad-list',
      path: hourIndexPath(REGION, TODAY),
      body: utf8('["0"]'),
      etag: '"a"',
    },
    { name: 'an hour 24', kind: 'bad-list', path: hourIndexPath(REGION, TODAY), body: utf8('[24]'), etag: '"a"' },
    {
      name: 'a date list with a day that does not exist',
      kind: 'bad-list',
      path: dateIndexPath(REGION),
      body: utf8('["2026-02-30"]'),
      etag: '"a"',
    },
    { name: 'a list that is none', kind: 'bad-list', path: dateIndexPath(REGION), body: utf8('{}'), etag: '"a"' },
  ])('$name', async ({ kind, path, body, etag }, { expect }) => {
    const edge = edgeOfTwoDays();
    const good = edge.objects.get(path);
    edge.put(path, body, etag);
    expect(await edge.sync()).toMatchObject({ errors: [{ kind }] });
    edge.put(path, good?.body ?? []);
    expect((await edge.sync()).errors).toEqual([]);
    expect(edge.keys).toBe(4);
  });
});

describe('a phone whose clock is wrong', () => {
  it.for([
    { name: '26 h slow', hours: -26 },
    { name: '3 h slow', hours: -3 },
    { name: '5 h fast', hours: 5 },
    { name: '26 h fast', hours: 26 },
  ])('is told so by the first list, new or with all that there is: $name', async ({ hours }, { expect }) => {
    for (const isNew of [true, false]) {
      const edge = edgeOfTwoDays();
      edge.date = edge.now;
      if (!isNew) expect(await edge.sync()).toMatchObject({ files: 4, errors: [] });
      const before = await edge.store.load();
      edge.now += hours * 3600;
      const outcome = await edge.sync();
      expect(outcome).toMatchObject({ files: 0, requests: 1, errors: [{ kind: 'clock', errorSeconds: hours * 3600 }] });
      expect(await edge.store.load()).toEqual(before);
      edge.now = edge.date;
      expect((await edge.sync()).errors).toEqual([]);
      expect(edge.keys).toBe(4);
    }
  });
});

/** One that a phone has read, all of it. */
async function read(): Promise<Edge> {
  const edge = edgeOfTwoDays();
  const { errors } = await edge.sync();
  if (errors.length > 0) throw new Error('the first run failed');
  return edge;
}

describe('packages that the configuration revokes (docs/spec/gaen.md §10)', () => {
  const day = { region: REGION, date: '2026-06-13', etag: '"tag"' };
  const hour = { region: REGION, date: TODAY, hour: 1, etag: '"tag"' };
  it('are forgotten with the index read anew, and fetched again, those alone', async ({ expect }) => {
    const edge = await read();
    edge.revoked = { revokedDayPackages: [day], revokedHourPackages: [hour] };
    for (const path of [dayPath(REGION, '2026-06-13'), hourPath(REGION, TODAY, 1)]) {
      const { body } = edge.objects.get(path)!;
      edge.put(path, body, '"cut again"');
    }
    expect((await edge.sync()).errors).toEqual([]);
    expect(edge.requests).toEqual([
      dateIndexPath(REGION),
      dayPath(REGION, '2026-06-13'),
      hourIndexPath(REGION, TODAY),
      hourPath(REGION, TODAY, 1),
    ]);
    expect((await edge.sync()).requests).toBe(0);
  });

  it('are others’, where region or ETag differ, and unknown where none was kept', async ({ expect }) => {
    const edge = await read();
    edge.revoked = {
      revokedDayPackages: [
        { ...day, region: 'DE' },
        { ...day, etag: '"other"' },
      ],
      revokedHourPackages: [{ ...hour, hour: 5 }],
    };
    expect((await edge.sync()).requests).toBe(0);
    const loaded = await edge.store.load();
    if (!loaded.ok || loaded.value === null) throw new Error('no state');
    const { etags: _etags, ...old } = loaded.value;
    await edge.store.save(old);
    edge.revoked = { revokedDayPackages: [day], revokedHourPackages: [] };
    expect((await edge.sync()).requests).toBe(0);
  });

  it('of an hour leave the others of its day had, also where the day was whole', ({ expect }) => {
    const first = MIDNIGHT / 3600;
    const left = withoutHour(withDay({}, TODAY), first + 1);
    expect(isDayHad(left, TODAY)).toBe(false);
    expect([0, 1, 2, 23].map((at) => isHourHad(left, first + at))).toEqual([true, false, true, true]);
    expect(isDayHad(withHours(left, [first + 1]), TODAY)).toBe(true);
    expect(withoutDay(withDay({}, TODAY), TODAY)).toEqual({});
  });
});
