/**
 * @module What the last released Corona-Warn-Apps require of their configuration beyond exposure notifications, or show of it (docs/spec/cwa.md
 * §4.3): certificates, tests, check-ins, self-reports. This system serves none of these but tests; the defaults switch the others off in the
 * apps. A document without the section has the defaults, so that documents from before it stay readable and are published whole.
 */
import * as z from 'zod';
import { must } from './violation.ts';
import { rangeSchema } from './range.ts';
import { riskCalculationParametersSchema } from './risk-calculation.ts';

const INT32_MAX = 2 ** 31 - 1;
const HOURS_MAX = 10_000;
const { transmissionRiskValueMapping, normalizedTimePerEWToRiskLevelMapping: timeToRiskLevel } =
  riskCalculationParametersSchema.shape;

const dgcParametersSchema = z
  .strictObject({
    waitAfterPublicKeyRegistrationInSeconds: z.int().min(0).max(60),
    waitForRetryInSeconds: z.int().min(0).max(60),
    expirationThresholdInDays: z.int().min(1).max(365).describe('Certificates are shown as ending so many days before'),
    reissueServicePublicKeyDigest: z
      .string()
      .regex(/^[0-9a-f]{64}$/, must('64 hex digits, a SHA-256'))
      .describe(
        'Of the public key of the service that issues certificates anew; of nobody, 64 zeros: then that never works. Android refuses a configuration without it',
      ),
  })
  .describe("CWA's DGCParameters: health certificates");

const coronaTestParametersSchema = z
  .strictObject({
    hoursToDeemTestOutdated: z.int().min(1).max(HOURS_MAX).describe('Of a negative rapid test, from its sample on'),
    hoursSinceSampleCollectionToShowRiskCard: z
      .int()
      .min(1)
      .max(HOURS_MAX)
      .describe('Of a positive rapid test: then the card of the risk is shown again'),
    hoursSinceTestRegistrationToShowRiskCard: z.int().min(1).max(HOURS_MAX).describe('The same of a positive PCR test'),
  })
  .describe("CWA's CoronaTestParameters");

const presenceTracingParametersSchema = z
  .strictObject({
    qrCodeDescriptors: z
      .array(
        z.strictObject({
          regexPattern: z.string().min(1).max(500),
          versionGroupIndex: z.int().min(0).max(100),
          encodedPayloadGroupIndex: z.int().min(0).max(100),
          payloadEncoding: z.literal([0, 1]).describe('0 base32, 1 base64url'),
        }),
      )
      .max(20)
      .describe('Which QR codes are events; none: the apps know no event and nobody checks in'),
    qrCodeErrorCorrectionLevel: z.literal([0, 1, 2, 3]).describe('Of posters: 0 M, 1 L, 2 Q, 3 H'),
    maxCheckInAgeInDays: z.int().min(1).max(14),
    transmissionRiskValueMapping: transmissionRiskValueMapping.min(1),
    normalizedTimePerCheckInToRiskLevelMapping: timeToRiskLevel,
    normalizedTimePerDayToRiskLevelMapping: timeToRiskLevel,
    durationFilters: z.array(z.strictObject({ dropIfMinutesInRange: rangeSchema })).describe('Check-ins not to report'),
    aerosoleDecayLinearFunctions: z
      .array(z.strictObject({ minutesRange: rangeSchema, slope: z.number(), intercept: z.number() }))
      .min(1),
  })
  .describe("CWA's PresenceTracingParameters: check-ins at events. No warning of events is published here");

const selfReportParametersSchema = z
  .strictObject({
    timeSinceOnboardingInHours: z
      .int()
      .min(1)
      .max(INT32_MAX)
      .describe('Before, a phone may not report itself; a million hours: never. Apps take an absent one for 24'),
    timeBetweenSubmissionsInDays: z.int().min(1).max(INT32_MAX),
  })
  .describe("CWA's self-reports, whose uploads need a one-time password of a service that isn't run here");

export const cwaAppsSchema = z
  .strictObject({
    dgcParameters: dgcParametersSchema,
    coronaTestParameters: coronaTestParametersSchema,
    presenceTracingParameters: presenceTracingParametersSchema,
    selfReportParameters: selfReportParametersSchema,
  })
  .describe("What CWA's unmodified apps want to know beyond exposure notifications");

export type CwaApps = z.infer<typeof cwaAppsSchema>;

/** From here on the apps take a range's end for infinity (docs/spec/cwa.md §4.3, shipped values). */
const NO_END = 999_999;
const LOW_BELOW_TEN: CwaApps['presenceTracingParameters']['normalizedTimePerDayToRiskLevelMapping'] = [
  { normalizedTimeRange: { min: 0, minExclusive: true, max: 10, maxExclusive: true }, riskLevel: 1 },
  { normalizedTimeRange: { min: 10, max: NO_END }, riskLevel: 2 },
];
/** Values of levels 1..8 (docs/spec/cwa.md §4.2). */
const RISK_VALUES = [0, 0, 0.6, 0.8, 1, 1.2, 1.4, 1.6];

/** What CWA shipped (docs/spec/cwa.md §4.3), with what isn't served here switched off; parameters/default.json says the same. */
export const CWA_APPS_DEFAULTS: CwaApps = {
  dgcParameters: {
    waitAfterPublicKeyRegistrationInSeconds: 10,
    waitForRetryInSeconds: 10,
    expirationThresholdInDays: 14,
    reissueServicePublicKeyDigest: '0'.repeat(64),
  },
  coronaTestParameters: {
    hoursToDeemTestOutdated: 48,
    hoursSinceSampleCollectionToShowRiskCard: 168,
    hoursSinceTestRegistrationToShowRiskCard: 168,
  },
  presenceTracingParameters: {
    qrCodeDescriptors: [],
    qrCodeErrorCorrectionLevel: 3,
    maxCheckInAgeInDays: 10,
    transmissionRiskValueMapping: RISK_VALUES.map((transmissionRiskValue, n) => ({
      transmissionRiskLevel: n + 1,
      transmissionRiskValue,
    })),
    normalizedTimePerCheckInToRiskLevelMapping: LOW_BELOW_TEN,
    normalizedTimePerDayToRiskLevelMapping: LOW_BELOW_TEN,
    durationFilters: [{ dropIfMinutesInRange: { min: 0, max: 10, maxExclusive: true } }],
    aerosoleDecayLinearFunctions: [
      { minutesRange: { min: 0, max: 30 }, slope: 1, intercept: 0 },
      { minutesRange: { min: 30, minExclusive: true, max: NO_END }, slope: 0, intercept: 30 },
    ],
  },
  selfReportParameters: { timeSinceOnboardingInHours: 1_000_000, timeBetweenSubmissionsInDays: 90 },
};
