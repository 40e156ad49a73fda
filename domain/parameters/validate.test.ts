import { describe, it } from 'vitest';
import defaults from '../../parameters/default.json' with { type: 'json' };
import type { Parameters } from '../../protocol/parameters/document.ts';
import { describeViolation, RULES } from '../../protocol/parameters/violation.ts';
import { compareVersions } from '../../protocol/parameters/versions.ts';
import { MAX_DOCUMENT_CHARACTERS, validateParameters, validateParametersText } from './validate.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- the cases break types on purpose
type Loose = any;

/** The default document after one change, validated; the violations as an operator reads them. */
function violations(change: (document: Loose) => void): string[] {
  const document: Loose = structuredClone(defaults);
  change(document);
  const result = validateParameters(document);
  return result.ok ? [] : result.error.map((violation) => describeViolation(violation));
}

describe('the default document', () => {
  it('is valid, as object and as text', ({ expect }) => {
    expect(violations(() => {})).toEqual([]);
    expect(validateParametersText(JSON.stringify(defaults)).ok).toBe(true);
  });
});

describe('structure: path, value, rule', () => {
  const cases: { name: string; change: (d: Loose) => void; says: string }[] = [
    {
      name: 'an unknown field',
      change: (d) => (d.v1.exposureConfiguration.fudge = 2),
      says: 'v1.exposureConfiguration.fudge: 2 is not a field of this document',
    },
    {
      name: 'a missing field',
      change: (d) => delete d.riskCalculation.trlEncoding,
      says: 'riskCalculation.trlEncoding: (absent) must be an object',
    },
    {
      name: 'NaN',
      change: (d) => (d.v2.dailySummaries.minimumWindowScore = Number.NaN),
      says: 'v2.dailySummaries.minimumWindowScore: NaN must be a finite number',
    },
    {
      name: 'infinity',
      change: (d) => (d.riskCalculation.normalizedTimePerDayToRiskLevelMapping[1].normalizedTimeRange.max = Infinity),
      says: 'riskCalculation.normalizedTimePerDayToRiskLevelMapping[1].normalizedTimeRange.max: Infinity must be a finite number',
    },
    {
      name: 'a level of 9',
      change: (d) => (d.v1.exposureConfiguration.attenuationScores[2] = 9),
      says: 'v1.exposureConfiguration.attenuationScores[2]: 9 must be at most 8',
    },
    {
      name: 'seven level values of eight',
      change: (d) => d.v1.exposureConfiguration.durationScores.pop(),
      says: 'v1.exposureConfiguration.durationScores: [0,0,0,1,1,1,1] must be at least 8 entries',
    },
    {
      name: 'an onset map with 28 slots',
      change: (d) => (d.v2.diagnosisKeysDataMapping.daysSinceOnsetToInfectiousness.length = 28),
      says: 'must be at least 29 entries',
    },
    {
      name: 'a missing report type mapped to UNKNOWN',
      change: (d) => (d.v2.diagnosisKeysDataMapping.reportTypeWhenMissing = 0),
      says: 'v2.diagnosisKeysDataMapping.reportTypeWhenMissing: 0 must be one of 1, 2, 3, 4',
    },
    {
      name: 'a number as text',
      change: (d) => (d.exposureDetection.maxExposureDetectionsPerInterval = '6'),
      says: 'exposureDetection.maxExposureDetectionsPerInterval: "6" must be a finite number',
    },
    {
      name: 'a document of another format',
      change: (d) => (d.format = 'v0'),
      says: 'format: "v0" must be one of "exposure-edge/parameters/v1"',
    },
    { name: 'a bad address', change: (d) => (d.v1.combinedRisk.riskClasses[0].url = 'here'), says: 'must be a url' },
  ];
  it.for(cases)('$name', ({ change, says }, { expect }) => {
    expect(violations(change).join('\n')).toContain(says);
  });

  it('is named, whatever stands in the place of whatever value: none is “something else”', ({ expect }) => {
    const filled: Loose = structuredClone(defaults);
    const packages = [{ region: 'DE', date: '2026-02-03', etag: '"a"' }];
    filled.keyDownload.revokedDayPackages = packages;
    filled.keyDownload.revokedHourPackages = packages.map((one) => ({ ...one, hour: 3 }));
    filled.appFeatures = [{ label: 'a', value: 1 }];
    expect(validateParameters(filled).ok).toBe(true);
    const nonsense = [null, undefined, '', '\u0000'.repeat(2000), -1e12, 1e12, Number.NaN, 0.5, [], {}, [[]], true];
    const rules = new Set<string>();
    const replaceIn = (holder: Loose): void => {
      for (const [name, value] of Object.entries(holder)) {
        for (const other of nonsense) {
          holder[name] = other;
          const result = validateParameters(filled);
          for (const { rule } of result.ok ? [] : result.error) rules.add(rule);
        }
        holder[name] = value;
        if (typeof value === 'object' && value !== null) replaceIn(Array.isArray(value) ? value.slice(0, 1) : value);
      }
    };
    replaceIn(filled);
    expect(RULES.filter((rule) => rules.has(rule))).toHaveLength(rules.size);
    expect(rules.size).toBeGreaterThan(20);
    expect(rules).not.toContain('must be something else');
  });

  it('reports everything at once, and what is no document', ({ expect }) => {
    expect(
      violations((d) => {
        d.regions = ['de'];
        d.foo = 1;
      }),
    ).toHaveLength(2);
    expect(validateParameters(null).ok).toBe(false);
    expect(validateParameters([]).ok).toBe(false);
  });
});

