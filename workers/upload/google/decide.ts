/**
 * @module How a publish request of Google's dialect is decided (docs/spec/google.md §1, docs/google-dialect.md): body, authority, certificate, what binds it to
 * the keys, keys, and then the retry protocol of both dialects (store.ts). What comes before the first call of a neighbour is the same work for whoever sends a
 * whole request, good, forged or chaff: where it fails doesn't show in what it takes.
 */
import { uploadDigests } from '../../../domain/keys/digest.ts';
import { judgeKeys } from '../../../domain/keys/google-keys.ts';
import { daysFromOnset, onsetInterval } from '../../../domain/keys/google-onset.ts';
import { KEY_DATA_BYTES } from '../../../domain/keys/limits.ts';
import { regionsOf, type PublishedPolicy } from '../../../domain/keys/regions.ts';
import { parseStrictJson } from '../../../domain/strict-json.ts';
import { fromUtf8 } from '../../../protocol/primitives/bytes.ts';
import { NO_AUTHORITIES, type Authorities } from '../../../protocol/publish/authorities.ts';
import { decodeAnyBase64, withoutLines } from '../../../protocol/publish/base64.ts';
import { certificateName, isKnownApp, mayCertify, verifyCertificate } from '../../../protocol/publish/certificate.ts';
import { readPublishRequest, type PublishRequest } from '../../../protocol/publish/request.ts';
import { matchesTekmac } from '../../../protocol/publish/tekmac.ts';
import type { BodyResult } from '../../shared/body.ts';
import type { Neighbours } from '../neighbours.ts';
import { storeUpload, type AuthorisedUpload } from '../store.ts';
import type { KeyNotes, PublishOutcome } from './outcome.ts';

/** Headers that reach this; everything else is gone before. */
export const PUBLISH_HEADERS = ['content-type', 'x-chaff'] as const;

/** Exactly so it begins, as Google's server has it. */
const MEDIA_TYPE = 'application/json';
/** A request, its keys, a key. */
const JSON_LIMITS = { depth: 3, members: 4_000 };
/** What is sent by an authority's apps may be told to other countries; a peer says what it takes (docs/federation.md). */
const CONSENT_TO_FEDERATION = true;
const NO_MAC = new Uint8Array(32);

/** An app whose requests a composition certifies by itself: the local edge's test authority, nowhere else. */
export type Certifier = (request: PublishRequest) => Promise<PublishRequest>;

/**
 * @param headers of the request, as far as {@link PUBLISH_HEADERS} lets them through
 * @param body as it was read
 * @param neighbours see {@link Neighbours}
 * @param certified what a composition makes of a request before it is judged; left out: nothing
 * @returns how it ended
 * @throws whatever an RPC throws: the phone is told to try later
 */
export async function decidePublish(
  headers: Headers,
  body: BodyResult,
  neighbours: Neighbours,
  certified: Certifier = async (request) => request,
): Promise<PublishOutcome> {
  const isChaff = (headers.get('x-chaff') ?? '') !== '';
  const read = readRequest(headers, body);
  if ('kind' in read) return isChaff ? { kind: 'chaff' } : read;
  const request = await certified(read);
  const now = await neighbours.clock();
  if (isChaff) {
    await judge(request, NO_AUTHORITIES, now);
    return { kind: 'chaff' };
  }
  const policy = await neighbours.policy().catch(() => null);
  if (policy === null) return { kind: 'authorities-unknown' };
  let judged = await judge(request, policy.authorities, now);
  if (policy.ended) return { kind: 'unknown-authority' };
  if (judged.kind === 'unknown-authority' || judged.kind === 'certificate-invalid') {
    // An authority, or a key of one, may be a minute younger than what is held here.
    const { authorities } = await neighbours.newerPolicy().catch(() => policy);
    if (authorities.version > policy.authorities.version) judged = await judge(request, authorities, now);
  }
  return judged.kind === 'good' ? publish(request, judged, policy, neighbours) : judged;
}

function readRequest(headers: Headers, body: BodyResult): PublishRequest | PublishOutcome {
  if (headers.get('content-type')?.startsWith(MEDIA_TYPE) !== true) return { kind: 'wrong-media-type' };
  if (body.kind === 'too-large') return { kind: 'too-large' };
  const json = body.kind === 'broken' ? null : parsed(body.bytes);
  const request = json?.ok === true ? readPublishRequest(json.value) : null;
  return request?.ok === true ? request.value : { kind: 'malformed' };
}

function parsed(bytes: Uint8Array): ReturnType<typeof parseStrictJson> | null {
  try {
    return parseStrictJson(fromUtf8(bytes), JSON_LIMITS);
  } catch {
    return null;
  }
}

