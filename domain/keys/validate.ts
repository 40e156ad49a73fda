/**
 * @module From what a phone sent to what every phone accepts (docs/architecture.md §4.2): first the rules without a clock, later,
 * once the authorisation is held, the rules with one.
 */
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import type { Result } from '../../protocol/primitives/result.ts';
import { KEY_RULES, riskLevelOf } from './key-rules.ts';
import { MAX_ROLLING_PERIOD } from './limits.ts';
import { encodeRiskLevel } from './risk.ts';
import { UPLOAD_RULES, type UploadPolicy } from './upload-rules.ts';
import type { CheckedKey, CheckedUpload, UploadClaim, UploadedKey } from './uploaded.ts';

/** The first rule an upload broke. */
export interface Refusal {
  readonly kind: 'refused';
  /** Name of a rule in {@link UPLOAD_RULES}. */
  readonly rule: string;
}

/** What is left of an upload, and how many keys each rule dropped. */
export interface Publishable {
  readonly keys: readonly TemporaryExposureKey[];
  /** Rule name → number of keys, only where it is not 0. */
  readonly dropped: Readonly<Record<string, number>>;
}

/**
 * Applies every rule that looks at no clock.
 *
 * @param claim the upload as parsed
 * @param policy the home country, and whether there must be a key
 * @returns the upload with absent fields filled in, or the first rule it breaks
 */
export function checkUpload(claim: UploadClaim, policy: UploadPolicy): Result<CheckedUpload, Refusal> {
  const broken = UPLOAD_RULES.find((rule) => rule.broken(claim, policy));
  if (broken !== undefined) return { ok: false, error: { kind: 'refused', rule: broken.name } };
  return {
    ok: true,
    value: {
      keys: claim.keys.map(withDefaults),
      visitedCountries: claim.visitedCountries,
      consentToFederation: claim.consentToFederation ?? false,
    },
  };
}

function withDefaults(key: UploadedKey): CheckedKey {
  return {
    ...key,
    rollingStartIntervalNumber: key.rollingStartIntervalNumber ?? 0, // never null here: rule rolling-start-integer
    rollingPeriod: key.rollingPeriod ?? MAX_ROLLING_PERIOD,
  };
}

/**
 * Applies the rules that drop keys, and writes the rest as phones read them (docs/spec/cwa.md §2.4: report type and days
 * since onset stand for the risk level; symptoms are left behind).
 *
 * @param keys keys that {@link checkUpload} let through
 * @param now Unix seconds
 * @returns keys that every phone accepts, perhaps none
 */
export function publishableKeys(keys: readonly CheckedKey[], now: number): Publishable {
  const dropped: Record<string, number> = {};
  let left = keys;
  for (const rule of KEY_RULES) {
    const kept = rule.keep(left, now);
    if (kept.length < left.length) dropped[rule.name] = left.length - kept.length;
    left = kept;
  }
  return { keys: left.map(asPublished), dropped };
}

function asPublished(key: CheckedKey): TemporaryExposureKey {
  const level = riskLevelOf(key);
  return {
    keyData: key.keyData,
    transmissionRiskLevel: level,
    rollingStartIntervalNumber: key.rollingStartIntervalNumber,
    rollingPeriod: key.rollingPeriod,
    ...encodeRiskLevel(level),
  };
}
