import { describe, it } from 'vitest';
import defaults from '../../parameters/default.json' with { type: 'json' };
import { parametersSchema } from '../../protocol/parameters/document.ts';
import { assessRisk } from './assess.ts';
import { REPORT_TYPE } from '../../protocol/gaen/keys.ts';
import { ExposureHistory } from '../matching/history.ts';
import { heardOf } from '../testing/heard.ts';
import { testKey } from '../testing/keys.ts';
import { testRandom } from '../testing/random.ts';
import type { ScoredMatch } from './sighting.ts';

const PARAMETERS = parametersSchema.parse(defaults);
const NOW = 20_600 * 86_400 + 60_000;

/** Half an hour at one attenuation, some days ago; level 8 travels as report type 1, onset 2 (docs/spec/gaen.md §11). */
function met(daysAgo: number, attenuation: number): ScoredMatch {
  const start = (20_600 - daysAgo) * 86_400;
  return {
    key: {
      rollingStartIntervalNumber: start / 600,
      transmissionRiskLevel: 8,
      reportType: 1,
      daysSinceOnsetOfSymptoms: 2,
    },
    sightings: Array.from({ length: 6 }, (_, n) => ({
      timestamp: start + 40_000 + n * 300,
      interval: Math.floor((start + 40_000 + n * 300) / 600),
      attenuation,
      calibrationConfidence: 3,
      previousScan: start + 39_700 + n * 300,
    })),
  };
}

describe('all models at once', () => {
  it('agree on half an hour at 50 dB, two days ago', ({ expect }) => {
    const { v1, v2, cwa, weightedSum } = assessRisk(PARAMETERS, [met(2, 50)], NOW);
    expect(v1.android).toMatchObject({ matchedKeyCount: 1, maximumRiskScore: 80, daysSinceLastExposure: 2 });
    expect(v1.ios.matchedKeyCount).toBe(1);
    expect([v1.combinedMinutes, v1.riskClass]).toEqual([48, 'HIGH']);
    expect(v2).toEqual({ highestDayMinutes: 30, days: 1 });
    expect(cwa.totalRiskLevel).toBe(2);
    expect(weightedSum).toMatchObject({ riskLevel: 'high', alert: true });
  });

  it('take the highest of several exposures, and differ on a distant one', ({ expect }) => {
    const near = assessRisk(PARAMETERS, [met(2, 50)], NOW).weightedSum!.total;
    expect(assessRisk(PARAMETERS, [met(9, 85), met(2, 50)], NOW).weightedSum?.total).toBe(near);
    const far = assessRisk(PARAMETERS, [met(2, 85)], NOW);
    expect([far.cwa.totalRiskLevel, far.cwa.days, far.v1.riskClass]).toEqual([1, [], 'LOW']);
  });

  it('of no match say LOW and nothing', ({ expect }) => {
    const nothing = assessRisk(PARAMETERS, [], NOW);
    expect([nothing.cwa.totalRiskLevel, nothing.v2.days, nothing.weightedSum]).toEqual([1, 0, null]);
  });

  it('count nothing that was heard more than 14 days ago, though it was stored, and all that is younger', ({
    expect,
  }) => {
    const [nothing, recent] = [[], [met(2, 50)]].map((matches) => assessRisk(PARAMETERS, matches, NOW));
    expect(assessRisk(PARAMETERS, [met(15, 50)], NOW)).toEqual(nothing);
    expect(assessRisk(PARAMETERS, [met(15, 50), met(40, 50), met(2, 50)], NOW)).toEqual(recent);
    const first = met(1, 50).sightings[0]!.timestamp + 86_400;
    const exactly = (seconds: number) => assessRisk(PARAMETERS, [met(0, 50)], first + 14 * 86_400 + seconds);
    expect(exactly(0).v1.android.attenuationDurationsMinutes).toEqual([30, 0, 0]);
    // One scan of six is a second too old.
    expect(exactly(1).v1.android.matchedKeyCount).toBe(1);
    expect(exactly(1).v2.highestDayMinutes).toBe(exactly(0).v2.highestDayMinutes - 5);
    expect(exactly(1500).v1).toMatchObject({ android: { matchedKeyCount: 1 }, ios: { matchedKeyCount: 1 } });
    expect(exactly(1501)).toMatchObject({
      v1: { riskClass: nothing?.v1.riskClass },
      v2: { days: 0 },
      weightedSum: null,
    });
  });
});

describe('a key that is revoked after it was met (docs/spec/gaen.md §6.4)', () => {
  const { CONFIRMED_TEST, CONFIRMED_CLINICAL_DIAGNOSIS, SELF_REPORT, REVOKED } = REPORT_TYPE;
  const start = (20_600 - 2) * 144;
  const random = testRandom('revoked');
  const key = testKey(random, {
    rollingStartIntervalNumber: start,
    transmissionRiskLevel: 8,
    daysSinceOnsetOfSymptoms: 2,
  });
  const heard = Array.from({ length: 6 }, (_, n) => ({
    ...heardOf(key, 60),
    timestamp: (start + 60) * 600 + n * 300,
    rssi: -42,
    previousScan: (start + 60) * 600 + n * 300 - 300,
  }));

  it.for([
    { type: CONFIRMED_TEST, android: 'keeps', ours: 'takes back' },
    { type: CONFIRMED_CLINICAL_DIAGNOSIS, android: 'takes back', ours: 'takes back' },
    { type: SELF_REPORT, android: 'takes back', ours: 'takes back' },
  ])(
    'of report type $type: Android $android it in every model, our phone $ours it',
    ({ type, android }, { expect }) => {
      const assessed = (revokeConfirmed: boolean) => {
        const history = new ExposureHistory({ now: NOW }, { revokeConfirmed });
        history.provide([{ ...key, reportType: type }], [], heard);
        const before = assessRisk(PARAMETERS, history.matches(), NOW);
        history.provide([], [{ ...key, reportType: REVOKED }], heard);
        return [before, assessRisk(PARAMETERS, history.matches(), NOW)] as const;
      };
      const nothing = assessRisk(PARAMETERS, [], NOW);
      const [before, after] = assessed(false);
      expect(before.v1.android.matchedKeyCount).toBe(1);
      expect(before.v2.days).toBe(1);
      expect(after).toEqual(android === 'keeps' ? before : nothing);
      expect(assessed(true)[1]).toEqual(nothing);
    },
  );
});
