/**
 * @module How an upload of Corona-Warn-App's dialect is decided: headers first, then the body, then the authorisation, the order of CWA's server, so that its
 * statuses come out (docs/spec/cwa.md §1.1).
 */
import { uploadDigests } from '../../../domain/keys/digest.ts';
import { publishableKeys } from '../../../domain/keys/validate.ts';
import { authenticateTan } from '../../../domain/tan.ts';
import { firstOf } from '../../../protocol/primitives/key-ring.ts';
import type { BodyResult } from '../../shared/body.ts';
import type { Neighbours } from '../neighbours.ts';
import { readClaim } from './claim.ts';
import { readHeaders } from './headers.ts';
import type { Outcome } from './outcome.ts';
import { storeTanUpload } from './tan-upload.ts';

/** Where phones post to. */
export const UPLOAD_PATH = '/version/v1/diagnosis-keys';
/** docs/architecture.md §4.1; 30 keys, padding and headers of CWA's clients are below 2 KB. */
export const MAX_BODY_BYTES = 64 * 1024;

/**
 * @param headers of the request, as far as DIALECT_HEADERS lets them through
 * @param body as it was read
 * @param neighbours see {@link Neighbours}
 * @returns how it ended
 * @throws whatever an RPC throws: the phone is told to try later
 */
export async function decideUpload(headers: Headers, body: BodyResult, neighbours: Neighbours): Promise<Outcome> {
  const { config, clock, policy, redeem, intake } = neighbours;
  const intent = readHeaders(headers);
  // Whoever can't be asked hasn't said that it is over: uploads go on as they did.
  if (
    await policy().then(
      ({ ended }) => ended,
      () => false,
    )
  )
    return { kind: 'ended' };
  if (intent.kind === 'answer') return intent.outcome;
  if (body.kind === 'too-large') return { kind: 'too-large' };
  if (body.kind === 'broken') return { kind: 'malformed' };
  const claim = readClaim(body.bytes, config.policy, intent);
  if (!claim.ok) return claim.error;
  const { upload, authorisation } = claim.value;
  const digests = uploadDigests(upload, config.digestKeys);
  if (authorisation === null) {
    return publishableKeys(upload.keys, await clock()).refused ?? { kind: 'dummy' };
  }
  const now = await clock();
  const tan = firstOf(config.tanMacKeys, (key) => authenticateTan(authorisation, key, now));
  if (tan === null) return { kind: 'unauthorised' };
  const supportedCountries = async (): Promise<readonly string[]> => (await policy()).supportedCountries;
  return storeTanUpload(
    { redeem, intake, now: clock, supportedCountries, uploadIdKeys: config.uploadIdKeys },
    { tan, ...digests, upload, origin: config.policy.homeCountry },
  );
}
