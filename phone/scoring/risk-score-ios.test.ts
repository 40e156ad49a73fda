import { describe, it } from 'vitest';
import type { ExposureConfiguration } from '../../protocol/parameters/exposure-configuration.ts';
import { iosExposure, iosExposureSummary, mergeScans } from './risk-score-ios.ts';
import { riskScore } from './risk-score-android.ts';
import type { ScoredMatch, ScoredSighting } from './sighting.ts';

const CONFIGURATION: ExposureConfiguration = {
  minimumRiskScore: 1,
  minimumRiskScoreFullRange: 0,
  attenuationScores: [0, 2, 3, 4, 5, 6, 7, 8],
  attenuationWeight: 1,
  daysSinceLastExposureScores: [1, 2, 3, 4, 5, 6, 7, 8],
  daysSinceLastExposureWeight: 1,
  durationScores: [1, 2, 3, 4, 5, 6, 7, 8],
  durationWeight: 1,
  transmissionRiskScores: [1, 2, 3, 4, 5, 6, 7, 8],
  transmissionRiskWeight: 1,
  durationAtAttenuationThresholds: [50, 70],
};
const NOON = 20_000 * 86_400 + 43_200;

const heard = (at: number, attenuation: number, previousScan = NOON + at - 300): ScoredSighting => ({
  timestamp: NOON + at,
  interval: 0,
  attenuation,
  calibrationConfidence: 0,
  previousScan,
});
const met = (transmissionRiskLevel: number, ...sightings: ScoredSighting[]): ScoredMatch => ({
  key: { rollingStartIntervalNumber: 0, transmissionRiskLevel, reportType: 1, daysSinceOnsetOfSymptoms: 0 },
  sightings,
});

describe('scans (docs/spec/gaen.md §6.2, §7.5)', () => {
  it('merge within 4 s to their mean and cut overlapping intervals', ({ expect }) => {
    const scans = mergeScans([heard(0, 40), heard(4, 50), heard(200, 60), heard(600, 80, 0)]);
    expect(scans).toEqual([
      { attenuation: 45, seconds: 300 },
      { attenuation: 60, seconds: 200 },
      { attenuation: 80, seconds: 120 },
    ]);
  });
});

describe('score (docs/spec/gaen.md §7.3, §7.5)', () => {
  it('takes the mean of level values; values of 0 leave the divisor', ({ expect }) => {
    // 40 dB has value 4, 60 dB value 3, 80 dB value 0.
    const scans = [heard(0, 40), heard(300, 60), heard(600, 80), heard(900, 80)];
    expect(iosExposure(CONFIGURATION, met(0, ...scans), NOON)).toMatchObject({
      attenuationLevel: 4,
      durationSeconds: 1200,
      fullRangeScore: 4 * 8 * 5 * 1,
      attenuationDurationsSeconds: [300, 300, 600],
    });
    expect(iosExposure(CONFIGURATION, met(0, heard(0, 80)), NOON).attenuationLevel).toBe(0);
  });

  it('is one slot off Android’s in the transmission risk level', ({ expect }) => {
    const android = (level: number): number =>
      riskScore(CONFIGURATION, { attenuation: 40, days: 0, minutes: 5, transmissionRiskLevel: level });
    const ios = (level: number): number => iosExposure(CONFIGURATION, met(level, heard(0, 40)), NOON).fullRangeScore;
    expect([0, 1, 4, 7, 8].map(ios)).toEqual([64, 128, 320, 512, 512]);
    expect([0, 1, 4, 7, 8].map(android)).toEqual([64, 64, 256, 448, 512]);
  });

  it('multiplies weights in', ({ expect }) => {
    const weighted = { ...CONFIGURATION, attenuationWeight: 2, durationWeight: 0.5, transmissionRiskWeight: 10 };
    expect(iosExposure(weighted, met(0, heard(0, 40)), NOON).fullRangeScore).toBe(640);
  });

  it('time at a threshold is in the nearer bucket', ({ expect }) => {
    const exposure = iosExposure(CONFIGURATION, met(1, heard(0, 50), heard(300, 70), heard(600, 71)), NOON);
    expect(exposure.attenuationDurationsSeconds).toEqual([300, 300, 300]);
  });
});

describe('summary', () => {
  const low = met(0, heard(0, 70));
  const high = met(7, heard(0, 40));

  it('leaves out what is under either minimum, but counts it as a match', ({ expect }) => {
    const limited = { ...CONFIGURATION, minimumRiskScoreFullRange: 300 };
    expect(iosExposureSummary(limited, [low, high], NOON + 3 * 86_400)).toEqual({
      daysSinceLastExposure: 3,
      matchedKeyCount: 2,
      maximumRiskScore: 4 * 7 * 2 * 8,
      summationRiskScore: 4 * 7 * 2 * 8,
      attenuationDurationsMinutes: [5, 0, 0],
    });
    expect(iosExposure({ ...CONFIGURATION, minimumRiskScore: 33 }, low, NOON).excluded).toBe(true);
    expect(iosExposure({ ...CONFIGURATION, minimumRiskScore: 32 }, low, NOON).excluded).toBe(false);
    // iOS compares scores of one byte, so a minimum above 255 can't exclude what reaches 255.
    expect(iosExposure({ ...CONFIGURATION, minimumRiskScore: 300 }, high, NOON).excluded).toBe(false);
  });

  it('rounds minutes up and caps them at 30', ({ expect }) => {
    const long = met(7, ...Array.from({ length: 8 }, (_, n) => heard(n * 290, 40)));
    const { attenuationDurationsMinutes } = iosExposureSummary(CONFIGURATION, [long], NOON);
    expect(attenuationDurationsMinutes).toEqual([30, 0, 0]);
    expect(
      iosExposureSummary(CONFIGURATION, [met(7, heard(0, 40, NOON - 61))], NOON).attenuationDurationsMinutes,
    ).toEqual([2, 0, 0]);
    expect(iosExposureSummary(CONFIGURATION, [], NOON).daysSinceLastExposure).toBeNull();
  });
});
