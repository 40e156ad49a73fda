/**
 * @module From what a phone sent to what every phone accepts (docs/architecture.md §4.2): first the rules without a clock, later,
 * once the authorisation is held, the rules with one.
 */
import { INTERVALS_PER_DAY, SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import type { Result } from '../../protocol/primitives/result.ts';
import { asWithdrawalHash } from '../../protocol/withdrawal.ts';
import { TIME_RULES, KEY_RULES, LIMIT_RULES, riskLevelOf, type KeyRule } from './key-rules.ts';
import { MAX_ROLLING_PERIOD } from './limits.ts';
import { MINIMUM_PUBLISHED_RISK_LEVEL, encodeRiskLevel, wasBelowMinimum } from './risk.ts';
import { UPLOAD_RULES, type UploadPolicy } from './upload-rules.ts';
import type { AcceptedKey, CheckedKey, CheckedUpload, UploadClaim, UploadedKey } from './uploaded.ts';

/** The first rule an upload broke. */
export interface Refusal {
  readonly kind: 'refused';
  /** Name of a rule in {@link UPLOAD_RULES} or {@link LIMIT_RULES}. */
  readonly rule: string;
}

/** What is left of an upload, and how many keys each rule dropped. */
export interface Publishable {
  readonly keys: readonly AcceptedKey[];
  /** Rule name → number of keys, only where it is not 0. */
  readonly dropped: Readonly<Record<string, number>>;
  /** The first rule of {@link LIMIT_RULES} that the keys break: none of them may be stored then. */
  readonly refused: Refusal | null;
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
 * @returns keys that every phone accepts, perhaps none, perhaps too many
 */
export function publishableKeys(keys: readonly CheckedKey[], now: number): Publishable {
  const { left, dropped } = kept(KEY_RULES, keys, now);
  const broken = LIMIT_RULES.find((rule) => rule.broken(left));
  return {
    keys: left.map(asPublished),
    dropped,
    refused: broken === undefined ? null : { kind: 'refused', rule: broken.name },
  };
}

/** A key by which an upload can be told from others, though its levels were computed anew since. */
export interface RecognisableKey {
  /** As it would be published. */
  readonly key: AcceptedKey;
  /** False where an earlier attempt may have left the key out for its level: that it is new says nothing then. */
  readonly mustBeKnown: boolean;
}

/**
 * What an earlier attempt to send these keys may have stored: what is published today, first, and what would be if its level
 * weren't too low by now.
 *
 * @param keys keys that {@link checkUpload} let through
 * @param now Unix seconds
 * @returns see {@link RecognisableKey}
 */
export function recognisableKeys(keys: readonly CheckedKey[], now: number): RecognisableKey[] {
  const publishable = kept(KEY_RULES, keys, now).left;
  const tooLow = kept(TIME_RULES, keys, now).left.filter((key) => riskLevelOf(key) < MINIMUM_PUBLISHED_RISK_LEVEL);
  const today = Math.floor(now / SECONDS_PER_DAY);
  const wasPublishable = ({ daysSinceOnsetOfSymptoms: onset, rollingStartIntervalNumber: start }: CheckedKey) =>
    onset === null || !wasBelowMinimum(onset, today - Math.floor(start / INTERVALS_PER_DAY));
  return [
    ...publishable.map((key) => ({ key: asPublished(key), mustBeKnown: wasPublishable(key) })),
    ...tooLow.map((key) => ({ key: asPublished(key), mustBeKnown: false })),
  ];
}

function kept(rules: readonly KeyRule[], keys: readonly CheckedKey[], now: number) {
  const dropped: Record<string, number> = {};
  let left = keys;
  for (const rule of rules) {
    const stay = rule.keep(left, now);
    if (stay.length < left.length) dropped[rule.name] = left.length - stay.length;
    left = stay;
  }
  return { left, dropped };
}

/** @param key that passed the rules @returns it as phones read it */
export function asPublished(key: CheckedKey): AcceptedKey {
  const level = riskLevelOf(key);
  return {
    keyData: key.keyData,
    transmissionRiskLevel: level,
    rollingStartIntervalNumber: key.rollingStartIntervalNumber,
    rollingPeriod: key.rollingPeriod,
    ...encodeRiskLevel(level),
    withdrawalHash: asWithdrawalHash(key.withdrawalHash),
  };
}
