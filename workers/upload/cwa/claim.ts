/**
 * @module From the dialect's protobuf to a checked upload: what Corona-Warn-App's phones say, and nothing else of what
 * they sent (docs/architecture.md §4.1); and what a request is that says so in its body alone (docs/decisions/025).
 */
import type { UploadPolicy } from '../../../domain/keys/upload-rules.ts';
import type { CheckedUpload, UploadClaim } from '../../../domain/keys/uploaded.ts';
import { checkUpload } from '../../../domain/keys/validate.ts';
import type { Result } from '../../../protocol/primitives/result.ts';
import { decodeSubmissionPayload, type SubmissionPayload } from '../../../protocol/submission-payload.ts';
import type { Intent } from './headers.ts';
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
      withdrawalHash: key.withdrawalHash ?? null,
    })),
    visitedCountries: payload.visitedCountries,
    origin: payload.origin,
    consentToFederation: payload.consentToFederation,
    submissionType: payload.submissionType ?? 0,
  };
}

/** A checked upload, and what authorises it. */
export interface Claim {
  readonly upload: CheckedUpload;
  /** As it was sent; null for a dummy. */
  readonly authorisation: string | null;
}

/** What a body without a `cwa-fake` in front of it says it is; null: neither, or both. */
function statedIn({ cover, authorization }: SubmissionPayload): Exclude<Intent, { kind: 'in-body' | 'answer' }> | null {
  const isDummy = cover === true;
  if (isDummy === ((authorization ?? '') !== '')) return null;
  return isDummy ? { kind: 'dummy' } : { kind: 'upload', authorisation: authorization ?? '' };
}

/**
 * Parses a body and applies every rule that looks at no clock; a dummy's too, but that it may hold no key.
 *
 * @param body the whole body, within the limit
 * @param policy what the operator decides
 * @param intent what the headers say
 * @returns the checked upload with its authorisation, or how the request ends
 */
export function readClaim(
  body: Uint8Array,
  policy: Omit<UploadPolicy, 'minimumKeys'>,
  intent: Exclude<Intent, { kind: 'answer' }>,
): Result<Claim, Outcome> {
  const payload = decodeSubmissionPayload(body);
  if (!payload.ok) return { ok: false, error: { kind: 'malformed' } };
  const stated = intent.kind === 'in-body' ? statedIn(payload.value) : intent;
  if (stated === null) return { ok: false, error: { kind: 'bad-headers' } };
  const isDummy = stated.kind === 'dummy';
  const upload = checkUpload(claimOf(payload.value), { ...policy, minimumKeys: isDummy ? 0 : 1 });
  return upload.ok
    ? { ok: true, value: { upload: upload.value, authorisation: isDummy ? null : stated.authorisation } }
    : upload;
}
