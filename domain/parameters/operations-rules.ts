/**
 * @module How the operational parameters must fit together: versions, revoked packages, polling, cover traffic.
 */
import { compareVersions } from '../../protocol/parameters/versions.ts';
import type { Parameters, Violation } from '../../protocol/parameters/document.ts';

const MINUTES_PER_DAY = 1440;
const show = (value: unknown): string => JSON.stringify(value);

/** `min` ≤ `latest`, which CWA's v2 server never checked (docs/spec/cwa.md §4.2). */
export function versionRules({ appVersions: { android, ios } }: Parameters): Violation[] {
  const pairs = [
    ['appVersions.android.minVersionCode', android.minVersionCode, android.latestVersionCode],
    ['appVersions.android.min', android.min, android.latest],
    ['appVersions.ios.min', ios.min, ios.latest],
  ] as const;
  return pairs
    .filter(([, min, latest]) => compareVersions(String(min), String(latest)) > 0)
    .map(([path, min, latest]) => ({
      path,
      value: show(min),
      rule: `must not be above the latest version, ${latest}`,
    }));
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
    const texts = packages.map((item) => show(item));
    return packages.flatMap((item, n) => {
      const found: Violation[] = [];
      if (!isDate(item.date)) {
        found.push({ path: `${path}[${n}].date`, value: show(item.date), rule: 'must be a day of the calendar' });
      }
      if (!regions.includes(item.region)) {
        const rule = `must be one of the regions ${regions.join(', ')}`;
        found.push({ path: `${path}[${n}].region`, value: show(item.region), rule });
      }
      if (texts.indexOf(texts[n]!) !== n) {
        found.push({ path: `${path}[${n}]`, value: texts[n]!, rule: 'is listed twice' });
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
    if (value > limit) found.push({ path, value: show(value), rule: `must not be above ${name}, ${limit}` });
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
      found.push({ path: `${path}.toMinute`, value: show(toMinute), rule: `must be above fromMinute, ${fromMinute}` });
    }
    const before = polling.windows[n - 1];
    if (before !== undefined && fromMinute < before.toMinute) {
      const rule = `overlaps the window before, which ends at ${before.toMinute}`;
      found.push({ path: `${path}.fromMinute`, value: show(fromMinute), rule });
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
      return [{ path, value: show(minute), rule: `must be above the one before, ${before}` }];
    }),
  );
  const { dayMinutes } = courses;
  const [first = 0, last = 0] = [dayMinutes[0], dayMinutes.at(-1)];
  if (first >= MINUTES_PER_DAY || last - first > MINUTES_PER_DAY) {
    const rule = `must begin before ${MINUTES_PER_DAY} and span at most ${MINUTES_PER_DAY}`;
    found.push({ path: 'coverTraffic.courses.dayMinutes', value: show(dayMinutes), rule });
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
      names.indexOf(name) === n ? [] : [{ path: `${path}[${n}]`, value: show(name), rule: 'is listed twice' }],
    ),
  );
}
