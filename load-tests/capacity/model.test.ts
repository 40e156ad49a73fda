import { describe, it } from 'vitest';
import targets from '../targets.json' with { type: 'json' };
import { enterprise, type Measured, ours, SEED, VUKOLIC } from './assumptions.ts';
import { monthlyBill, SERVING } from './bill.ts';
import { capacity } from './model.ts';
import { asCsv, asSvg, asTable } from './output.ts';

/** Round figures, so that a test can be checked by hand. */
const MEASURED: Measured = {
  date: '2026-11-25',
  machine: 'none: figures of this test',
  views: {
    manifest: { bytesPerKey: 18, bytesPerSession: 4_000, bytesPerFile: 500, bytesPerDayIndex: 3_000 },
    cwa: { bytesPerKey: 18, bytesPerSession: 4_000, bytesPerFile: 500, bytesPerDayIndex: 1_000 },
  },
  indexCpuMilliseconds: 0.2,
  uploadCpuMilliseconds: 1.5,
  dummyCpuMilliseconds: 0.3,
  questionCpuMilliseconds: 0.2,
  bytesPerUnchangedPoll: 3_000,
  bytesPerCoverAction: 12_000,
};

describe("the Corona-Warn-App's estimate (CWA solution architecture, Bandwidth estimations)", () => {
  const c = capacity(SEED);

  it('14 keys are 392 bytes', ({ expect }) => {
    expect(c.bytesPerCase).toBeCloseTo(392, 9);
  });

  it('a client gets approximately 1.5 MB a day', ({ expect }) => {
    expect(c.bytesPerPhone).toBeCloseTo(1_568_000, 3);
    expect((c.bytesPerPhone / 2 ** 20).toFixed(1)).toBe('1.5');
  });

  it('30 million clients: 42.8 TiB, which is 47.0 TB', ({ expect }) => {
    expect((c.bytesPerDay / 2 ** 40).toFixed(1)).toBe('42.8');
    expect((c.bytesPerDay / 1e12).toFixed(1)).toBe('47.0');
  });

  it('720 million requests a day, 8,333 a second', ({ expect }) => {
    expect(c.requestsPerDay).toBe(720_000_000);
    expect(Math.round(c.sessionsPerSecond)).toBe(targets.rates.phones30Million.sessionsPerSecond);
    expect(Math.round(c.requestsPerSecond)).toBe(8_333);
  });

  it('60 million clients: 16,667 sessions a second', ({ expect }) => {
    const sixty = capacity({ ...SEED, phones: 60_000_000 });
    expect(Math.round(sixty.sessionsPerSecond)).toBe(targets.rates.phones60Million.sessionsPerSecond);
  });
});

describe("Vukolić's estimate (arXiv:2006.13087, §3.6)", () => {
  it('all keys of the world are 44.8 MB a user and day', ({ expect }) => {
    expect(capacity(VUKOLIC).bytesPerPhone).toBe(44_800_000);
  });

  it('330 million users: 14.8 PB a day and 1.37 Tbit/s, which he rounds up to 16 and 1.6', ({ expect }) => {
    const c = capacity(VUKOLIC);
    expect((c.bytesPerDay / 1e15).toFixed(1)).toBe('14.8');
    expect((c.bitsPerSecond / 1e12).toFixed(2)).toBe('1.37');
  });

  it('300 regions and 8 billion users: the same bytes a user, 358 PB a day', ({ expect }) => {
    const world = capacity({ ...VUKOLIC, phones: 8e9, regions: 300 });
    expect(world.bytesPerPhone).toBe(44_800_000);
    expect((world.bytesPerDay / 1e15).toFixed(0)).toBe('358');
  });
});

describe('our own view', () => {
  it('adds up the parts of a phone and day', ({ expect }) => {
    const a = { ...ours(MEASURED, 'manifest', 'hourly'), retryShare: 0 };
    expect(capacity(a).bytesPerPhone).toBeCloseTo(28_000 * 18 + 24 * 4_000 + 24 * 500 + 3_000, 6);
  });

  it("CWA's tree carries 600,000 keys a day and says what it left out", ({ expect }) => {
    const c = capacity({ ...ours(MEASURED, 'cwa', 'daily'), casesPerDay: 200_000 });
    expect(c.keysLeftOut).toBe(2_800_000 - 600_000);
  });

  it("CWA's hourly phones fetch every key twice: in its hour and in its day", ({ expect }) => {
    const daily = capacity({
      ...ours(MEASURED, 'cwa', 'daily'),
      bytesPerSession: 0,
      bytesPerFile: 0,
      bytesPerDayIndex: 0,
    });
    const hourly = capacity({
      ...ours(MEASURED, 'cwa', 'hourly'),
      bytesPerSession: 0,
      bytesPerFile: 0,
      bytesPerDayIndex: 0,
    });
    expect(hourly.bytesPerPhone).toBeCloseTo(2 * daily.bytesPerPhone, 6);
    expect(hourly.requestsPerSession * 24).toBe(24 + 25 + 1);
  });

  it('the bucket is read no more often when phones are ten times as many', ({ expect }) => {
    const a = ours(MEASURED, 'manifest', 'hourly');
    const few = capacity(a);
    const many = capacity({ ...a, phones: a.phones * 10 });
    expect(many.bucketReadsPerDay).toBe(few.bucketReadsPerDay);
    expect(many.offload).toBeGreaterThan(0.99999);
  });

  it('a flash crowd raises the peak and nothing else', ({ expect }) => {
    const a = ours(MEASURED, 'manifest', 'hourly');
    const peak = capacity({ ...a, peakFactor: 60 });
    expect(peak.sessionsPerSecondPeak).toBeCloseTo(capacity(a).sessionsPerSecond * 60, 6);
    expect(peak.bytesPerDay).toBe(capacity(a).bytesPerDay);
  });

  it('refuses what is no number, by name', ({ expect }) => {
    expect(() => capacity({ ...SEED, phones: -1 })).toThrow(/phones is -1/);
    expect(() => capacity({ ...SEED, casesPerDay: Number.NaN })).toThrow(/casesPerDay is NaN/);
  });
});

