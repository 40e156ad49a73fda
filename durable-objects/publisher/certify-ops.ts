/**
 * @module What is left of a deployment (docs/sunset.md): the buckets are emptied beside the last heads, looked through, and what is left is signed.
 * A crash between deletions leaves objects that no head names: they are listed and deleted again.
 */
import {
  type BucketObject,
  CERTIFICATE_TYPE,
  type CertifyReply,
  type CertifyRequest,
  isEmpty,
  type KeptByPublisher,
  type Proof,
} from '../../domain/sunset.ts';
import { recoveryOf } from '../../domain/sunset-recovery.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { CERTIFICATE_KEY, lastListPaths } from '../../protocol/index/ended.ts';
import { headPath, parseManifestHead } from '../../protocol/index/manifest.ts';
import { signDocument, signedBy } from '../../protocol/index/signed-document.ts';
import { toBase64Url, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { r2Bucket } from './bucket.ts';
import type { PublisherConfig } from './model.ts';

/** R2 lists so many a call. */
const LISTED_A_CALL = 1_000;
/** Names in an answer that nothing is proved by: an operator needs some, not all. */
const MOST_NAMED = 50;

/** @returns names in the public bucket that stay for good */
function lastNames(regions: readonly string[]): Set<string> {
  return new Set([CERTIFICATE_KEY, ...regions.flatMap((region) => [headPath(region), ...lastListPaths(region)])]);
}

/** Deletes everything in the buckets but the last heads, the empty lists of CWA's and Google's views, and a certificate. */
export async function emptyBuckets({ PUBLIC, PRIVATE, FEEDS }: Buckets, regions: readonly string[]): Promise<void> {
  const publicBucket = r2Bucket(PUBLIC);
  const stay = lastNames(regions);
  await publicBucket.delete((await publicBucket.list('')).filter((name) => !stay.has(name)));
  for (const bucket of [PRIVATE, FEEDS].map((binding) => r2Bucket(binding))) {
    await bucket.delete(await bucket.list(''));
  }
}

/** Bindings of `origin`. */
interface Buckets {
  readonly PUBLIC: R2Bucket;
  readonly PRIVATE: R2Bucket;
  readonly FEEDS: R2Bucket;
}

/** @param most of each bucket @returns what lies in them */
export async function bucketObjects({ PUBLIC, PRIVATE, FEEDS }: Buckets, most: number): Promise<BucketObject[]> {
  const found: BucketObject[] = [];
  for (const [bucket, binding] of [
    ['public', PUBLIC],
    ['private', PRIVATE],
    ['feeds', FEEDS],
  ] as const) {
    let cursor: string | undefined;
    let left = most;
    do {
      const limit = Math.min(left, LISTED_A_CALL);
      const page = await binding.list({ limit, ...(cursor === undefined ? {} : { cursor }) });
      for (const { key, size, checksums } of page.objects) {
        const hash = checksums?.sha256 === undefined ? null : toBase64Url(new Uint8Array(checksums.sha256));
        found.push({ bucket, name: key, size, sha256: hash });
      }
      left -= page.objects.length;
      cursor = page.truncated && left > 0 ? page.cursor : undefined;
    } while (cursor !== undefined);
  }
  return found;
}

interface Certification {
  /** With the objects of every Worker. */
  readonly request: CertifyRequest;
  /** Of the publisher's own end; null before. */
  readonly kept: KeptByPublisher | null;
  readonly buckets: Buckets;
  readonly config: PublisherConfig;
}

/**
 * Looks at every object and bucket, and signs that nothing is left; the certificate is put into the public bucket.
 *
 * @returns the certificate, or what is left
 */
export async function certify({ request, kept, buckets, config }: Certification): Promise<CertifyReply> {
  const { deployment, now, objects, audit } = request;
  const stay = lastNames(config.regions);
  const lying = (await bucketObjects(buckets, MOST_NAMED + stay.size)).filter(({ name }) => name !== CERTIFICATE_KEY);
  const left = [
    ...objects.filter((one) => !isEmpty(one)).map(({ object, phase }) => `object ${object} (${phase})`),
    ...lying
      .filter(({ bucket, name }) => bucket !== 'public' || !stay.has(name))
      .map(({ bucket, name }) => `${bucket} ${name}`),
  ];
  if (kept === null || left.length > 0) return { kind: 'left', what: left.slice(0, MOST_NAMED) };
  const { heads, log } = kept;
  for (const { region, payloadSha256 } of heads) {
    if ((await lastHeadOf(buckets.PUBLIC, region, config)) !== payloadSha256)
      left.push(`public ${headPath(region)} (not ours)`);
  }
  if (left.length > 0) return { kind: 'left', what: left };
  const proof: Proof = {
    deployment,
    provedHour: hourOf(now),
    heads,
    log,
    objects,
    buckets: lying,
    audit,
    recovery: recoveryOf(objects),
  };
  const certificate = signDocument(CERTIFICATE_TYPE, config.logKeyId, proof, config.logSigner);
  await buckets.PUBLIC.put(CERTIFICATE_KEY, certificate, {
    sha256: sha256(utf8(certificate)),
    httpMetadata: { contentType: 'application/json', cacheControl: 'public, max-age=300' },
  });
  return { kind: 'proved', certificate, proof };
}

/** @returns base64url of SHA-256 of the payload of the head that phones get, when it is ours and says *ended*; else null */
async function lastHeadOf(bucket: R2Bucket, region: string, config: PublisherConfig): Promise<string | null> {
  const text = await (await bucket.get(headPath(region)))?.text();
  if (text === undefined) return null;
  const payload = signedBy('manifest', config.manifestKeyId, text, config.manifestSigner, config.formerManifestKeys);
  const head = parseManifestHead(payload);
  if (!head.ok || head.value.ended !== true) return null;
  return toBase64Url(sha256(utf8(JSON.stringify(payload))));
}
