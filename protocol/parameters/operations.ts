/**
 * @module What else phones are told: which files to fetch and which to forget, when to ask, how to hide among others,
 * and which app versions are too old (docs/spec/cwa.md §1.3, §4.2; CWA solution architecture, "Data transfer and data processing").
 */
import * as z from 'zod';
import { must } from './violation.ts';

const INT32_MAX = 2 ** 31 - 1;
const MINUTES_PER_DAY = 1440;

const country = z.string().regex(/^[A-Z]{2}$/, must('two capital letters, ISO 3166-1 alpha-2'));
const region = z.string().regex(/^[A-Z]{2,3}$/, must('two or three capital letters'));
const date = z.string().regex(/^\d{4}-\d{2}-\d{2}$/, must('a date as YYYY-MM-DD'));
const etag = z.string().regex(/^"[\x21\x23-\x7e]+"$/, must('a strong entity tag, quotes included'));
const semanticVersion = z.string().regex(/^\d{1,5}\.\d{1,5}\.\d{1,5}$/, must('three numbers, e.g. 1.12.0'));
const versionCode = z.int().min(0).max(INT32_MAX);
const seconds = (max: number) => z.int().min(0).max(max);

export const keyDownloadSchema = z
  .strictObject({
    downloadTimeoutInSeconds: seconds(1800).describe('For one file'),
    overallTimeoutInSeconds: seconds(1800).describe('For all files of one run'),
    revokedDayPackages: z.array(z.strictObject({ region, date, etag })),
    revokedHourPackages: z.array(z.strictObject({ region, date, hour: z.int().min(0).max(23), etag })),
  })
  .describe(
    "CWA's KeyDownloadParameters; a phone deletes cached packages with a revoked ETag and reads the index anew",
  );

export const exposureDetectionSchema = z
  .strictObject({
    maxExposureDetectionsPerInterval: z.int().min(0).max(6).describe('Calls a UTC day; 0 turns detection off'),
    overallTimeoutInSeconds: seconds(3600),
  })
  .describe("CWA's ExposureDetectionParameters; the systems allow six calls a day (docs/spec/gaen.md §5)");

const probability = z.number().min(0).max(1);
const minutes = (max: number) =>
  z.array(z.int().min(0).max(max)).min(2).max(50).describe('Rising; between each two neighbours lies the same share');

const coursesSchema = z
  .strictObject({
    dayMinutes: minutes(2 * MINUTES_PER_DAY).describe(
      'Minutes from UTC midnight at which people scan and type: rising, between each two neighbours the same share; they sleep outside',
    ),
    resultMinutes: minutes(30 * MINUTES_PER_DAY).describe('From the scan of a test to its result'),
    shareMinutes: minutes(7 * MINUTES_PER_DAY).describe('From the result, on the phone, to the consent'),
    typedShareMinutes: minutes(7 * MINUTES_PER_DAY).describe('From typing a teleTAN or opening a card to the consent'),
    typedShare: probability.describe('Of feigned courses: opened by teleTAN or card, not by the scan of a test'),
    pendingShare: probability.describe('Of the scanned ones: no result comes'),
    pollDays: z.int().min(1).max(21).describe('After so many days without a result a phone stops polling'),
    repeatProbability: z
      .number()
      .min(0)
      .max(0.5)
      .describe('That a step is played once more as if its answer had been lost, real or feigned'),
  })
  .describe('How tests go, as phones feign them: as near as possible to how they do go where this is deployed');

export const coverTrafficSchema = z
  .strictObject({
    probabilityPerDay: probability.describe(
      'That a phone begins a feigned course on a given UTC day; a real one takes the place of the next feigned one',
    ),
    followUpPlaybooks: z.int().min(0).max(10).describe('Dummies after each action, real or feigned'),
    followUpDelaySeconds: z.strictObject({ min: seconds(86_400), max: seconds(86_400) }),
    followUpDays: z
      .int()
      .min(0)
      .max(13)
      .describe(
        'Days after the one of the test whose keys may be shared too, each with a consent and a TAN of its own; verification has the same number as FOLLOW_UP_DAYS',
      ),
    courses: coursesSchema,
    uploadBodyBytes: z.int().min(256).max(65_536).describe('Size every upload is padded to, real or dummy'),
  })
  .describe('Cover traffic: a schedule that every phone follows, so that no request says who was tested');

const schedule = z.strictObject({
  intervalSeconds: z.int().min(600).max(86_400).describe('How often something new can be there'),
  spreadSeconds: z.int().min(1).max(86_400).describe('Width of the random delay after the next interval begins'),
});

export const pollingSchema = z
  .strictObject({
    keys: schedule,
    parameters: schedule,
    testResult: schedule,
    retry: z
      .strictObject({ firstSeconds: z.int().min(1).max(3600), maximumSeconds: z.int().min(1).max(86_400) })
      .describe('Random back-off that doubles after each failure'),
    windows: z
      .array(
        z.strictObject({
          fromMinute: z
            .int()
            .min(0)
            .max(MINUTES_PER_DAY - 1),
          toMinute: z.int().min(1).max(MINUTES_PER_DAY),
        }),
      )
      .min(1)
      .max(24)
      .describe('Minutes of the UTC day in which phones may ask; the end is not part of a window'),
  })
  .describe('When phones ask: seconds until the next interval + random(spread), inside a window');

export const appVersionsSchema = z
  .strictObject({
    android: z.strictObject({
      minVersionCode: versionCode,
      latestVersionCode: versionCode,
      min: semanticVersion.describe('As CWA v1 names it'),
      latest: semanticVersion,
    }),
    ios: z.strictObject({ min: semanticVersion, latest: semanticVersion }),
  })
  .describe('Apps below `min` must be updated before they go on');

export const appFeatureSchema = z.strictObject({
  label: z.string().regex(/^[a-z0-9-]{1,60}$/, must('letters, digits and hyphens, at most 60')),
  value: z
    .int()
    .min(-INT32_MAX - 1)
    .max(INT32_MAX),
});

/** Of a document that was published before there was this field. */
const SECOND_PERSON_ABOVE = 10;

export const publicationSchema = z
  .strictObject({
    secondPersonAbovePercentage: z
      .number()
      .min(0)
      .max(100)
      .describe('What goes to a larger share of the phones needs a second person; 0: always, 100: never'),
  })
  .default({ secondPersonAbovePercentage: SECOND_PERSON_ABOVE })
  .describe('How the next document is published; phones ignore it');

export const supportedCountriesSchema = z.array(country).min(1).max(100);
export const regionsSchema = z.array(region).min(1).max(100);

export type CoverTraffic = z.infer<typeof coverTrafficSchema>;
export type Polling = z.infer<typeof pollingSchema>;
