import { describe, it } from 'vitest';
import vectors from '../../test/vectors/cwa-risk-calculation.json' with { type: 'json' };
import type { ReportType } from '../../protocol/gaen/keys.ts';
import { type Infectiousness, RISK_LEVEL } from '../../protocol/parameters/levels.ts';
import {
  type RiskCalculationParameters,
  riskCalculationParametersSchema,
} from '../../protocol/parameters/risk-calculation.ts';
import { riskOf, transmissionRiskLevel, windowRisk } from './cwa-risk-calculation.ts';
import type { ExposureWindow } from './exposure-windows.ts';

type Tuple = [number, number, number, number, [number, number, number][]];

const DAY_MS = 86_400_000;
/** UTC midnight in ms; the cases count ages from here. */
const TODAY = 20_000 * DAY_MS;
const PARAMETERS: RiskCalculationParameters = riskCalculationParametersSchema.parse(vectors.parameters);

function toWindow([age, reportType, infectiousness, calibrationConfidence, scans]: Tuple): ExposureWindow {
  return {
    dateMillisSinceEpoch: TODAY - age * DAY_MS,
    reportType: reportType as ReportType,
    infectiousness: infectiousness as Infectiousness,
    calibrationConfidence,
    scanInstances: scans.map(([minAttenuationDb, typicalAttenuationDb, secondsSinceLastScan]) => ({
      minAttenuationDb,
      typicalAttenuationDb,
      secondsSinceLastScan,
    })),
  };
}

const WINDOW = toWindow([1, 1, 2, 0, [[30, 30, 300]]]);
const { LOW, HIGH } = RISK_LEVEL;

describe('29 cases of CWA’s apps (docs/spec/gaen.md §11)', () => {
  it('are all there', ({ expect }) => {
    expect(vectors.cases).toHaveLength(29);
  });

  it.for(vectors.cases)('$name', ({ windows, expected }, { expect }) => {
    const result = riskOf(PARAMETERS, (windows as Tuple[]).map(toWindow), null);
    const age = (date: number | null): number | null => (date === null ? null : (TODAY - date) / DAY_MS);
    expect([
      result.totalRiskLevel,
      age(result.mostRecentDate[LOW]),
      age(result.mostRecentDate[HIGH]),
      result.numberOfDays[LOW],
      result.numberOfDays[HIGH],
      result.totalMinimumDistinctEncounters[LOW],
      result.totalMinimumDistinctEncounters[HIGH],
    ]).toEqual(expected);
  });
});

describe('rounding (docs/spec/gaen.md §11)', () => {
  it('rounds a day to one decimal before its level is looked up, a window not at all', ({ expect }) => {
    const window = toWindow([1, 2, 1, 0, [[65, 25, 299]]]);
    const [day] = riskOf(PARAMETERS, [window], null).days;
    expect(windowRisk(PARAMETERS, window)?.normalizedTime).toBeCloseTo(299 / 60, 10);
    expect(day).toMatchObject({ normalizedTime: 5, riskLevel: LOW });
  });
});

describe('filters and age', () => {
  it('drops windows that spent too few minutes nearby', ({ expect }) => {
    const parameters = riskCalculationParametersSchema.parse({
      ...PARAMETERS,
      minutesAtAttenuationFilters: [
        {
          attenuationRange: { min: 0, max: 79, maxExclusive: true },
          dropIfMinutesInRange: { min: 0, max: 5, maxExclusive: true },
        },
      ],
    });
    const of = (seconds: number): ExposureWindow =>
      toWindow([
        1,
        1,
        2,
        0,
        [
          [78, 78, seconds],
          [79, 79, 300],
        ],
      ]);
    expect(windowRisk(parameters, of(299))).toBeNull();
    expect(windowRisk(parameters, of(300))).not.toBeNull();
  });

  it('drops windows by transmission risk level', ({ expect }) => {
    const parameters = { ...PARAMETERS, trlFilters: [{ dropIfTrlInRange: { min: 1, max: 2 } }] };
    expect(windowRisk(parameters, { ...WINDOW, reportType: 4 })).toBeNull();
    expect(windowRisk(parameters, { ...WINDOW, reportType: 3, infectiousness: 1 })?.transmissionRiskLevel).toBe(3);
  });

  it('leaves out days before now − maxEncounterAgeInDays; 0 means 14', ({ expect }) => {
    const now = TODAY / 1000 + 3600;
    const aged = (age: number): ExposureWindow => toWindow([age, 1, 2, 0, [[30, 30, 1800]]]);
    const days = (age: number, maxEncounterAgeInDays: number): number =>
      riskOf({ ...PARAMETERS, maxEncounterAgeInDays }, [aged(age)], now).days.length;
    expect([days(10, 10), days(11, 10), days(14, 0), days(15, 0)]).toEqual([1, 0, 1, 0]);
  });

  it('encodes every transmission risk level once', ({ expect }) => {
    const all = ([4, 3, 2, 1] as const).flatMap((reportType) =>
      ([1, 2] as const).map((infectiousness) =>
        transmissionRiskLevel(PARAMETERS.trlEncoding, { reportType, infectiousness }),
      ),
    );
    expect(all).toEqual([1, 2, 3, 4, 5, 6, 7, 8]);
    expect(transmissionRiskLevel(PARAMETERS.trlEncoding, { reportType: 1, infectiousness: 0 })).toBe(7);
  });

  it('refuses a report type that no window has', ({ expect }) => {
    expect(() => windowRisk(PARAMETERS, { ...WINDOW, reportType: 5 })).toThrow('reportType: 5');
  });
});
