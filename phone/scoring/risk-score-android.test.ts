import { describe, it } from 'vitest';
import vectors from '../../test/vectors/gaen-scoring.json' with { type: 'json' };
import { combinedRisk, riskClassOf } from './combined-risk.ts';
import { attenuationIndex, daysIndex, durationIndex } from './levels.ts';
import {
  type AndroidExposureConfiguration,
  aggregate,
  bucketizeDuration,
  exposureSummary,
  keyExposures,
  periods,
  riskScore,
  weightedAttenuation,
} from './risk-score-android.ts';
import type { ScoredMatch, ScoredSighting } from './sighting.ts';

const v1 = vectors.scoringV1;
const LADDER = v1.ladderScores.configuration as unknown as AndroidExposureConfiguration;

const sighting = (timestamp: number, attenuation: number, interval = 0): ScoredSighting => ({
  timestamp,
  interval,
  attenuation,
  calibrationConfidence: 2,
  previousScan: 0,
});

function match(
  transmissionRiskLevel: number,
  sightings: ScoredSighting[],
  rollingStartIntervalNumber = 0,
): ScoredMatch {
  return {
    key: { rollingStartIntervalNumber, transmissionRiskLevel, reportType: 1, daysSinceOnsetOfSymptoms: 0 },
    sightings,
  };
}

describe('tables (docs/spec/gaen.md §7.2)', () => {
  const { attenuation, days, durationMinutes } = v1.bucketIndexEdges;
  it.for(attenuation as [number, number][])('%i dB takes slot %i', ([value, index], { expect }) => {
    expect(attenuationIndex(value)).toBe(index);
  });
  it.for(days as [number, number][])('%i days take slot %i', ([value, index], { expect }) => {
    expect(daysIndex(value)).toBe(index);
  });
  it.for(durationMinutes as [number, number][])('%i minutes take slot %i', ([value, index], { expect }) => {
    expect(durationIndex(value)).toBe(index);
  });
});

describe('score (docs/spec/gaen.md §7.3)', () => {
  const configuration = v1.source.configuration as unknown as AndroidExposureConfiguration;
  it.for(v1.source.cases)('$id of CWA’s worked example', ({ att, days, minutes, trl, score, rawScore }, { expect }) => {
    const input = { attenuation: att, days, minutes, transmissionRiskLevel: trl };
    expect(riskScore(configuration, input)).toBe(score);
    const unlimited = riskScore({ ...configuration, minimumRiskScore: 0 }, input);
    expect(unlimited).toBe(rawScore ?? score);
  });

  it.for(v1.ladderScores.cases)('ladder of $score', ({ score, ...input }, { expect }) => {
    expect(riskScore(LADDER, input)).toBe(score);
  });

  it('is 256 for everything by default', ({ expect }) => {
    const { configuration: defaults, any } = v1.defaultConfigScore;
    const input = { attenuation: 80, days: 3, minutes: 12, transmissionRiskLevel: 6 };
    expect(riskScore(defaults as unknown as AndroidExposureConfiguration, input)).toBe(any);
  });
});

describe('inputs (docs/spec/gaen.md §7.4)', () => {
  it.for(v1.bucketizeDurationSeconds.cases as [number, number][])(
    '%i s become %i s',
    ([between, seconds], { expect }) => {
      expect(bucketizeDuration(between)).toBe(seconds);
    },
  );

  it('weighs attenuation by time as in Android’s own example', ({ expect }) => {
    const { points, scanIntervalSeconds, numerator, denominator, result } = v1.weightedAttenuationSource;
    const all = periods(points as [number, number][], scanIntervalSeconds);
    expect(all.reduce((sum, p) => sum + p.seconds * p.attenuation, 0)).toBe(numerator);
    expect(all.reduce((sum, p) => sum + p.seconds, 0)).toBe(denominator);
    expect(weightedAttenuation(all)).toBe(result);
  });

  it('collapses one scan of one RPI to its strongest sighting', ({ expect }) => {
    const within = [sighting(0, 60), sighting(25, 50), sighting(50, 55)];
    expect(aggregate(within)).toEqual([sighting(25, 50)]);
    expect(aggregate([sighting(0, 60), sighting(26, 50)])).toHaveLength(2);
    expect(aggregate([sighting(0, 60, 1), sighting(10, 50, 2)])).toHaveLength(2);
  });
});

describe('from sightings to summary', () => {
  const { sightings, rollingStartIntervalNumber, nowUnixSeconds, transmissionRiskLevel, exposures, thresholds } =
    v1.endToEnd;
  const configuration = { ...LADDER, durationAtAttenuationThresholds: thresholds as [number, number] };
  const met = match(
    transmissionRiskLevel,
    (sightings as [number, number][]).map(([time, attenuation], n) => sighting(time, attenuation, n)),
    rollingStartIntervalNumber,
  );

  it('splits, measures and scores exposures (endToEnd)', ({ expect }) => {
    const result = keyExposures(configuration, met, nowUnixSeconds);
    expect(result.exposures).toEqual(exposures);
    expect(result.maximumRiskScore).toBe(576);
    expect(result.totalRiskScore).toBe(648);
    expect(result.attenuationDurationsSeconds).toEqual([450, 450, 300]);
  });

  it('sums keys, rounds minutes up to fives and caps them at 30', ({ expect }) => {
    expect(exposureSummary(configuration, [met, met, met, met], nowUnixSeconds)).toEqual({
      daysSinceLastExposure: 5,
      matchedKeyCount: 4,
      maximumRiskScore: 576,
      summationRiskScore: 4 * 648,
      attenuationDurationsMinutes: [30, 30, 20],
    });
    expect(exposureSummary(configuration, [met], nowUnixSeconds).attenuationDurationsMinutes).toEqual([10, 10, 5]);
  });

  it('of no match says nothing', ({ expect }) => {
    expect(exposureSummary(configuration, [], nowUnixSeconds)).toMatchObject({
      daysSinceLastExposure: null,
      matchedKeyCount: 0,
      maximumRiskScore: 0,
    });
  });
});

describe('CWA’s first app (docs/spec/gaen.md §7.6)', () => {
  const classes = [
    { label: 'LOW', min: 0, max: v1.source.notifyAtMinutes, url: 'https://example.org/low' },
    { label: 'HIGH', min: v1.source.notifyAtMinutes, max: 9999, url: 'https://example.org/high' },
  ];

  it.for(v1.source.combinedMinutes)('after the $afterDay of the worked example', (example, { expect }) => {
    const parameters = {
      weights: example.weights,
      defaultBucketOffset: 0,
      riskScoreNormalizationDivisor: example.divisor,
      riskClasses: classes,
    };
    const risk = combinedRisk(parameters, {
      attenuationDurationsMinutes: [example.minutesBelow55, example.minutes55to63, 0],
      maximumRiskScore: example.maxRiskScore,
    });
    expect(risk).toBe(example.result);
    expect(riskClassOf(classes, risk).label).toBe('HIGH');
  });

  it('classes begin at their minimum', ({ expect }) => {
    expect([0, 14.99, 15, 10_000].map((score) => riskClassOf(classes, score).label)).toEqual([
      'LOW',
      'LOW',
      'HIGH',
      'HIGH',
    ]);
    expect(() => riskClassOf([], 1)).toThrow('riskClasses');
  });
});