/** A request whose certificate is good, and for these keys. */
interface Good {
  readonly kind: 'good';
  readonly upload: Omit<AuthorisedUpload, 'digest' | 'regions' | 'origin'>;
  /** All of the keys, before any rule that looks at the clock. */
  readonly sent: readonly { readonly keyData: Uint8Array }[];
  readonly notes: KeyNotes;
  /** Countries of the authority. */
  readonly countries: readonly string[];
}

/**
 * Everything is computed, whatever fails: then the first that failed is said, in the order of Google's server.
 *
 * @param authorities whose certificates are good
 */
async function judge(request: PublishRequest, authorities: Authorities, now: number): Promise<Good | PublishOutcome> {
  const { temporaryExposureKeys: sent, healthAuthorityID, verificationPayload, symptomOnsetInterval } = request;
  const verified = await verifyCertificate(verificationPayload, authorities, now);
  const hmacKey = decodeAnyBase64(request.hmacKey) ?? new Uint8Array();
  const isBound = matchesTekmac(sent, hmacKey, verified?.certificate.tekmac ?? NO_MAC) && hmacKey.length > 0;
  const reportType = verified?.certificate.reportType ?? 'negative';
  const onset = onsetInterval(symptomOnsetInterval, verified?.certificate.symptomOnsetInterval ?? null, now);
  const keys = sent.map(({ key, ...rest }) => ({ ...rest, keyData: decodeAnyBase64(key) }));
  const judged = judgeKeys(keys, { reportType, onset, now });
  if (!isKnownApp(authorities, healthAuthorityID)) return { kind: 'unknown-authority' };
  if (verified === null || !mayCertify(verified.authority, healthAuthorityID) || !isBound) {
    return { kind: 'certificate-invalid' };
  }
  if (judged.kind === 'refused') return { ...judged, kind: 'keys-refused' };
  const { authorityId, hash, expiresAt } = verified.certificate;
  const token = decodeAnyBase64(request.revisionToken);
  const onsetDays = daysFromOnset(symptomOnsetInterval, verified.certificate.symptomOnsetInterval, now);
  return {
    kind: 'good',
    upload: {
      authorisation: {
        kind: 'certificate',
        jwt: verificationPayload,
        name: certificateName(hash),
        publish: { authorityId, reportType, token: token?.length === 0 ? null : token, expiresAt, onsetDays },
      },
      keys: judged.keys,
      consentToFederation: CONSENT_TO_FEDERATION,
    },
    sent: keys.flatMap(({ keyData }) => (keyData?.length === KEY_DATA_BYTES ? [{ keyData }] : [])),
    notes: judged,
    countries: verified.authority.regions,
  };
}

async function publish(
  request: PublishRequest,
  { upload, sent, notes, countries }: Good,
  policy: PublishedPolicy,
  { config, redeem, intake }: Neighbours,
): Promise<PublishOutcome> {
  const { failures, warnings } = notes;
  const { homeCountry } = config.policy;
  if (!countries.includes(homeCountry)) return { kind: 'no-region' };
  const digests = uploadDigests({ keys: sent }, config.digestKeys);
  // Whoever says that they were abroad doesn't say where: as if every country had been named (decision 021).
  const visited = request.traveler ? policy.supportedCountries : [];
  const regions = await regionsOf(visited, homeCountry, async () => policy.supportedCountries);
  const ports = { redeem, intake, uploadIdKeys: config.uploadIdKeys };
  const stored = await storeUpload(ports, { ...upload, ...digests, regions, origin: homeCountry });
  switch (stored.kind) {
    case 'stored':
      if (stored.publish !== null) return { kind: 'published', published: stored.publish, failures, warnings };
      return { kind: 'nothing-new', revisionToken: ownToken(request), failures, warnings };
    case 'nothing-left':
      return { kind: 'nothing-new', revisionToken: ownToken(request), failures, warnings };
    case 'publish-refused':
      return stored;
    case 'unauthorised':
      return { kind: 'certificate-invalid' };
    case 'known': // of TANs alone
    case 'used':
    case 'try-later':
      return { kind: 'try-later' };
  }
}

/** A token of ours is 1,800 characters (protocol/publish/revision-token.ts); another one fits too, and more isn't sent back. */
const MAX_TOKEN_CHARACTERS = 2_048;

/** A phone keeps the token of the last answer: where there is none of ours, the one that it has stays good. */
const ownToken = ({ revisionToken }: PublishRequest): string =>
  revisionToken.length <= MAX_TOKEN_CHARACTERS && decodeAnyBase64(revisionToken) !== null
    ? withoutLines(revisionToken)
    : '';
