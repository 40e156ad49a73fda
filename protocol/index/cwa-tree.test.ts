import { describe, it } from 'vitest';
import { countryIndexPath, dateIndexPath, dayPath, hourIndexPath, hourPath, versionIndexPath } from './cwa-tree.ts';

describe("CWA's tree (docs/spec/cwa.md §1.4)", () => {
  it('is where unmodified apps look', ({ expect }) => {
    expect(versionIndexPath()).toBe('version');
    expect(countryIndexPath()).toBe('version/v1/diagnosis-keys/country');
    expect(dateIndexPath('EUR')).toBe('version/v1/diagnosis-keys/country/EUR/date');
    expect(dayPath('DE', '2020-06-23')).toBe('version/v1/diagnosis-keys/country/DE/date/2020-06-23');
    expect(hourIndexPath('DE', '2020-06-23')).toBe('version/v1/diagnosis-keys/country/DE/date/2020-06-23/hour');
    expect(hourPath('DE', '2020-06-23', 7)).toBe('version/v1/diagnosis-keys/country/DE/date/2020-06-23/hour/7');
  });
});
