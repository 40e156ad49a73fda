/**
 * @module CWA's configuration as its apps read it (docs/spec/cwa.md §1.4, §4): protobuf messages in ZIPs that look like exports, but
 * whose export.bin has no 16-byte header and whose signatures are over export.bin alone (docs/architecture.md §6, decision 030).
 */
import { EXPORT_BIN, EXPORT_HEADER, EXPORT_SIG, type NamedSigner, signatureList } from '../export/export-file.ts';
import { cwaconfig } from '../generated/cwa-config.js';
import { equalBytes } from '../primitives/bytes.ts';
import { writeZip } from '../export/zip.ts';
import { cwaAppsMessages } from './cwa-apps-config.ts';
import type { Parameters } from './document.ts';
import type { RiskCalculationParameters } from './risk-calculation.ts';

/** First day of the onset map (docs/spec/gaen.md §8.2). */
const FIRST_ONSET_DAY = -14;
const PERCENT = 100;
/** What apps of /version/v1 multiply levels with (docs/spec/cwa.md §4.2, "multiplier"); the current ones use the value mapping. */
const LEGACY_MULTIPLIER = 0.2;
const CURRENT_MULTIPLIER = 0;

type Levels = Parameters['v1']['exposureConfiguration']['attenuationScores'];

function levels([level1, level2, level3, level4, level5, level6, level7, level8]: Levels) {
  return { level1, level2, level3, level4, level5, level6, level7, level8 };
}

function semanticVersion(text: string): { major: number; minor: number; patch: number } {
  const [major = 0, minor = 0, patch = 0] = text.split('.').map(Number);
  return { major, minor, patch };
}

/** Only what isn't NONE: CWA's maps leave the rest to the default (docs/spec/cwa.md §4.2). */
function onsetMap(slots: readonly number[]): Record<string, number> {
  const entries = slots.map((infectiousness, n) => [String(n + FIRST_ONSET_DAY), infectiousness] as const);
  return Object.fromEntries(entries.filter(([, infectiousness]) => infectiousness !== 0));
}

function packages({ keyDownload }: Parameters) {
  return {
    revokedDayPackages: keyDownload.revokedDayPackages,
    revokedHourPackages: keyDownload.revokedHourPackages,
  };
}

function androidDownload(parameters: Parameters) {
  const { downloadTimeoutInSeconds, overallTimeoutInSeconds } = parameters.keyDownload;
  return { ...packages(parameters), downloadTimeoutInSeconds, overallTimeoutInSeconds };
}

function riskCalculation(
  risk: RiskCalculationParameters,
  transmissionRiskLevelMultiplier: number,
): cwaconfig.RiskCalculationParameters.$Properties {
  // The cast alone says that an absent flag may also be undefined, which the encoder takes as absent.
  return { ...(risk as cwaconfig.RiskCalculationParameters.$Properties), transmissionRiskLevelMultiplier };
}

/** ApplicationConfiguration of GAEN v1: /version/v1/configuration/country/{c}/app_config. @returns protobuf */
export function appConfigV1(parameters: Parameters): Uint8Array {
  const { exposureConfiguration: v1, combinedRisk } = parameters.v1;
  const { android, ios } = parameters.appVersions;
  const [lower, upper] = v1.durationAtAttenuationThresholds;
  const { maxExposureDetectionsPerInterval } = parameters.exposureDetection;
  return finish(
    cwaconfig.ApplicationConfiguration.encode({
      minRiskScore: v1.minimumRiskScore,
      riskScoreClasses: { riskScoreClasses: combinedRisk.riskClasses },
      exposureConfig: {
        transmission: levels(v1.transmissionRiskScores),
        transmissionWeight: v1.transmissionRiskWeight,
        duration: levels(v1.durationScores),
        durationWeight: v1.durationWeight,
        daysSinceLastExposure: levels(v1.daysSinceLastExposureScores),
        daysWeight: v1.daysSinceLastExposureWeight,
        attenuation: levels(v1.attenuationScores),
        attenuationWeight: v1.attenuationWeight,
      },
      attenuationDuration: {
        thresholds: { lower, upper },
        weights: combinedRisk.weights,
        defaultBucketOffset: combinedRisk.defaultBucketOffset,
        riskScoreNormalizationDivisor: combinedRisk.riskScoreNormalizationDivisor,
      },
      appVersion: {
        ios: { latest: semanticVersion(ios.latest), min: semanticVersion(ios.min) },
        android: { latest: semanticVersion(android.latest), min: semanticVersion(android.min) },
      },
      // In version 1 a feature is on or off.
      appFeatures: { appFeatures: parameters.appFeatures.map(({ label, value }) => ({ label, active: value !== 0 })) },
      supportedCountries: parameters.supportedCountries,
      iosKeyDownloadParameters: packages(parameters),
      androidKeyDownloadParameters: androidDownload(parameters),
      iosExposureDetectionParameters: { maxExposureDetectionsPerInterval },
      androidExposureDetectionParameters: parameters.exposureDetection,
    }),
  );
}

/** Which risk parameters a path carries: /version/v1 the older ones (docs/spec/cwa.md §4.2). */
export type RiskDialect = 'legacy' | 'current';

function riskOf(parameters: Parameters, dialect: RiskDialect): cwaconfig.RiskCalculationParameters.$Properties {
  return dialect === 'legacy'
    ? riskCalculation(parameters.legacyRiskCalculation, LEGACY_MULTIPLIER)
    : riskCalculation(parameters.riskCalculation, CURRENT_MULTIPLIER);
}

