import { describe, it } from 'vitest';
import defaults from '../parameters/default.json' with { type: 'json' };
import { type Parameters, parametersSchema } from '../protocol/parameters/document.ts';
import { groupsOf, readNumber, writeNumber } from './controls.ts';
import { LIBRARY, constantEncounter } from './encounters.ts';
import { evaluate, levelAt, transport } from './evaluate.ts';

const PARAMETERS: Parameters = parametersSchema.parse(defaults);

describe('what the models make of encounters', () => {
  it('gives a coffee of 30 minutes to the day, and brushing past to nobody', ({ expect }) => {
    const coffee = evaluate(
      PARAMETERS,
      LIBRARY.find(({ name }) => name.startsWith('Coffee'))!,
    );
    expect(coffee.windows).toHaveLength(1);
    // 6 scans × 5 min × 0.8 × 1.6
    expect(coffee.cwa).toEqual({ normalizedMinutes: expect.closeTo(38.4, 9), level: 2 });
    // Attenuation 2 × days 5 × duration 1 × transmission 8; 30 minutes near × 80 / 50.
    expect(coffee.v1).toMatchObject({ androidScore: 80, minutes: [30, 0, 0], combinedMinutes: 48, riskClass: 'HIGH' });
    expect(coffee.weightedSum).toMatchObject({ riskLevel: 'high', alert: true });
    const shop = evaluate(PARAMETERS, LIBRARY[0]!);
    expect([shop.cwa.level, shop.v1.androidScore, shop.weightedSum.alert]).toEqual([null, 0, false]);
  });

  it('cuts a long day into windows of half an hour', ({ expect }) => {
    const day = evaluate(PARAMETERS, constantEncounter('Your own', 65, 50, 7));
    expect(day.windows.map(({ window }) => window.scanInstances.length)).toEqual([6, 6, 1]);
  });

  it('drops what is older than the parameters allow', ({ expect }) => {
    expect(evaluate(PARAMETERS, constantEncounter('Your own', 60, 50, 8, 10)).cwa.level).toBe(2);
    expect(evaluate(PARAMETERS, constantEncounter('Your own', 60, 50, 8, 11)).cwa.level).toBeNull();
  });

  it('maps levels by minutes and attenuation', ({ expect }) => {
    expect([5, 10].map((minutes) => levelAt(PARAMETERS, minutes, 50, 8))).toEqual([1, 2]);
    expect(levelAt(PARAMETERS, 120, 80, 8)).toBeNull();
    expect(levelAt(PARAMETERS, 120, 50, 2)).toBeNull();
  });

  it('carries transmission risk levels as CWA does', ({ expect }) => {
    expect([1, 4, 5, 8].map((level) => Object.values(transport(level)))).toEqual([
      [4, 1],
      [3, 2],
      [2, 1],
      [1, 2],
    ]);
  });
});

describe('controls', () => {
  it('each point at numbers of the document that lie in their bounds and are equal where they move together', ({
    expect,
  }) => {
    const controls = groupsOf(PARAMETERS).flatMap((group) => group.controls);
    expect(controls.length).toBeGreaterThan(40);
    for (const { paths, min, max } of controls) {
      const values = paths.map((path) => readNumber(PARAMETERS, path));
      expect(new Set(values).size).toBe(1);
      expect(values[0]).toBeGreaterThanOrEqual(min);
      expect(values[0]).toBeLessThanOrEqual(max);
    }
  });

  it('write numbers in place, and know what is no number', ({ expect }) => {
    const copy = structuredClone(PARAMETERS);
    writeNumber(copy, 'riskCalculation.minutesAtAttenuationWeights.1.weight', 0.5);
    expect(copy.riskCalculation.minutesAtAttenuationWeights[1]?.weight).toBe(0.5);
    expect(() => readNumber(copy, 'riskCalculation.nothing.1')).toThrow('no number');
  });
});