describe('how values fit together', () => {
  const attenuation = (d: Loose) => d.riskCalculation.minutesAtAttenuationWeights;
  const perWindow = (d: Loose) => d.riskCalculation.normalizedTimePerEWToRiskLevelMapping;
  const perDay = (d: Loose) => d.legacyRiskCalculation.normalizedTimePerDayToRiskLevelMapping;
  const values = (d: Loose) => d.riskCalculation.transmissionRiskValueMapping;
  const classes = (d: Loose) => d.v1.combinedRisk.riskClasses;
  const cases: { name: string; change: (d: Loose) => void; says: string }[] = [
    {
      name: 'v1 thresholds out of order',
      change: (d) => (d.v1.exposureConfiguration.durationAtAttenuationThresholds = [63, 55]),
      says: 'durationAtAttenuationThresholds: [63,55] the low threshold',
    },
    {
      name: 'a gap between risk classes',
      change: (d) => (classes(d)[1].min = 16),
      says: 'riskClasses[1].min: 16 leaves a gap: must be 15',
    },
    {
      name: 'overlapping risk classes',
      change: (d) => (classes(d)[1].min = 14),
      says: 'riskClasses[1].min: 14 overlaps',
    },
    {
      name: 'classes that end early',
      change: (d) => (classes(d)[1].max = 9998),
      says: 'the last class must end at 9999',
    },
    {
      name: 'an empty class',
      change: (d) => (classes(d)[0].max = 0),
      says: 'riskClasses[0].max: 0 must be above min, 0',
    },
    {
      name: 'two classes of one label',
      change: (d) => (classes(d)[1].label = 'LOW'),
      says: '"LOW" is the label of another class',
    },
    {
      name: 'bucket thresholds that fall',
      change: (d) => (d.v2.dailySummaries.attenuationBucketThresholdDb = [50, 30, 70]),
      says: 'thresholds must rise strictly',
    },
    {
      name: 'iOS thresholds that are equal',
      change: (d) => (d.v2.iosExposureConfiguration.attenuationDurationThresholds = [30, 30, 70]),
      says: 'iosExposureConfiguration.attenuationDurationThresholds: [30,30,70] thresholds',
    },
    {
      name: 'every onset day NONE',
      change: (d) => d.v2.diagnosisKeysDataMapping.daysSinceOnsetToInfectiousness.fill(0),
      says: 'must not map every day to NONE',
    },
    {
      name: 'a gap between attenuation ranges',
      change: (d) => (attenuation(d)[1].attenuationRange.min = 64),
      says: 'minutesAtAttenuationWeights[1].attenuationRange: [64, 73) leaves a gap after [0, 63)',
    },
    {
      name: 'a gap of a single point',
      change: (d) => (attenuation(d)[1].attenuationRange.minExclusive = true),
      says: '(63, 73) leaves a gap after [0, 63)',
    },
    {
      name: 'an overlap of a single point',
      change: (d) => (attenuation(d)[0].attenuationRange.maxExclusive = false),
      says: '[63, 73) overlaps [0, 63]',
    },
    {
      name: 'attenuation ranges that begin above 0',
      change: (d) => (attenuation(d)[0].attenuationRange.min = 1),
      says: 'must begin at 0 or below',
    },
    {
      name: 'an exclusive 0',
      change: (d) => (attenuation(d)[0].attenuationRange.minExclusive = true),
      says: 'must begin at 0 or below',
    },
    {
      name: 'an empty range',
      change: (d) => (perWindow(d)[0].normalizedTimeRange.max = 0),
      says: '[0, 0) holds no value',
    },
    {
      name: 'a range upside down',
      change: (d) => (perWindow(d)[1].normalizedTimeRange.max = 8),
      says: '[9, 8] holds no value',
    },
    {
      name: 'window levels that end early',
      change: (d) => (perWindow(d)[1].normalizedTimeRange.max = 100),
      says: 'must reach 9999',
    },
    {
      name: 'window levels that begin late',
      change: (d) => (perWindow(d)[0].normalizedTimeRange.min = 1),
      says: 'must begin at 0 or below',
    },
    {
      name: 'levels that fall',
      change: (d) => ((perDay(d)[1].riskLevel = 1), (perDay(d)[0].riskLevel = 2)),
      says: 'legacyRiskCalculation.normalizedTimePerDayToRiskLevelMapping[1].riskLevel: 1 must not be below',
    },
    {
      name: 'a transmission risk level without a value',
      change: (d) => values(d).splice(4, 1),
      says: 'transmissionRiskValueMapping: [1,2,3,4,6,7,8] level 5 is missing',
    },
    {
      name: 'a transmission risk level with two values',
      change: (d) => values(d).push({ transmissionRiskLevel: 8, transmissionRiskValue: 2 }),
      says: 'level 8 is mapped 2 times',
    },
    {
      name: 'risk values that fall',
      change: (d) => (values(d)[7].transmissionRiskValue = 1),
      says: 'transmissionRiskValueMapping[7].transmissionRiskValue: 1 must not be below the value of the lower level 6',
    },
    {
      name: 'an encoding that leaves 1..8',
      change: (d) => (d.riskCalculation.trlEncoding.reportTypeOffsetConfirmedTest = 7),
      says: 'gives level 9, which is not in 1..8',
    },
    {
      name: 'a filter that drops nothing',
      change: (d) =>
        (d.legacyRiskCalculation.trlFilters[0].dropIfTrlInRange = {
          min: 2,
          max: 3,
          minExclusive: true,
          maxExclusive: true,
        }),
      says: 'trlFilters[0].dropIfTrlInRange: (2, 3) holds no value',
    },
    {
      name: 'a day without a value in figure 12',
      change: (d) => d.weightedSum.daysSinceExposure.ranges.splice(3, 1),
      says: 'weightedSum.daysSinceExposure.ranges[3].range: [8, 9] leaves a gap after [4, 5]',
    },
    {
      name: 'durations that end early in figure 12',
      change: (d) => (d.weightedSum.exposureDuration.ranges[7].range.max = 1000),
      says: 'must reach 1440',
    },
    {
      name: 'whole numbers may be next to each other, but not twice',
      change: (d) => (d.weightedSum.transmissionRisk.ranges[3].range.min = 3),
      says: '[3, 4] overlaps [3, 3]',
    },
    {
      name: 'sum levels that begin above 0',
      change: (d) => (d.weightedSum.riskLevels[0].from = 1),
      says: 'the first level must begin at 0',
    },
    {
      name: 'sum levels out of order',
      change: (d) => (d.weightedSum.riskLevels[2].from = 28),
      says: 'weightedSum.riskLevels[2].from: 28 must be above the level before, 28',
    },
    {
      name: 'two sum levels of one label',
      change: (d) => (d.weightedSum.riskLevels[2].label = 'low'),
      says: '"low" is the label of another level',
    },
    {
      name: 'an alert that always goes off',
      change: (d) => (d.weightedSum.alertThreshold = 8),
      says: 'alertThreshold: 8 must be above 8 and at most 64',
    },
    {
      name: 'an alert that never goes off',
      change: (d) => (d.weightedSum.alertThreshold = 65),
      says: 'must be above 8 and at most 64',
    },
    {
      name: 'a minimum version above the latest, Android',
      change: (d) => (d.appVersions.android.minVersionCode = 49),
      says: 'appVersions.android.minVersionCode: 49 must not be above the latest version, 48',
    },
    {
      name: 'a minimum version above the latest, iOS',
      change: (d) => (d.appVersions.ios.min = '0.10.0'),
      says: 'appVersions.ios.min: "0.10.0" must not be above the latest version, 0.8.2',
    },
    {
      name: 'a revoked day that is no day',
      change: (d) => d.keyDownload.revokedDayPackages.push({ region: 'DE', date: '2026-02-30', etag: '"a"' }),
      says: 'revokedDayPackages[0].date: "2026-02-30" must be a day',
    },
    {
      name: 'a revoked package of no region of ours',
      change: (d) => d.keyDownload.revokedHourPackages.push({ region: 'FR', date: '2026-02-03', hour: 3, etag: '"a"' }),
      says: 'revokedHourPackages[0].region: "FR" must be one of the regions DE, EUR',
    },
    {
      name: 'a package revoked twice',
      change: (d) =>
        (d.keyDownload.revokedDayPackages = [1, 2].map(() => ({ region: 'DE', date: '2026-02-03', etag: '"a"' }))),
      says: 'revokedDayPackages[1]',
    },
    {
      name: 'a file timeout above the overall one',
      change: (d) => (d.keyDownload.downloadTimeoutInSeconds = 481),
      says: '481 must not be above overallTimeoutInSeconds, 480',
    },
    {
      name: 'cover traffic delays upside down',
      change: (d) => (d.coverTraffic.followUpDelaySeconds = { min: 9, max: 8 }),
      says: 'followUpDelaySeconds.min: 9 must not be above max, 8',
    },
    {
      name: 'waits for a result that fall',
      change: (d) => (d.coverTraffic.courses.resultMinutes = [60, 90, 90]),
      says: 'coverTraffic.courses.resultMinutes[2]: 90 must be above the one before, 90',
    },
    {
      name: 'a day of people that is longer than a day',
      change: (d) => (d.coverTraffic.courses.dayMinutes = [0, 1441]),
      says: 'coverTraffic.courses.dayMinutes: [0,1441] must begin before 1440 and span at most 1440',
    },
    {
      name: 'a retry that starts above its maximum',
      change: (d) => (d.polling.retry.maximumSeconds = 59),
      says: 'polling.retry.firstSeconds: 60',
    },
    {
      name: 'a spread wider than the interval',
      change: (d) => (d.polling.keys.intervalSeconds = 1800),
      says: 'polling.keys.spreadSeconds: 3600 must not be above intervalSeconds, 1800',
    },
    {
      name: 'a polling window that ends before it begins',
      change: (d) => (d.polling.windows = [{ fromMinute: 60, toMinute: 60 }]),
      says: 'polling.windows[0].toMinute: 60 must be above fromMinute, 60',
    },
    {
      name: 'overlapping polling windows',
      change: (d) =>
        (d.polling.windows = [
          { fromMinute: 0, toMinute: 60 },
          { fromMinute: 59, toMinute: 80 },
        ]),
      says: 'polling.windows[1].fromMinute: 59 overlaps',
    },
    { name: 'a region named twice', change: (d) => d.regions.push('DE'), says: 'regions[2]: "DE" is listed twice' },
  ];
  it.for(cases)('$name', ({ change, says }, { expect }) => {
    expect(violations(change).join('\n')).toContain(says);
  });
});

