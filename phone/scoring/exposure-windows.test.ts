import { describe, it } from 'vitest';
import vectors from '../../test/vectors/gaen-scoring.json' with { type: 'json' };
import type { ReportType } from '../../protocol/gaen/keys.ts';
import type { DailySummariesConfig } from '../../protocol/parameters/exposure-window-mode.ts';
import { dailySummaries, exposureRiskValue, fromIos, windowScore } from './daily-summaries.ts';
import {
  type ExposureWindow,
  UNSET_MAPPING,
  buildWindows,
  exposureWindows,
  infectiousnessOf,
} from './exposure-windows.ts';
import type { ScoredMatch, ScoredSighting } from './sighting.ts';

const v2 = vectors.scoringV2;

const sighting = (timestamp: number, attenuation = 50, previousScan = 0): ScoredSighting => ({
  timestamp,
  interval: Math.floor(timestamp / 600),
  attenuation,
  calibrationConfidence: 2,
  previousScan,
});

const match = (reportType: ReportType, daysSinceOnsetOfSymptoms: number): ScoredMatch => ({
  key: { rollingStartIntervalNumber: 0, transmissionRiskLevel: 1, reportType, daysSinceOnsetOfSymptoms },
  sightings: [sighting(1000)],
});

describe('windows (docs/spec/gaen.md §8.1)', () => {
  it('are those of the vector', ({ expect }) => {
    const sightings = v2.exposureWindows.sightings as [number, number, number][];
    expect(buildWindows(sightings.map((tuple) => sighting(...tuple)))).toEqual(v2.exposureWindows.windows);
  });

  const counts = (...times: number[]): number[] =>
    buildWindows(times.map((time) => sighting(time))).map((window) => window.scanInstances.length);

  it('are cut at exactly 1800 s', ({ expect }) => {
    expect(counts(0, 1799)).toEqual([2]);
    expect(counts(0, 1800)).toEqual([1, 1]);
  });

  it('merge sightings 25 s apart into a scan, not 26 s', ({ expect }) => {
    expect(counts(0, 25, 50)).toEqual([1]);
    expect(counts(0, 26)).toEqual([2]);
  });

  it('open a scan with each window, however close the sighting before', ({ expect }) => {
    expect(counts(0, 1790, 1800)).toEqual([2, 1]);
  });

  it('say the UTC day of their start, and seconds in whole minutes up to 300', ({ expect }) => {
    const [window] = buildWindows([sighting(86_400 + 3_661, 50, 86_400 + 3_500)]);
    expect(window?.dateMillisSinceEpoch).toBe(86_400_000);
    expect(window?.scanInstances[0]?.secondsSinceLastScan).toBe(180);
    expect(buildWindows([sighting(9_000, 50, 8_000)])[0]?.scanInstances[0]?.secondsSinceLastScan).toBe(300);
  });
});

describe('what an app gets (docs/spec/gaen.md §8.2)', () => {
  const mapping = {
    daysSinceOnsetToInfectiousness: Array.from({ length: 29 }, (_, n) => (n === 14 ? 2 : n === 13 ? 1 : 0)),
    infectiousnessWhenDaysSinceOnsetMissing: 1,
    reportTypeWhenMissing: 3,
  } as const;

  it('maps onset and missing onset to infectiousness', ({ expect }) => {
    expect([-15, -14, -1, 0, 14, 15, 2_147_483_647].map((d) => infectiousnessOf(mapping, d))).toEqual([
      1, 0, 1, 2, 0, 1, 1,
    ]);
  });

  it('fills a missing report type, drops REVOKED, RECURSIVE and infectiousness NONE', ({ expect }) => {
    const matches = [match(0, 0), match(1, -1), match(5, 0), match(4, 0), match(2, 5)];
    expect(exposureWindows(matches, mapping, null).map((w) => [w.reportType, w.infectiousness])).toEqual([
      [3, 2],
      [1, 1],
    ]);
  });

  it('is all STANDARD while nothing is set', ({ expect }) => {
    const [window] = exposureWindows([match(0, 0)], UNSET_MAPPING, null);
    expect(window).toMatchObject({ reportType: 1, infectiousness: 1 });
  });

  it('comes shuffled, with nothing lost', ({ expect }) => {
    const matches = [1, 2, 3].map((n): ScoredMatch => ({ ...match(1, 0), sightings: [sighting(n * 86_400)] }));
    const dates = exposureWindows(matches, mapping, () => 0).map((w) => w.dateMillisSinceEpoch / 86_400_000);
    expect(dates).toEqual([2, 3, 1]);
  });
});

describe('daily summaries (docs/spec/gaen.md §9)', () => {
  const [first, second, third, fourth] = v2.dailySummaries;
  const cases = [first!, second!, third!, { ...fourth!, windows: third!.windows }].map((example, n) => ({
    name: `vector ${n}`,
    ...example,
  }));

  it.for(cases)('$name', ({ config, windows, summaries }, { expect }) => {
    const result = dailySummaries(config as unknown as DailySummariesConfig, windows as ExposureWindow[], 18_400);
    expect(result).toEqual(summaries);
  });

  const config = first!.config as unknown as DailySummariesConfig;
  const window = (second!.windows as ExposureWindow[])[0]!;

  it('keeps a day whose windows are all below the minimum, with zeros', ({ expect }) => {
    const zero = { maximumScore: 0, scoreSum: 0, weightedDurationSum: 0 };
    expect(dailySummaries({ ...config, minimumWindowScore: 1e6 }, [window], 18_354)).toEqual([
      { daysSinceEpoch: 18_354, summary: zero, byReportType: {} },
    ]);
  });

  it('leaves out days older than the threshold', ({ expect }) => {
    const limited = { ...config, daysSinceExposureThreshold: 3 };
    expect(dailySummaries(limited, [window], 18_357)).toHaveLength(1);
    expect(dailySummaries(limited, [window], 18_358)).toHaveLength(0);
  });

  it('gives Apple’s worked example of 45 minutes, with iOS’s per cent', ({ expect }) => {
    const minutes = (typicalAttenuationDb: number, count: number) => ({
      typicalAttenuationDb,
      minAttenuationDb: typicalAttenuationDb,
      secondsSinceLastScan: count * 60,
    });
    const ios = fromIos({
      infectiousnessForDaysSinceOnsetOfSymptoms: UNSET_MAPPING.daysSinceOnsetToInfectiousness,
      infectiousnessWhenDaysSinceOnsetMissing: 1,
      reportTypeNoneMap: 0,
      attenuationDurationThresholds: [30, 50, 70],
      immediateDurationWeight: 150,
      nearDurationWeight: 100,
      mediumDurationWeight: 50,
      otherDurationWeight: 0,
      daysSinceLastExposureThreshold: 0,
      infectiousnessStandardWeight: 100,
      infectiousnessHighWeight: 200,
      reportTypeConfirmedTestWeight: 100,
      reportTypeConfirmedClinicalDiagnosisWeight: 100,
      reportTypeSelfReportedWeight: 100,
      reportTypeRecursiveWeight: 0,
    });
    const score = windowScore(ios, {
      ...window,
      infectiousness: 2,
      reportType: 1,
      scanInstances: [minutes(30, 5), minutes(50, 10), minutes(70, 10), minutes(71, 5)],
    });
    expect(score).toBe(v2.appleErv.expectedSeconds);
    expect(exposureRiskValue(score)).toBe(v2.appleErv.expectedMinutes);
  });
});
