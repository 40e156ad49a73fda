/**
 * @module What a phone hands in, before and after the rules that look at no clock (docs/architecture.md §4.1, §4.2).
 */
import type { TemporaryExposureKey } from '../../protocol/gaen/keys.ts';

/** What goes with a key from the phone to the buffer, and is published with none. */
interface Withdrawable {
  /** By which its owner can take it back (protocol/withdrawal.ts); absent, null or malformed: nobody can. */
  readonly withdrawalHash?: Uint8Array | null;
}

/** A key that is taken in. */
export interface AcceptedKey extends TemporaryExposureKey, Withdrawable {}

/** A key as it was parsed: numbers as on the wire, null where the field was absent. */
export interface UploadedKey extends Withdrawable {
  readonly keyData: Uint8Array;
  readonly transmissionRiskLevel: number | null;
  readonly rollingStartIntervalNumber: number | null;
  readonly rollingPeriod: number | null;
  /** CWA's scale, −15..4000 (docs/spec/cwa.md §2.1 rule 7). */
  readonly daysSinceOnsetOfSymptoms: number | null;
}

/** All that is known of an upload once its dialect is parsed: no header, no address, no time. */
export interface UploadClaim {
  readonly keys: readonly UploadedKey[];
  readonly visitedCountries: readonly string[];
  readonly origin: string | null;
  readonly consentToFederation: boolean | null;
  /** CWA's SubmissionType, 0 when absent (docs/spec/cwa.md §1.1). */
  readonly submissionType: number;
}

/** A key that passed every rule without a clock. */
export interface CheckedKey extends Withdrawable {
  /** Exactly 16 bytes. */
  readonly keyData: Uint8Array;
  /** ≥ 0 */
  readonly rollingStartIntervalNumber: number;
  /** 1..144 */
  readonly rollingPeriod: number;
  /** 1..8, or null: then `daysSinceOnsetOfSymptoms` is there. */
  readonly transmissionRiskLevel: number | null;
  /** −15..4000, or null: then `transmissionRiskLevel` is there. */
  readonly daysSinceOnsetOfSymptoms: number | null;
}

/** An upload that passed every rule without a clock. */
export interface CheckedUpload {
  readonly keys: readonly CheckedKey[];
  /** As they came: any texts; what they lead to depends on the published parameters (regions.ts). */
  readonly visitedCountries: readonly string[];
  readonly consentToFederation: boolean;
}