describe('an enterprise of 36 sites (arXiv:2006.13087, §2.3)', () => {
  const a = {
    ...enterprise(MEASURED),
    retryShare: 0,
    bytesPerPeerPoll: 5_000,
    bytesPerPeerBatch: 900,
    keysSetAsidePerHour: 20,
  };
  const c = capacity(a);

  it('has two million phones, each of which gets every key, and the decoys of small hours', ({ expect }) => {
    // 200 cases are 200 hours of some site, each filled to 140 keys, beside which 20 are set aside.
    expect([c.keysPerDay, c.paddingPerDay]).toEqual([2_800, 25_200 + 4_000]);
    expect(c.bytesPerPhone).toBeCloseTo(32_000 * 18 + 24 * 4_000 + 24 * 500 + 3_000, 6);
    expect(c.keysLeftOut).toBe(0);
  });

  it('asks each of 35 others each hour, and fetches what each of their hours holds once', ({ expect }) => {
    const hours = 200 / 36;
    expect(c.feedRequestsPerDay).toBeCloseTo(36 * 35 * (24 + hours), 6);
    expect(c.feedBytesPerDay).toBeCloseTo(36 * 35 * (24 * 5_000 + hours * 900) + 35 * 32_000 * 18, 3);
  });

  it('fills no hour that is full, and no more than all hours; sets aside in each', ({ expect }) => {
    expect(capacity({ ...a, casesPerDay: 36 * 24 * 10 }).paddingPerDay).toBe(36 * 24 * 20);
    expect(capacity({ ...a, casesPerDay: 36 * 24 * 2 }).paddingPerDay).toBe(36 * 24 * (140 - 28 + 20));
  });

  it('costs one that stands alone nothing', ({ expect }) => {
    const alone = capacity(ours(MEASURED, 'manifest', 'hourly'));
    expect([alone.paddingPerDay, alone.feedRequestsPerDay, alone.feedBytesPerDay]).toEqual([0, 0, 0]);
  });
});

describe('the bill', () => {
  const a = { ...ours(MEASURED, 'manifest', 'hourly'), retryShare: 0 };
  const bill = (serving: (typeof SERVING)[number]) => monthlyBill(serving, a, capacity(a), targets.prices);

  it('22 billion requests a month through Workers Cache cost about 6,600 dollars (docs/spec/platform.md §1.4)', ({
    expect,
  }) => {
    // 8,500 sessions/s of one request: the day of CWA's estimate for 30.6 million phones.
    const one = { ...SEED, phones: 8_500 * 3_600, decoysPerReal: 0 };
    const month = monthlyBill('workers-cache', one, capacity(one), targets.prices);
    expect(month.requests).toBeGreaterThan(6_550);
    expect(month.requests).toBeLessThan(6_650);
  });

  it('the cheapest is the R2 custom domain, the dearest a cloud without CDN', ({ expect }) => {
    const totals = SERVING.map((serving) => bill(serving).total);
    expect(Math.min(...totals)).toBe(bill('r2-custom-domain').total);
    expect(Math.max(...totals)).toBe(bill('cloud-egress').total);
  });

  it('hits of Workers Cache run nothing: only misses cost CPU and reads', ({ expect }) => {
    expect(bill('workers-cache').requests).toBe(bill('worker').requests);
    expect(bill('workers-cache').cpu).toBeLessThan(bill('worker').cpu / 1_000);
    expect(bill('workers-cache').bucketOperations).toBeLessThan(bill('worker').bucketOperations / 1_000);
  });

  it('is the sum of its parts', ({ expect }) => {
    for (const serving of SERVING) {
      const { total, requests, cpu, bucketOperations, storage, egress, durableObjects } = bill(serving);
      expect(total).toBeCloseTo(requests + cpu + bucketOperations + storage + egress + durableObjects, 6);
    }
  });
});

describe('what is printed', () => {
  it("names the figures of CWA's estimate", ({ expect }) => {
    const table = asTable(SEED, targets.prices);
    for (const figure of ['8,333', '720,000,000', '42.78 TiB', '47.04', '1.568', '392 bytes for 14 keys']) {
      expect(table).toContain(figure);
    }
  });

  it('CSV has as many fields in each line as in its head', ({ expect }) => {
    const lines = asCsv(SEED, targets.prices).trimEnd().split('\r\n');
    const fields = lines.map((line) => line.split(',').length);
    expect(lines.length).toBeGreaterThan(40);
    expect(new Set(fields).size).toBe(1);
  });

  it('SVG draws four charts without a broken coordinate', ({ expect }) => {
    const svg = asSvg(SEED, targets.prices);
    expect(svg.match(/<svg /g)).toHaveLength(5);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });
});