describe('text', () => {
  const rule = (text: string): string => {
    const result = validateParametersText(text);
    return result.ok ? '' : result.error.map((violation) => describeViolation(violation)).join('\n');
  };

  it('must be JSON of a sane size that names nothing twice', ({ expect }) => {
    expect(rule('{')).toContain('must be JSON');
    expect(rule(`{"format": NaN}`)).toContain('must be JSON');
    expect(rule('{"format": 1, "format": 2}')).toContain('twice');
    expect(rule('['.repeat(17) + ']'.repeat(17))).toContain('at most 16 deep');
    expect(rule(' '.repeat(MAX_DOCUMENT_CHARACTERS + 1))).toContain('characters');
  });
});

describe('versions', () => {
  it('compare by number', ({ expect }) => {
    expect(compareVersions('1.10.0', '1.9.9')).toBeGreaterThan(0);
    expect(compareVersions('1.2', '1.2.0')).toBe(0);
    expect(compareVersions('0.9.9', '1')).toBeLessThan(0);
  });

  it('are typed, so that a rule that forgets a field does not compile', ({ expect }) => {
    const result = validateParameters(defaults);
    const document: Parameters | null = result.ok ? result.value : null;
    expect(document?.appVersions.android.minVersionCode).toBe(48);
  });
});
