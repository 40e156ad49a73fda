/**
 * @module `origin` judges what `upload` hands on of a certificate: a Worker that any phone can reach may be taken over. What the certificate says is MACed by `verification`
 * (intake-permit.ts); here is that the keys' levels are those that stand for it, and that all of it has its form.
 */
import { CERTIFIED_REPORTS } from '../protocol/publish/report-type.ts';
import { isLevelOf } from './keys/report-transitions.ts';
import type { AcceptedKey } from './keys/uploaded.ts';
import { ONSET_DAYS } from './publish-stats.ts';
import type { PublishPart } from './rpc-publish.ts';

/** As a document of authorities may call one; what is longer is no name. */
const MOST_CHARACTERS = 64;

/**
 * @param part as it came by RPC, of any shape
 * @param keys of the upload
 * @returns the part and nothing else, or null when it isn't one, or a key's level says something else
 */
export function recheckPart(part: PublishPart, keys: readonly AcceptedKey[]): PublishPart | null {
  if (typeof part !== 'object' || part === null) return null;
  const { authorityId, reportType, token, expiresAt, onsetDays } = part;
  const isPart =
    typeof authorityId === 'string' &&
    authorityId.length <= MOST_CHARACTERS &&
    CERTIFIED_REPORTS.includes(reportType) &&
    (token === null || token instanceof Uint8Array) &&
    Number.isFinite(expiresAt) &&
    (onsetDays === null || (Number.isInteger(onsetDays) && onsetDays >= 0 && onsetDays < ONSET_DAYS));
  if (!isPart || !keys.every(({ transmissionRiskLevel }) => isLevelOf(transmissionRiskLevel, reportType))) return null;
  return { authorityId, reportType, token, expiresAt, onsetDays };
}
