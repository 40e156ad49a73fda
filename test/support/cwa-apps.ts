/**
 * @module What the last released Corona-Warn-Apps make of a configuration ZIP, for tests: their verifiers, and what they refuse or show. The
 * messages are defined anew, after docs/spec/cwa.md §4.2 and §4.3 and with the types that stand in CWA's own files, so that a
 * number that is wrong in protocol/proto/cwa-config.proto isn't wrong here as well.
 */
import { verify } from 'node:crypto';
import protobuf from 'protobufjs';
import { readZip } from '../../protocol/export/zip.ts';

const DEFINITIONS = `syntax = "proto3";
message Signatures { repeated One signatures = 1; message One { bytes signature = 4; } }
message Range { double min = 1; bool minExclusive = 2; double max = 3; bool maxExclusive = 4; }
message TimeToLevel { Range normalizedTimeRange = 1; Level riskLevel = 2; enum Level { UNSPECIFIED = 0; LOW = 1; HIGH = 2; } }
message RiskValue { int32 transmissionRiskLevel = 1; double transmissionRiskValue = 2; }
message Version { uint32 major = 1; uint32 minor = 2; uint32 patch = 3; }
message Features { repeated Feature appFeatures = 1; message Feature { string label = 1; int32 value = 2; } }
message Download { repeated Package revokedDayPackages = 1; repeated Package revokedHourPackages = 2; int32 downloadTimeoutInSeconds = 3; int32 overallTimeoutInSeconds = 4; }
message Package { string region = 1; string date = 2; }
message Detection { int32 maxExposureDetectionsPerInterval = 1; int32 overallTimeoutInSeconds = 2; }
message Risk {
  repeated TimeToLevel normalizedTimePerEWToRiskLevelMapping = 4;
  repeated TimeToLevel normalizedTimePerDayToRiskLevelMapping = 5;
  repeated RiskValue transmissionRiskValueMapping = 8;
  int32 maxEncounterAgeInDays = 9;
}
message Mapping { map<int32, int32> daysSinceOnsetToInfectiousness = 1; int32 infectiousnessWhenDaysSinceOnsetMissing = 2; int32 reportTypeWhenMissing = 3; }
message Dgc {
  TestCertificate testCertificateParameters = 1;
  uint32 expirationThresholdInDays = 2;
  bytes reissueServicePublicKeyDigest = 4;
  message TestCertificate { uint32 waitAfterPublicKeyRegistrationInSeconds = 1; uint32 waitForRetryInSeconds = 2; }
}
message Tests {
  Rapid coronaRapidAntigenTestParameters = 1;
  Pcr coronaPCRTestParameters = 2;
  message Rapid { uint32 hoursToDeemTestOutdated = 1; uint32 hoursSinceSampleCollectionToShowRiskCard = 2; }
  message Pcr { uint32 hoursSinceTestRegistrationToShowRiskCard = 1; }
}
message Events {
  EventRisk riskCalculationParameters = 1;
  EventSubmission submissionParameters = 2;
  Correction qrCodeErrorCorrectionLevel = 3;
  repeated uint32 revokedTraceLocationVersions = 4;
  FakeCheckIns plausibleDeniabilityParameters = 5;
  repeated Descriptor qrCodeDescriptors = 6;
  enum Correction { MEDIUM = 0; LOW = 1; QUANTILE = 2; HIGH = 3; }
  message FakeCheckIns { repeated uint32 checkInSizesInBytes = 1; }
  message EventRisk {
    repeated RiskValue transmissionRiskValueMapping = 1;
    repeated TimeToLevel normalizedTimePerCheckInToRiskLevelMapping = 2;
    repeated TimeToLevel normalizedTimePerDayToRiskLevelMapping = 3;
    uint32 maxCheckInAgeInDays = 4;
  }
  message EventSubmission {
    repeated Filter durationFilters = 1;
    repeated Decay aerosoleDecayLinearFunctions = 2;
    message Filter { Range dropIfMinutesInRange = 1; }
    message Decay { Range minutesRange = 1; double slope = 2; double intercept = 3; }
  }
  message Descriptor { string regexPattern = 1; uint32 versionGroupIndex = 2; uint32 encodedPayloadGroupIndex = 3; Encoding payloadEncoding = 4; enum Encoding { BASE32 = 0; BASE64 = 1; } }
}
message SelfReport { Common common = 1; message Common { int32 timeSinceOnboardingInHours = 1; int32 timeBetweenSubmissionsInDays = 2; } }
message Android {
  int64 minVersionCode = 1;
  int64 latestVersionCode = 2;
  Features appFeatures = 3;
  repeated string supportedCountries = 4;
  Download keyDownloadParameters = 5;
  Detection exposureDetectionParameters = 6;
  Risk riskCalculationParameters = 7;
  Mapping diagnosisKeysDataMapping = 8;
  Events presenceTracingParameters = 13;
  Tests coronaTestParameters = 14;
  Dgc dgcParameters = 15;
  SelfReport selfReportParameters = 16;
}
message IOS {
  Version minVersion = 1;
  Version latestVersion = 2;
  Features appFeatures = 3;
  repeated string supportedCountries = 4;
  Download keyDownloadParameters = 5;
  Detection exposureDetectionParameters = 6;
  Risk riskCalculationParameters = 7;
  Events presenceTracingParameters = 12;
  Tests coronaTestParameters = 13;
  Dgc dgcParameters = 14;
  SelfReport selfReportParameters = 15;
}`;
const { root } = protobuf.parse(DEFINITIONS);

