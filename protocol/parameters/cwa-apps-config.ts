/**
 * @module The messages of CWA's configuration that both apps read alike beyond exposure notifications (docs/spec/cwa.md §4.3): fields 13 to 16
 * of the Android message, 12 to 15 of the iOS one. Surveys, analytics and error logs are left out: to both apps that is "off".
 */
import type { cwaconfig } from '../generated/cwa-config.js';
import { fromHex } from '../primitives/bytes.ts';
import type { CwaApps } from './cwa-apps.ts';

/** The cast alone says that an absent flag of a range may also be undefined, which the encoder takes as absent. */
const asMessages = <T>(list: readonly unknown[]): T[] => list as T[];

/**
 * @param apps the document's section
 * @returns the messages by the names that they have in both configurations
 */
export function cwaAppsMessages(apps: CwaApps) {
  const { dgcParameters: dgc, coronaTestParameters: tests, presenceTracingParameters: events } = apps;
  return {
    presenceTracingParameters: {
      riskCalculationParameters: {
        transmissionRiskValueMapping: events.transmissionRiskValueMapping,
        normalizedTimePerCheckInToRiskLevelMapping: asMessages<TimeToRiskLevel>(
          events.normalizedTimePerCheckInToRiskLevelMapping,
        ),
        normalizedTimePerDayToRiskLevelMapping: asMessages<TimeToRiskLevel>(
          events.normalizedTimePerDayToRiskLevelMapping,
        ),
        maxCheckInAgeInDays: events.maxCheckInAgeInDays,
      },
      submissionParameters: {
        durationFilters: asMessages<cwaconfig.DurationFilter.$Properties>(events.durationFilters),
        aerosoleDecayLinearFunctions: asMessages<cwaconfig.AerosoleDecayFunctionLinear.$Properties>(
          events.aerosoleDecayLinearFunctions,
        ),
      },
      qrCodeErrorCorrectionLevel: events.qrCodeErrorCorrectionLevel,
      qrCodeDescriptors: events.qrCodeDescriptors,
    },
    coronaTestParameters: {
      coronaRapidAntigenTestParameters: {
        hoursToDeemTestOutdated: tests.hoursToDeemTestOutdated,
        hoursSinceSampleCollectionToShowRiskCard: tests.hoursSinceSampleCollectionToShowRiskCard,
      },
      coronaPCRTestParameters: {
        hoursSinceTestRegistrationToShowRiskCard: tests.hoursSinceTestRegistrationToShowRiskCard,
      },
    },
    dgcParameters: {
      testCertificateParameters: {
        waitAfterPublicKeyRegistrationInSeconds: dgc.waitAfterPublicKeyRegistrationInSeconds,
        waitForRetryInSeconds: dgc.waitForRetryInSeconds,
      },
      expirationThresholdInDays: dgc.expirationThresholdInDays,
      reissueServicePublicKeyDigest: fromHex(dgc.reissueServicePublicKeyDigest),
    },
    selfReportParameters: { common: apps.selfReportParameters },
  };
}

type TimeToRiskLevel = cwaconfig.NormalizedTimeToRiskLevelMapping.$Properties;
