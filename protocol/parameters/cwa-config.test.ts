import { describe, it } from 'vitest';
import defaults from '../../parameters/default.json' with { type: 'json' };
import { concatBytes, equalBytes, fromUtf8 } from '../primitives/bytes.ts';
import { EXPORT_HEADER } from '../export/export-file.ts';
import { CWA_APPS_DEFAULTS } from './cwa-apps.ts';
import { gaen } from '../generated/gaen-export.js';
import { cwaconfig } from '../generated/cwa-config.js';
import { pkcs8PemFromScalar, signerFromPkcs8Pem, verifyDer } from '../signing.ts';
import { readZip } from '../export/zip.ts';
import { appConfigAndroid, appConfigIos, appConfigV1, configZip, cwaConfigFiles } from './cwa-config.ts';
import { type Parameters, parametersSchema } from './document.ts';

const PARAMETERS: Parameters = {
  ...parametersSchema.parse(defaults),
  appFeatures: [
    { label: 'on', value: 3 },
    { label: 'off', value: 0 },
  ],
  keyDownload: {
    downloadTimeoutInSeconds: 60,
    overallTimeoutInSeconds: 480,
    revokedDayPackages: [{ region: 'DE', date: '2026-06-01', etag: '"d"' }],
    revokedHourPackages: [{ region: 'EUR', date: '2026-06-01', hour: 7, etag: '"h"' }],
  },
};

describe('messages (docs/spec/cwa.md §4)', () => {
  it('v1 holds the 36 numbers, thresholds, classes and versions', ({ expect }) => {
    const message = cwaconfig.ApplicationConfiguration.decode(appConfigV1(PARAMETERS));
    const { exposureConfig, attenuationDuration, appVersion, appFeatures, riskScoreClasses } = message;
    expect(message.minRiskScore).toBe(11);
    expect(exposureConfig).toMatchObject({
      transmission: { level3: 3, level8: 8 },
      transmissionWeight: 50,
      duration: { level4: 1 },
      daysSinceLastExposure: { level1: 5, level8: 5 },
      daysWeight: 20,
      attenuation: { level2: 2, level8: 2 },
      attenuationWeight: 50,
    });
    expect(exposureConfig?.transmission?.level1 ?? 0).toBe(0);
    expect(attenuationDuration).toMatchObject({
      thresholds: { lower: 55, upper: 63 },
      weights: { low: 1, mid: 0.5 },
      riskScoreNormalizationDivisor: 50,
    });
    expect(appVersion).toMatchObject({ ios: { latest: { major: 0, minor: 8, patch: 2 } } });
    expect(appFeatures?.appFeatures?.map((feature) => feature.active ?? false)).toEqual([true, false]);
    expect(riskScoreClasses?.riskScoreClasses?.map(({ label, max }) => [label, max])).toEqual([
      ['LOW', 15],
      ['HIGH', 9999],
    ]);
    expect(message.iosKeyDownloadParameters?.revokedDayPackages?.[0]).toMatchObject({ etag: '"d"' });
    expect(message.androidExposureDetectionParameters?.overallTimeoutInSeconds).toBe(900);
  });

  it('writes a version 0.x although 0 is the default, since CWA reads it with required fields', ({ expect }) => {
    const bytes = appConfigV1(PARAMETERS);
    // appVersion.ios.latest = 0.8.2: fields 1, 2, 3 as varints.
    const wanted = Uint8Array.of(0x08, 0, 0x10, 8, 0x18, 2);
    const found = bytes.some((_, at) => equalBytes(bytes.subarray(at, at + wanted.length), wanted));
    expect(found).toBe(true);
  });

  it('Android v2 holds mapping, summaries and the current risk calculation', ({ expect }) => {
    const message = cwaconfig.ApplicationConfigurationAndroid.decode(appConfigAndroid(PARAMETERS, 'current'));
    expect(message).toMatchObject({
      minVersionCode: 48,
      supportedCountries: ['DE'],
      keyDownloadParameters: { downloadTimeoutInSeconds: 60, revokedHourPackages: [{ hour: 7 }] },
      diagnosisKeysDataMapping: { daysSinceOnsetToInfectiousness: { 1: 1, 2: 2 }, reportTypeWhenMissing: 1 },
      dailySummariesConfig: { attenuationBucketThresholdDb: [30, 50, 70], reportTypeWeights: { 1: 1, 4: 1 } },
    });
    const risk = message.riskCalculationParameters;
    expect(risk?.trlFilters).toEqual([]);
    expect(risk?.maxEncounterAgeInDays).toBe(10);
    expect(risk?.normalizedTimePerDayToRiskLevelMapping?.[0]).toMatchObject({
      normalizedTimeRange: { min: 5, max: 9, maxExclusive: true },
      riskLevel: 1,
    });
    expect(risk?.transmissionRiskValueMapping).toHaveLength(8);
  });

  it('iOS holds factors instead of per cent; version 1 the older risk parameters', ({ expect }) => {
    const message = cwaconfig.ApplicationConfigurationIOS.decode(appConfigIos(PARAMETERS, 'legacy'));
    expect(message.exposureConfiguration).toMatchObject({
      infectiousnessForDaysSinceOnsetOfSymptoms: { 1: 1, 2: 2 },
      attenuationDurationThresholds: [30, 50, 70],
      nearDurationWeight: 1,
      reportTypeRecursiveWeight: 1,
    });
    expect(message.riskCalculationParameters).toMatchObject({
      transmissionRiskLevelMultiplier: 0.2,
      trlFilters: [{ dropIfTrlInRange: { min: 1, max: 2 } }],
    });
    expect(message.minVersion).toMatchObject({ minor: 5 });
  });
});

