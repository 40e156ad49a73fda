/**
 * @module How publishing ends (docs/sunset.md): once the deployment is stopped and nothing waits any more, heads say *ended*; then each region gets
 * a last one that names nothing, the buckets are emptied beside it, and what is left is proved.
 *
 * Durable order: `ended` (a row), heads as always; at the end the last heads, each fixed with its entry of the log before it is put, then `closed`
 * (a row), after which no step is taken; then the deletions. A crash before `closed` leaves a last head to publish or published; the repeated call
 * finds it. A crash between deletions leaves objects that no head names, which it lists and deletes again.
 */
import { CERTIFICATE_KEY, lastListPath } from '../../protocol/index/ended.ts';
import { headPath, parseManifestHead } from '../../protocol/index/manifest.ts';
import { signDocument, signedBy } from '../../protocol/index/signed-document.ts';
import { hourOf } from '../../protocol/gaen/intervals.ts';
import { toBase64Url, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import {
  type BucketObject,
  CERTIFICATE_TYPE,
  type CertifyReply,
  type CertifyRequest,
  isEmpty,
  type KeptByPublisher,
  type OriginEnding,
  type Proof,
} from '../../domain/sunset.ts';
import { recoveryOf } from '../../domain/sunset-recovery.ts';
import type { BucketPort } from './bucket.ts';
import type { EventLog } from './event-log.ts';
import { composeLastIndex, publishIndex } from './index-ops.ts';
import type { PublisherConfig } from './model.ts';
import type { Publication } from './publication.ts';
import type { PublisherStore } from './store.ts';

/** R2 lists so many a call. */
const LISTED_A_CALL = 1_000;
/** Names in an answer that nothing is proved by: an operator needs some, not all. */
const MOST_NAMED = 50;

/** @returns whether the last heads are published: nothing follows them */
export const isClosed = ({ store }: Publication): boolean => store.meta('closed') !== null;

/** When everything that was acknowledged is published, the next heads say that nothing comes any more. */
export async function noteEnd(p: Publication): Promise<void> {
  if (!p.stopped || p.store.meta('ended') !== null || (await waits(p))) return;
  p.store.setMeta('ended', hourOf(p.now));
}

/** Keys wait to be published, or to be taken back: a phone that has seen the end would never hear of either. */
async function waits({ buffer, takings }: Publication): Promise<boolean> {
  return takings.openRequests().length > 0 || (await buffer.waits());
}

/** @returns how far it has come; see {@link OriginEnding} */
export async function endingOf(p: Publication): Promise<OriginEnding> {
  const { config, store } = p;
  const plans = config.regions.map((region) => store.publishedIndex(region));
  // A deployment that never published has nobody to tell.
  const announced = store.meta('ended') !== null && plans.every((plan) => plan === null || plan.end !== undefined);
  return { waits: await waits(p).catch(() => false), announced, kept: null };
}

/** Publishes each region's last head. @throws Error while phones haven't been told that the service has ended */
export async function publishLast(p: Publication): Promise<void> {
  if (isClosed(p)) return;
  const ending = await endingOf(p);
  if (ending.waits) throw new Error('keys wait to be published, or to be taken back');
  if (!ending.announced) throw new Error('not every region says that the service has ended');
  for (const region of p.config.regions) {
    const isLast = (): boolean => (p.store.publishedIndex(region)?.end ?? 'last') === 'last';
    while (p.store.pendingIndex(region) !== null || !isLast()) {
      if (p.store.pendingIndex(region) === null) composeLastIndex(p, region);
      await p.log.flush(p.privateBucket);
      await publishIndex(p, p.store.pendingIndex(region)!);
    }
  }
  p.store.setMeta('closed', hourOf(p.now));
}

/** @returns names in the public bucket that stay for good */
function lastNames(regions: readonly string[]): Set<string> {
  return new Set([CERTIFICATE_KEY, ...regions.flatMap((region) => [headPath(region), lastListPath(region)])]);
}

/** Deletes everything in both buckets but the last heads, CWA's empty lists of days, and a certificate. */
export async function emptyBuckets(
  publicBucket: BucketPort,
  privateBucket: BucketPort,
  regions: readonly string[],
): Promise<void> {
  const stay = lastNames(regions);
  await publicBucket.delete((await publicBucket.list('')).filter((name) => !stay.has(name)));
  await privateBucket.delete(await privateBucket.list(''));
}

/** @returns what is kept of the publisher itself: public, all of it, or hashes and counts */
export function keptAtEnd(regions: readonly string[], store: PublisherStore, log: EventLog): KeptByPublisher {
  const { sequence, sha256: hash, fold } = log.head();
  return {
    heads: regions.flatMap((region) => {
      const head = store.head(region);
      return head === null ? [] : [{ region, sequence: head.sequence, payloadSha256: head.payloadSha256 }];
    }),
    log: { sequence, sha256: hash, counts: fold.counts },
  };
}

interface Buckets {
  readonly PUBLIC: R2Bucket;
  readonly PRIVATE: R2Bucket;
}

/** @param most of each bucket @returns what lies in both */
export async function bucketObjects({ PUBLIC, PRIVATE }: Buckets, most: number): Promise<BucketObject[]> {
  const found: BucketObject[] = [];
  for (const [bucket, binding] of [
    ['public', PUBLIC],
    ['private', PRIVATE],
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
  readonly kept: string | null;
  readonly buckets: Buckets;
  readonly config: PublisherConfig;
}

/**
 * Looks at every object and both buckets, and signs that nothing is left; the certificate is put into the public bucket.
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
      .filter(({ bucket, name }) => bucket === 'private' || !stay.has(name))
      .map(({ bucket, name }) => `${bucket} ${name}`),
  ];
  if (kept === null || left.length > 0) return { kind: 'left', what: left.slice(0, MOST_NAMED) };
  const { heads, log } = JSON.parse(kept) as KeptByPublisher;
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
  const payload = signedBy('manifest', config.manifestKeyId, text, config.manifestSigner);
  const head = parseManifestHead(payload);
  if (!head.ok || head.value.ended !== true) return null;
  return toBase64Url(sha256(utf8(JSON.stringify(payload))));
}