/** ApplicationConfigurationAndroid: /version/{v1,v2}/app_config_android. @returns protobuf */
export function appConfigAndroid(parameters: Parameters, dialect: RiskDialect): Uint8Array {
  const { android } = parameters.appVersions;
  const { diagnosisKeysDataMapping: mapping, dailySummaries } = parameters.v2;
  return finish(
    cwaconfig.ApplicationConfigurationAndroid.encode({
      minVersionCode: android.minVersionCode,
      latestVersionCode: android.latestVersionCode,
      appFeatures: { appFeatures: parameters.appFeatures },
      supportedCountries: parameters.supportedCountries,
      keyDownloadParameters: androidDownload(parameters),
      exposureDetectionParameters: parameters.exposureDetection,
      riskCalculationParameters: riskOf(parameters, dialect),
      diagnosisKeysDataMapping: {
        daysSinceOnsetToInfectiousness: onsetMap(mapping.daysSinceOnsetToInfectiousness),
        infectiousnessWhenDaysSinceOnsetMissing: mapping.infectiousnessWhenDaysSinceOnsetMissing,
        reportTypeWhenMissing: mapping.reportTypeWhenMissing,
      },
      dailySummariesConfig: dailySummaries,
      ...cwaAppsMessages(parameters.cwaApps),
    }),
  );
}

/** ApplicationConfigurationIOS: /version/{v1,v2}/app_config_ios; weights as factors, not per cent. @returns protobuf */
export function appConfigIos(parameters: Parameters, dialect: RiskDialect): Uint8Array {
  const { ios } = parameters.appVersions;
  const v2 = parameters.v2.iosExposureConfiguration;
  return finish(
    cwaconfig.ApplicationConfigurationIOS.encode({
      minVersion: semanticVersion(ios.min),
      latestVersion: semanticVersion(ios.latest),
      appFeatures: { appFeatures: parameters.appFeatures },
      supportedCountries: parameters.supportedCountries,
      keyDownloadParameters: packages(parameters),
      exposureDetectionParameters: {
        maxExposureDetectionsPerInterval: parameters.exposureDetection.maxExposureDetectionsPerInterval,
      },
      riskCalculationParameters: riskOf(parameters, dialect),
      exposureConfiguration: {
        infectiousnessForDaysSinceOnsetOfSymptoms: onsetMap(v2.infectiousnessForDaysSinceOnsetOfSymptoms),
        reportTypeNoneMap: v2.reportTypeNoneMap,
        attenuationDurationThresholds: v2.attenuationDurationThresholds,
        immediateDurationWeight: v2.immediateDurationWeight / PERCENT,
        mediumDurationWeight: v2.mediumDurationWeight / PERCENT,
        nearDurationWeight: v2.nearDurationWeight / PERCENT,
        otherDurationWeight: v2.otherDurationWeight / PERCENT,
        daysSinceLastExposureThreshold: v2.daysSinceLastExposureThreshold,
        infectiousnessStandardWeight: v2.infectiousnessStandardWeight / PERCENT,
        infectiousnessHighWeight: v2.infectiousnessHighWeight / PERCENT,
        reportTypeConfirmedTestWeight: v2.reportTypeConfirmedTestWeight / PERCENT,
        reportTypeConfirmedClinicalDiagnosisWeight: v2.reportTypeConfirmedClinicalDiagnosisWeight / PERCENT,
        reportTypeSelfReportedWeight: v2.reportTypeSelfReportedWeight / PERCENT,
        reportTypeRecursiveWeight: v2.reportTypeRecursiveWeight / PERCENT,
      },
      ...cwaAppsMessages(parameters.cwaApps),
    }),
  );
}

function finish(writer: { finish(): Uint8Array }): Uint8Array {
  return Uint8Array.from(writer.finish());
}

/**
 * The ZIP around a configuration message. Against an export: no header, and each signature is over the message alone.
 * @param message protobuf from one of the functions above
 * @param signers the export key first, which CWA's iOS app pins for keys and configuration alike; its apps take a ZIP if any of
 *   its signatures is by a key that they pin (docs/spec/cwa.md §4.3)
 * @returns the same bytes for the same input
 * @throws {RangeError} when the message begins as an export does: then the export key's signature over it would be one of keys
 */
export function configZip(message: Uint8Array, signers: readonly NamedSigner[]): Uint8Array {
  if (equalBytes(message.subarray(0, EXPORT_HEADER.length), EXPORT_HEADER)) {
    throw new RangeError('configZip: the message begins as an export of keys does');
  }
  return writeZip([
    { name: EXPORT_BIN, data: message },
    { name: EXPORT_SIG, data: signatureList(message, signers) },
  ]);
}

/** One configuration ZIP: its path (no leading slash: the R2 key) and message. */
export interface CwaConfigFile {
  readonly path: string;
  readonly message: Uint8Array;
}

/** @returns paths of CWA's configuration ZIPs (docs/spec/cwa.md §1.4), without a leading slash */
export function cwaConfigPaths(country: string): readonly string[] {
  return [
    `version/v1/configuration/country/${country}/app_config`,
    'version/v1/app_config_android',
    'version/v1/app_config_ios',
    'version/v2/app_config_android',
    'version/v2/app_config_ios',
  ];
}

/** @returns path of the JSON list of countries that have a v1 configuration (docs/spec/cwa.md §1.4) */
export function cwaConfigCountryPath(): string {
  return 'version/v1/configuration/country';
}

/** @returns CWA's files for a document, in the order of {@link cwaConfigPaths} */
export function cwaConfigFiles(parameters: Parameters, country: string): readonly CwaConfigFile[] {
  const messages = [
    appConfigV1(parameters),
    appConfigAndroid(parameters, 'legacy'),
    appConfigIos(parameters, 'legacy'),
    appConfigAndroid(parameters, 'current'),
    appConfigIos(parameters, 'current'),
  ];
  return cwaConfigPaths(country).map((path, n) => ({ path, message: messages[n]! }));
}
