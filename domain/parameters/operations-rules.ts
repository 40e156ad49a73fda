/**
 * @module How the operational parameters must fit together: versions, revoked packages, polling, cover traffic.
 */
import { compareVersions } from '../../protocol/parameters/versions.ts';
import type { Parameters } from '../../protocol/parameters/document.ts';
import { type Violation, violation } from '../../protocol/parameters/violation.ts';

const MINUTES_PER_DAY = 1440;

/** `min` ≤ `latest`, which CWA's v2 server never checked (docs/spec/cwa.md §4.2). */
export function versionRules({ appVersions: { android, ios } }: Parameters): Violation[] {
  const pairs = [
    ['appVersions.android.minVersionCode', android.minVersionCode, android.latestVersionCode],
    ['appVersions.android.min', android.min, android.latest],
    ['appVersions.ios.min', ios.min, ios.latest],
  ] as const;
  return pairs
    .filter(([, min, latest]) => compareVersions(String(min), String(latest)) > 0)
    .map(([path, min, latest]) => violation(path, min, 'must not be above the latest version, {latest}', { latest }));
}

function isDate(text: string): boolean {
  const time = Date.parse(`${text}T00:00:00Z`);
  return !Number.isNaN(time) && new Date(time).toISOString().startsWith(text);
}

/** Revoked packages exist in the calendar and in a published region, and are listed once. */
export function keyDownloadRules({ keyDownload, regions }: Parameters): Violation[] {
  const lists = [
    ['keyDownload.revokedDayPackages', keyDownload.revokedDayPackages],
    ['keyDownload.revokedHourPackages', keyDownload.revokedHourPackages],
  ] as const;
  return lists.flatMap(([path, packages]) => {
    const texts = packages.map((item) => JSON.stringify(item));
    return packages.flatMap((item, n) => {
      const found: Violation[] = [];
      if (!isDate(item.date)) {
        found.push(violation(`${path}[${n}].date`, item.date, 'must be a day of the calendar'));
      }
      if (!regions.includes(item.region)) {
        const values = { regions: regions.join(', ') };
        found.push(violation(`${path}[${n}].region`, item.region, 'must be one of the regions {regions}', values));
      }
      if (texts.indexOf(texts[n]!) !== n) {
        found.push(violation(`${path}[${n}]`, item, 'is listed twice'));
      }
      return found;
    });
  });
}

/** Timeouts, delays and spreads are ordered; polling windows follow each other; lists name nothing twice. */
export function scheduleRules(parameters: Parameters): Violation[] {
  const { polling, coverTraffic, keyDownload } = parameters;
  const found: Violation[] = [];
  const atMost = (path: string, value: number, limit: number, name: string): void => {
    if (value > limit) found.push(violation(path, value, 'must not be above {name}, {limit}', { name, limit }));
  };
  atMost(
    'keyDownload.downloadTimeoutInSeconds',
    keyDownload.downloadTimeoutInSeconds,
    keyDownload.overallTimeoutInSeconds,
    'overallTimeoutInSeconds',
  );
  const { min, max } = coverTraffic.followUpDelaySeconds;
  atMost('coverTraffic.followUpDelaySeconds.min', min, max, 'max');
  atMost('polling.retry.firstSeconds', polling.retry.firstSeconds, polling.retry.maximumSeconds, 'maximumSeconds');
  for (const name of ['keys', 'parameters', 'testResult'] as const) {
    const { intervalSeconds, spreadSeconds } = polling[name];
    // A wider spread would let phones skip whole intervals.
    atMost(`polling.${name}.spreadSeconds`, spreadSeconds, intervalSeconds, 'intervalSeconds');
  }
  for (const [n, { fromMinute, toMinute }] of polling.windows.entries()) {
    const path = `polling.windows[${n}]`;
    if (fromMinute >= toMinute) {
      found.push(violation(`${path}.toMinute`, toMinute, 'must be above fromMinute, {from}', { from: fromMinute }));
    }
    const before = polling.windows[n - 1];
    if (before !== undefined && fromMinute < before.toMinute) {
      const rule = 'overlaps the window before, which ends at {end}';
      found.push(violation(`${path}.fromMinute`, fromMinute, rule, { end: before.toMinute }));
    }
  }
  return [...found, ...courseRules(parameters), ...uniqueRules(parameters)];
}

/** Lists of minutes rise, and a day of people is no longer than a day. */
function courseRules({ coverTraffic: { courses } }: Parameters): Violation[] {
  const lists = ['dayMinutes', 'resultMinutes', 'shareMinutes', 'typedShareMinutes'] as const;
  const found = lists.flatMap((name) =>
    courses[name].flatMap((minute, n, all): Violation[] => {
      const before = all[n - 1];
      if (before === undefined || minute > before) return [];
      const path = `coverTraffic.courses.${name}[${n}]`;
      return [violation(path, minute, 'must be above the one before, {before}', { before })];
    }),
  );
  const { dayMinutes } = courses;
  const [first = 0, last = 0] = [dayMinutes[0], dayMinutes.at(-1)];
  if (first >= MINUTES_PER_DAY || last - first > MINUTES_PER_DAY) {
    const rule = 'must begin before {limit} and span at most {limit}';
    found.push(violation('coverTraffic.courses.dayMinutes', dayMinutes, rule, { limit: MINUTES_PER_DAY }));
  }
  return found;
}

function uniqueRules({ regions, supportedCountries, appFeatures }: Parameters): Violation[] {
  const lists = [
    ['regions', regions],
    ['supportedCountries', supportedCountries],
    ['appFeatures', appFeatures.map((feature) => feature.label)],
  ] as const;
  return lists.flatMap(([path, names]) =>
    names.flatMap((name, n) =>
      names.indexOf(name) === n ? [] : [violation(`${path}[${n}]`, name, 'is listed twice')],
    ),
  );
}
