import { describe } from 'vitest';
import parameters from '../parameters/default.json' with { type: 'json' };
import { type Parameters, parseParameters } from '../protocol/parameters/document.ts';
import { findings, interval, quantile } from './findings.ts';
import { DEFAULTS, type SimulationOptions } from './options.ts';
import { asCsv, asMarkdown, asSvg, asTable } from './output.ts';
import { simulate } from './simulation.ts';
import { MODELS } from './warnings.ts';
import { describeLong, itLong, itUsual as it } from '../test/support/longer.ts';

const parsed = parseParameters(parameters);
if (!parsed.ok) throw new Error('parameters/default.json must be valid');
const DOCUMENT: Parameters = parsed.value;
const OPTIONS: SimulationOptions = { ...DEFAULTS, phones: 300, days: 4, incidence: 800, sample: 0, seed: 3 };

const outcome = async (options: SimulationOptions, document = DOCUMENT) => findings(await simulate(options, document));
const first = await outcome(OPTIONS);

describe('a run', () => {
  it('is a function of its options: same seed, same result to the byte; another seed, another one', async ({
    expect,
  }) => {
    const again = await outcome(OPTIONS);
    expect(JSON.stringify(again)).toBe(JSON.stringify(first));
    expect([asTable(again), asCsv(again), asSvg(again)]).toEqual([asTable(first), asCsv(first), asSvg(first)]);
    expect(JSON.stringify(await outcome({ ...OPTIONS, seed: 4 }))).not.toBe(JSON.stringify(first));
  });

  it('warns most of those whose contact shared the key, and only some of all', ({ expect }) => {
    expect(first.reachableOwners).toBeGreaterThan(20);
    for (const model of MODELS) {
      const { sensitivity, sensitivityOfOwners, sensitivityOfPeople } = first.models[model];
      expect(sensitivity.count / sensitivity.of).toBeGreaterThan(0.8);
      expect(sensitivityOfOwners.count / sensitivityOfOwners.of).toBeLessThan(0.9);
      expect(sensitivityOfPeople.count).toBe(sensitivityOfOwners.count);
      expect(sensitivityOfPeople.of).toBeGreaterThan(sensitivityOfOwners.of);
    }
  });

  it('sums over days to what it says of the whole', ({ expect }) => {
    for (const model of MODELS) {
      expect(first.days.reduce((sum, { warned }) => sum + warned[model], 0)).toBe(first.models[model].warned);
      const falsely = first.days.reduce((sum, { falselyWarned }) => sum + falselyWarned[model], 0);
      expect(falsely).toBe(first.models[model].falseAlarms.count);
      expect(first.models[model].falseAlarms.of).toBe(first.models[model].warned);
      const byPlace = Object.values(first.places).reduce((sum, place) => sum + place.falselyWarned[model], 0);
      expect(byPlace).toBe(falsely);
    }
  });

  it('warns nobody when nobody shares, when detection is off, or when nobody falls ill', async ({ expect }) => {
    const off = {
      ...DOCUMENT,
      exposureDetection: { ...DOCUMENT.exposureDetection, maxExposureDetectionsPerInterval: 0 },
    };
    for (const found of [
      await outcome({ ...OPTIONS, sharing: 0 }),
      await outcome(OPTIONS, off),
      await outcome({ ...OPTIONS, incidence: 0 }),
    ]) {
      expect(MODELS.map((model) => found.models[model].warned)).toEqual([0, 0, 0, 0]);
    }
  });

  it('a slower laboratory delays warnings by about as much', async ({ expect }) => {
    const slow = await outcome({ ...OPTIONS, testDelay: 72 });
    const gained = slow.models.cwa.delayHours!.median - first.models.cwa.delayHours!.median;
    expect(gained).toBeGreaterThan(24);
    expect(gained).toBeLessThan(72);
  });

  it('with more attenuation at 2 m finds fewer false contacts', async ({ expect }) => {
    const deaf = await outcome({ ...OPTIONS, referenceDb: 65 });
    expect(deaf.models.cwa.falseAlarms.count).toBeLessThan(first.models.cwa.falseAlarms.count);
  });
});

describeLong('the sample in full', () => {
  itLong('downloads, stores and matches everything, and finds exactly what the short way found', async ({ expect }) => {
    const found = await outcome({ ...OPTIONS, phones: 150, days: 3, sample: 4 });
    expect(found.sample.map(({ agrees }) => agrees)).toEqual([true, true, true, true]);
    expect(found.sample.map(({ platform }) => platform)).toEqual(['android', 'ios', 'android', 'ios']);
    expect(found.sample.filter(({ matchedKeys }) => matchedKeys > 0).length).toBeGreaterThanOrEqual(2);
    for (const platform of ['android', 'ios'] as const) {
      const bytes = found.bytes[platform]!;
      expect(bytes.total).toBeCloseTo(bytes.head + bytes.pages + bytes.chunks, 6);
      // A head is over 1 KB, and a key takes more than its 16 random bytes.
      expect(bytes.head).toBeGreaterThan(1_000 * bytes.downloads);
      expect(bytes.chunks).toBeGreaterThan(16 * 140);
    }
    expect(asMarkdown(found)).toContain('4 of 4 phones found the same matches');
  });
});

describe('what is printed', () => {
  it('CSV: a line a day, as many columns everywhere', ({ expect }) => {
    const lines = asCsv(first).trimEnd().split('\r\n');
    expect(lines).toHaveLength(first.days.length + 1);
    expect(new Set(lines.map((line) => line.split(',').length))).toEqual(new Set([5 + 2 * MODELS.length]));
    expect(lines[1]).toMatch(/^0,\d+,/);
  });

  it('SVG: four charts, no number that is none', ({ expect }) => {
    const svg = asSvg(first);
    expect(svg.match(/<g transform/g)).toHaveLength(4);
    expect(svg).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('a run without cases prints dashes and a chart that says so', async ({ expect }) => {
    const none = await outcome({ ...OPTIONS, incidence: 0 });
    expect(asTable(none)).toContain('–');
    expect(asSvg(none)).toContain('nothing was measured');
    expect(asSvg(none)).not.toMatch(/NaN|Infinity/);
  });

  it('quantiles by nearest rank, intervals by Wilson', ({ expect }) => {
    expect([0.1, 0.5, 0.9].map((share) => quantile([1, 2, 3, 4], share))).toEqual([1, 2, 4]);
    const { low, high } = interval({ count: 8, of: 10 });
    expect(low).toBeCloseTo(0.49, 2);
    expect(high).toBeCloseTo(0.943, 2);
  });
});
