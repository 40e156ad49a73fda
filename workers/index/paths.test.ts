import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import {
  countryIndexPath,
  dateIndexPath,
  dayPath,
  hourIndexPath,
  hourPath,
  versionIndexPath,
} from '../../protocol/index/cwa-tree.ts';
import { googleFilePath, googleIndexPath } from '../../protocol/index/google-index.ts';
import { pathMatcher } from './paths.ts';

const NAME = '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU';
const CWA = '/version/v1/diagnosis-keys/country';
const objectKey = pathMatcher(['DE', 'EUR']);

describe('paths of objects', () => {
  const known = [
    '/v1/DE/manifest.json',
    '/v1/EUR/manifest.json',
    `/v1/DE/days/${NAME}.json`,
    `/v1/DE/revocations/${NAME}.json`,
    `/v1/EUR/chunks/${NAME}.zip`,
    '/v1/DE/exposure-keys/index.txt',
    '/v1/EUR/exposure-keys/1606348800-1606363200-00001.zip',
    '/version',
    CWA,
    `${CWA}/DE/date`,
    `${CWA}/EUR/date/2026-11-25`,
    `${CWA}/DE/date/2026-11-25/hour`,
    ...[0, 9, 10, 19, 20, 23].map((hour) => `${CWA}/DE/date/2026-11-25/hour/${hour}`),
  ];
  it.for(known)('%s is the key without its first slash', (path, { expect }) => {
    expect(objectKey(path)).toBe(path.slice(1));
  });
});

describe('paths that protocol/ builds', () => {
  it('are known for every region, day and hour', ({ expect }) => {
    const region = fc.constantFrom('DE', 'EUR');
    const day = fc.date({ min: new Date('2020-01-01'), max: new Date('2099-12-31'), noInvalidDate: true });
    fc.assert(
      fc.property(region, day, fc.nat(23), (country, instant, hour) => {
        const date = instant.toISOString().slice(0, 10);
        const paths = [
          versionIndexPath(),
          countryIndexPath(),
          dateIndexPath(country),
          dayPath(country, date),
          hourIndexPath(country, date),
          hourPath(country, date, hour),
          googleIndexPath(country),
          googleFilePath(country, {
            start: Math.trunc(instant.getTime() / 1000),
            end: Math.trunc(instant.getTime() / 1000) + 14_400,
            n: hour + 1,
          }),
        ];
        for (const path of paths) expect(objectKey(`/${path}`)).toBe(path);
      }),
      { seed: 20261125, numRuns: 1000 },
    );
  });
});

describe('paths that no object has', () => {
  const unknown: readonly (readonly [name: string, path: string])[] = [
    ['root', '/'],
    ['Google’s file of no number', '/v1/DE/exposure-keys/1606348800-1606363200-00000.zip'],
    ['Google’s file of too great a number', '/v1/DE/exposure-keys/1606348800-1606363200-01000.zip'],
    ['Google’s file of a time that isn’t in seconds', '/v1/DE/exposure-keys/1606348800000-1606363200-00001.zip'],
    ['Google’s list of another region', '/v1/FR/exposure-keys/index.txt'],
    ['Google’s folder', '/v1/DE/exposure-keys/'],
    ['empty', ''],
    ['list of the bucket', '/v1/'],
    ['region that is not published', '/v1/FR/manifest.json'],
    ['region in small letters', '/v1/de/manifest.json'],
    ['region as prefix', '/v1/DEU/manifest.json'],
    ['slash at the end', '/v1/DE/manifest.json/'],
    ['two slashes', '//v1/DE/manifest.json'],
    ['percent-encoded letter', '/v1/D%45/manifest.json'],
    ['percent-encoded slash', '/v1/DE%2Fmanifest.json'],
    ['line feed at the end', '/v1/DE/manifest.json\n'],
    ['dot as any character', '/v1/DE/manifestXjson'],
    ['name too short', `/v1/DE/chunks/${NAME.slice(1)}.zip`],
    ['name too long', `/v1/DE/chunks/A${NAME}.zip`],
    ['name whose last character has spare bits set', `/v1/DE/chunks/${NAME.slice(0, -1)}V.zip`],
    ['name with padding', `/v1/DE/chunks/${NAME}=.zip`],
    ['page as zip', `/v1/DE/days/${NAME}.zip`],
    ['page of revocations as zip', `/v1/DE/revocations/${NAME}.zip`],
    ['chunk as json', `/v1/DE/chunks/${NAME}.json`],
    ['hour with leading zero', `${CWA}/DE/date/2026-11-25/hour/07`],
    ['hour 24', `${CWA}/DE/date/2026-11-25/hour/24`],
    ['negative hour', `${CWA}/DE/date/2026-11-25/hour/-1`],
    ['month 13', `${CWA}/DE/date/2026-13-01`],
    ['month 0', `${CWA}/DE/date/2026-00-01`],
    ['day 32', `${CWA}/DE/date/2026-11-32`],
    ['date in another century', `${CWA}/DE/date/1926-11-25`],
    ['date without dashes', `${CWA}/DE/date/20261125`],
    ['country alone', `${CWA}/DE`],
    ['private records', '/records/471528.json'],
    ['second list of versions', '/version/index-v2'],
    ['version list with a slash', '/version/'],
    ['something below an object', `${CWA}/DE/date/2026-11-25/hour/7/x`],
  ];
  it.for(unknown)('%s', ([, path], { expect }) => {
    expect(objectKey(path)).toBeNull();
  });

  it('holds for any path that is not built from the shapes', ({ expect }) => {
    const pieces = fc.constantFrom(
      'v1',
      'DE',
      'EUR',
      'manifest.json',
      'chunks',
      'days',
      'revocations',
      'version',
      'date',
      'hour',
      '..',
      '',
      NAME,
    );
    fc.assert(
      fc.property(fc.array(fc.oneof(pieces, fc.string({ maxLength: 8 })), { maxLength: 9 }), (segments) => {
        const key = objectKey(`/${segments.join('/')}`);
        if (key !== null)
          expect(key).toMatch(
            /^(v1\/(DE|EUR)\/(manifest\.json|days|revocations|chunks|exposure-keys)|version\/v1\/diagnosis-keys\/country|version$)/,
          );
      }),
      { seed: 20261125, numRuns: 5000 },
    );
  });
});
