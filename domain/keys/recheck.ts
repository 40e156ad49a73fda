/**
 * @module `origin` judges an upload again, by the rules that `upload` has judged it by: a Worker that any phone can reach may
 * be taken over, and what is stored ends in a file that every phone reads (docs/architecture.md §4.2).
 */
import { isIssueId } from '../issue.ts';
import type { AcceptedUpload } from '../rpc.ts';
import { withHome } from './regions.ts';
import type { UploadPolicy } from './upload-rules.ts';
import { checkUpload, publishableKeys } from './validate.ts';

/**
 * @param upload as it came by RPC: whole keys (domain/packed-upload.ts), all else of any shape
 * @param policy the home country, as `upload` has it; whether the other regions are supported is judged by the published parameters (regions.ts)
 * @param now Unix seconds; a key that grew too old since `upload` looked is left out
 * @returns the upload with its keys written anew, at least one, or null when it breaks a rule or nothing is left
 */
export function recheckUpload(
  upload: AcceptedUpload,
  policy: Omit<UploadPolicy, 'minimumKeys'>,
  now: number,
): AcceptedUpload | null {
  if (!hasShape(upload) || upload.origin !== policy.homeCountry) return null;
  const claim = {
    keys: upload.keys,
    visitedCountries: [],
    origin: upload.origin,
    consentToFederation: upload.consentToFederation,
    submissionType: 0,
  };
  const checked = checkUpload(claim, { ...policy, minimumKeys: 1 });
  if (!checked.ok || withHome(upload.regions, policy.homeCountry).join() !== upload.regions.join()) return null;
  const { keys, refused } = publishableKeys(checked.value.keys, now);
  return keys.length === 0 || refused !== null ? null : { ...upload, keys };
}

/** Types lie about what another Worker sent; keys are what was unpacked, and judged by the rules. */
function hasShape(upload: AcceptedUpload): boolean {
  const { regions, consentToFederation, issueId } = upload;
  return (
    Array.isArray(regions) &&
    regions.every((region) => typeof region === 'string') &&
    typeof consentToFederation === 'boolean' &&
    (issueId === null || isIssueId(issueId))
  );
}
