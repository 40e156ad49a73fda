import { describe, it } from 'vitest';
import { googleFilePath } from '../../protocol/index/google-index.ts';
import { cannotExist } from './not-yet.ts';

const TREE = 'version/v1/diagnosis-keys/country/DE/date';
/** 2026-11-25 12:30:00 UTC */
const NOW = Date.UTC(2026, 10, 25, 12, 30) / 1000;
/** @returns a file of Google's view, hours from that day's midnight */
const windowAt = (from: number, to: number): string => {
  const [start, end] = [from, to].map((hour) => Date.UTC(2026, 10, 25, hour) / 1000);
  return googleFilePath('DE', { start: start!, end: end!, n: 1 });
};

describe('what can be in the bucket at 2026-11-25 12:30', () => {
  const cases = [
    { name: 'the hour that ended last', key: `${TREE}/2026-11-25/hour/11`, cannot: false },
    { name: 'the running hour', key: `${TREE}/2026-11-25/hour/12`, cannot: true },
    { name: 'a later hour', key: `${TREE}/2026-11-25/hour/23`, cannot: true },
    { name: "today's hour list", key: `${TREE}/2026-11-25/hour`, cannot: false },
    { name: "tomorrow's hour list", key: `${TREE}/2026-11-26/hour`, cannot: true },
    { name: 'the day before', key: `${TREE}/2026-11-24`, cannot: false },
    { name: 'the running day', key: `${TREE}/2026-11-25`, cannot: true },
    { name: 'a day in retention', key: `${TREE}/2026-11-11`, cannot: false },
    { name: 'a day long gone', key: `${TREE}/2026-11-01`, cannot: true },
    { name: 'an hour of next year', key: `${TREE}/2027-01-01/hour/3`, cannot: true },
    { name: 'a list', key: TREE, cannot: false },
    { name: 'the manifest', key: 'v1/DE/manifest.json', cannot: false },
    { name: 'Google’s list', key: 'v1/DE/exposure-keys/index.txt', cannot: false },
    { name: 'the window that ended last', key: windowAt(8, 12), cannot: false },
    { name: 'the running window', key: windowAt(12, 16), cannot: true },
    { name: 'a window of another length', key: windowAt(8, 11), cannot: true },
    { name: 'a window that begins at another hour', key: windowAt(7, 11), cannot: true },
    { name: 'a window in retention', key: windowAt(-14 * 24, -14 * 24 + 4), cannot: false },
    { name: 'a window long gone', key: windowAt(-17 * 24, -17 * 24 + 4), cannot: true },
  ];
  for (const { name, key, cannot } of cases) {
    it(`${name}: ${cannot ? 'nothing' : 'perhaps'}`, ({ expect }) => expect(cannotExist(key, NOW)).toBe(cannot));
  }

  it('an hour appears at the second it is sealed', ({ expect }) => {
    const end = Date.UTC(2026, 10, 25, 13) / 1000;
    expect(cannotExist(`${TREE}/2026-11-25/hour/12`, end - 1)).toBe(true);
    expect(cannotExist(`${TREE}/2026-11-25/hour/12`, end)).toBe(false);
  });
});
