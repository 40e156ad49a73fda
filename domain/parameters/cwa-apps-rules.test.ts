import { describe, it } from 'vitest';
import defaults from '../../parameters/default.json' with { type: 'json' };
import { describeViolation } from '../../protocol/parameters/violation.ts';
import { validateParameters } from './validate.ts';

// oxlint-disable-next-line typescript/no-explicit-any -- the cases break types on purpose
type Loose = any;

/** The default section after one change, validated with the whole document. */
function violations(change: (apps: Loose) => void): string[] {
  const document: Loose = structuredClone(defaults);
  change(document.cwaApps);
  const result = validateParameters(document);
  return result.ok ? [] : result.error.map((violation) => describeViolation(violation));
}

describe('the section for CWA’s apps: path, value, rule', () => {
  const cases: { name: string; change: (apps: Loose) => void; says: string }[] = [
    {
      name: 'a digest that is empty, which Android refuses',
      change: (apps) => (apps.dgcParameters.reissueServicePublicKeyDigest = ''),
      says: 'cwaApps.dgcParameters.reissueServicePublicKeyDigest: "" must be 64 hex digits, a SHA-256',
    },
    {
      name: 'a test that is outdated at once',
      change: (apps) => (apps.coronaTestParameters.hoursToDeemTestOutdated = 0),
      says: 'cwaApps.coronaTestParameters.hoursToDeemTestOutdated: 0 must be at least 1',
    },
    {
      name: 'self-reports after 0 hours, which apps take for 24',
      change: (apps) => (apps.selfReportParameters.timeSinceOnboardingInHours = 0),
      says: 'cwaApps.selfReportParameters.timeSinceOnboardingInHours: 0 must be at least 1',
    },
    {
      name: 'a time of a check-in without a level',
      change: (apps) =>
        (apps.presenceTracingParameters.normalizedTimePerCheckInToRiskLevelMapping[1].normalizedTimeRange.min = 11),
      says: 'normalizedTimePerCheckInToRiskLevelMapping[1].normalizedTimeRange: [11, 999999] leaves a gap after (0, 10)',
    },
    {
      name: 'a level of transmission risk without a value',
      change: (apps) => apps.presenceTracingParameters.transmissionRiskValueMapping.pop(),
      says: 'cwaApps.presenceTracingParameters.transmissionRiskValueMapping: [1,2,3,4,5,6,7] level 8 is missing',
    },
    {
      name: 'minutes that decay twice',
      change: (apps) => (apps.presenceTracingParameters.aerosoleDecayLinearFunctions[1].minutesRange.min = 20),
      says: 'aerosoleDecayLinearFunctions[1].minutesRange: (20, 999999] overlaps [0, 30]',
    },
    {
      name: 'a filter that drops nothing',
      change: (apps) => (apps.presenceTracingParameters.durationFilters[0].dropIfMinutesInRange.max = 0),
      says: 'cwaApps.presenceTracingParameters.durationFilters[0].dropIfMinutesInRange: [0, 0) holds no value',
    },
  ];

  it.for(cases)('$name', ({ change, says }, { expect }) => {
    const [first, ...others] = violations(change);
    expect(first).toContain(says);
    expect(others).toEqual([]);
  });

  it('is valid as it is', ({ expect }) => {
    expect(violations(() => {})).toEqual([]);
  });
});
