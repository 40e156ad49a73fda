/**
 * @module From the dialect's protobuf to a checked upload: what Corona-Warn-App's phones say, and nothing else of what
 * they sent (docs/architecture.md §4.1).
 */
import type { UploadPolicy } from '../../domain/keys/upload-rules.ts';
import type { CheckedUpload, UploadClaim } from '../../domain/keys/uploaded.ts';
import { checkUpload } from '../../domain/keys/validate.ts';
import type { Result } from '../../protocol/primitives/result.ts';
import { decodeSubmissionPayload, type SubmissionPayload } from '../../protocol/submission-payload.ts';
import type { Outcome } from './outcome.ts';

const NO_KEY_DATA = new Uint8Array();

/** Padding, check-ins and the report types that were sent end here. */
function claimOf(payload: SubmissionPayload): UploadClaim {
  return {
    keys: payload.keys.map((key) => ({
      keyData: key.keyData ?? NO_KEY_DATA,
      transmissionRiskLevel: key.transmissionRiskLevel,
      rollingStartIntervalNumber: key.rollingStartIntervalNumber,
      rollingPeriod: key.rollingPeriod,
      daysSinceOnsetOfSymptoms: key.daysSinceOnsetOfSymptoms,
    })),
    visitedCountries: payload.visitedCountries,
    origin: payload.origin,
    consentToFederation: payload.consentToFederation,
    submissionType: payload.submissionType ?? 0,
  };
}

/**
 * Parses a body and applies every rule that looks at no clock; a dummy's too, but that it may hold no key.
 *
 * @param body the whole body, within the limit
 * @param policy what the operator decides
 * @param intent an upload, or a dummy
 * @returns the checked upload, or how the request ends
 */
export function readClaim(
  body: Uint8Array,
  policy: Omit<UploadPolicy, 'minimumKeys'>,
  intent: 'upload' | 'dummy',
): Result<CheckedUpload, Outcome> {
  const payload = decodeSubmissionPayload(body);
  if (!payload.ok) return { ok: false, error: { kind: 'malformed' } };
  return checkUpload(claimOf(payload.value), { ...policy, minimumKeys: intent === 'dummy' ? 0 : 1 });
}