describe('the section for CWA’s apps (docs/spec/cwa.md §4.3)', () => {
  it('has the same defaults in the schema and in the document that operators begin with', ({ expect }) => {
    expect(defaults.cwaApps).toEqual(CWA_APPS_DEFAULTS);
  });

  it('may be absent: a document from before it is published with its defaults', ({ expect }) => {
    const { cwaApps: _, ...before } = defaults;
    expect(parametersSchema.parse(before)).toEqual(parametersSchema.parse(defaults));
  });
});

describe('ZIP (docs/architecture.md §6)', () => {
  const signerOf = (fill: number) => signerFromPkcs8Pem(pkcs8PemFromScalar(new Uint8Array(32).fill(fill)));
  const [exportKey, configKey] = [signerOf(7), signerOf(8)];
  const signers = [
    { name: { keyId: '262', keyVersion: 'v1' }, signer: exportKey.der },
    { name: { keyId: '262', keyVersion: 'config' }, signer: configKey.der },
  ];
  const message = appConfigIos(PARAMETERS, 'current');
  const zip = configZip(message, signers);

  it('holds the message without a header, and each signer’s signature over it alone', ({ expect }) => {
    const entries = readZip(
      zip,
      new Map([
        ['export.bin', 100_000],
        ['export.sig', 1_000],
      ]),
    );
    if (!entries.ok) throw new Error('no ZIP');
    const bin = entries.value.get('export.bin')!;
    expect(bin).toEqual(message);
    expect(fromUtf8(bin.subarray(0, 4).map((byte) => byte & 0x7f))).not.toBe('EK E');
    const { signatures } = gaen.TEKSignatureList.decode(entries.value.get('export.sig')!);
    expect(signatures.map(({ signatureInfo }) => signatureInfo?.verificationKeyVersion)).toEqual(['v1', 'config']);
    const valid = [exportKey, configKey].map(({ publicKeySpki }) =>
      signatures.map(({ signature }) => verifyDer(publicKeySpki, bin, Uint8Array.from(signature ?? []))),
    );
    expect(valid).toEqual([
      [true, false],
      [false, true],
    ]);
  });

  it('is the same for the same input', ({ expect }) => {
    expect(configZip(message, signers)).toEqual(zip);
  });

  it('is refused for bytes that a phone would take for keys', ({ expect }) => {
    expect(() => configZip(concatBytes(EXPORT_HEADER, message), signers)).toThrow('begins as an export');
  });

  it('stands at CWA’s five paths', ({ expect }) => {
    const files = cwaConfigFiles(PARAMETERS, 'DE');
    expect(files.map((file) => file.path)).toEqual([
      'version/v1/configuration/country/DE/app_config',
      'version/v1/app_config_android',
      'version/v1/app_config_ios',
      'version/v2/app_config_android',
      'version/v2/app_config_ios',
    ]);
    expect(files[3]?.message).not.toEqual(files[1]?.message);
  });
});