/** A configuration as an app's generated code gives it: absent messages are null, absent scalars their default. */
// oxlint-disable-next-line typescript/no-explicit-any -- the definitions are text, so are the names
export type AppConfiguration = any;

const decode = (type: string, bytes: Uint8Array): AppConfiguration =>
  root.lookupType(type).toObject(root.lookupType(type).decode(bytes), { defaults: true, longs: Number, enums: String });

/** Why an app keeps its former configuration, at first the one in its bundle. */
class ConfigurationRefused extends Error {
  override readonly name = 'ConfigurationRefused';
}

/**
 * @param zip any of CWA's configuration ZIPs
 * @param spkis the keys that an app pins
 * @returns export.bin, if one of the signatures over it is by one of the keys: the rule of both apps (docs/spec/cwa.md §4.3, "a signature")
 * @throws ConfigurationRefused
 */
export function verified(zip: Uint8Array, spkis: readonly Uint8Array[]): Uint8Array {
  const entries = readZip(
    zip,
    new Map([
      ['export.bin', 1_000_000],
      ['export.sig', 65_536],
    ]),
  );
  const bin = entries.ok ? entries.value.get('export.bin') : undefined;
  const sig = entries.ok ? entries.value.get('export.sig') : undefined;
  if (bin === undefined || sig === undefined) throw new ConfigurationRefused('no export.bin and export.sig');
  const { signatures } = decode('Signatures', sig) as { signatures: { signature: Uint8Array }[] };
  const valid = spkis.some((spki) =>
    signatures.some(({ signature }) =>
      verify('sha256', bin, { key: Buffer.from(spki), format: 'der', type: 'spki' }, signature),
    ),
  );
  if (!valid) throw new ConfigurationRefused('no signature by a pinned key');
  return bin;
}

/** What Android's mappers throw for: name in docs/spec/cwa.md §4.3, and what must be so. */
const ANDROID_REQUIRES: readonly (readonly [name: string, there: (config: AppConfiguration) => boolean])[] = [
  ['riskCalculationParameters', (c) => c.riskCalculationParameters !== null],
  ['diagnosisKeysDataMapping', (c) => c.diagnosisKeysDataMapping !== null],
  ['transmissionRiskValueMapping', (c) => c.riskCalculationParameters.transmissionRiskValueMapping.length > 0],
  ['dgcParameters', (c) => c.dgcParameters !== null],
  ['reissueServicePublicKeyDigest', (c) => c.dgcParameters.reissueServicePublicKeyDigest.length > 0],
];

/**
 * @param zip body of /version/v2/app_config_android
 * @param spkis the keys that the app pins
 * @returns the configuration that the app goes on with
 * @throws ConfigurationRefused when it keeps the one it had
 */
export function readByAndroid(zip: Uint8Array, spkis: readonly Uint8Array[]): AppConfiguration {
  const config = decode('Android', verified(zip, spkis));
  for (const [name, there] of ANDROID_REQUIRES) if (!there(config)) throw new ConfigurationRefused(`no ${name}`);
  return config;
}

/**
 * @param zip body of /version/v2/app_config_ios
 * @param spki the one key that the app pins, the one that it verifies key packages with
 * @returns the configuration
 * @throws ConfigurationRefused when it keeps the one it had
 */
export function readByIos(zip: Uint8Array, spki: Uint8Array): AppConfiguration {
  return decode('IOS', verified(zip, [spki]));
}

/** Names that the app refuses to do without. */
export const androidRequires: readonly string[] = ANDROID_REQUIRES.map(([name]) => name);
