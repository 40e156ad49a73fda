/**
 * @module A peer for tests, in memory: its feed in every format that is read batch by batch, each answer signed by its own key as a backend signs it. What a test wants wrong, it bends in the answer.
 */
import { ECDSA_WITH_SHA256, EXPORT_HEADER, exportSignature, exportZip } from '../../protocol/export/export-file.ts';
import { ExposedListWriter } from '../../protocol/feed/exposed-list.ts';
import { ALL_TO_ALL, feedPath } from '../../protocol/feed/names.ts';
import { jwkId, signAnswer } from '../../protocol/feed/signature.ts';
import { hourOf, hourStart, keyEnd } from '../../protocol/gaen/intervals.ts';
import { REPORT_TYPE, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { gaen } from '../../protocol/generated/gaen-export.js';
import { concatBytes, toBase64, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import { signerFromPkcs8Pem } from '../../protocol/signing.ts';

const NAME = { keyId: '204', keyVersion: 'v1' };
export const PEER_URL = 'https://feeds.nl.example';

/** One sealed batch. */
export interface SealedBatch {
  readonly keys: readonly TemporaryExposureKey[];
  readonly revoked: readonly TemporaryExposureKey[];
  /** Unix seconds; left out: as it is asked for. */
  readonly sealedAt?: number;
}

/** @returns keys of a peer, whole days before `now`; the same for the same number */
export function peerKeys(first: number, count: number, now: number): TemporaryExposureKey[] {
  const yesterday = Math.floor(now / 86_400) * 144 - 144;
  return Array.from({ length: count }, (_, n) => ({
    keyData: sha256(utf8(`peer key ${first + n}`)).slice(0, 16),
    rollingStartIntervalNumber: yesterday - (n % 10) * 144,
    rollingPeriod: 144,
    transmissionRiskLevel: 6,
    reportType: REPORT_TYPE.CONFIRMED_CLINICAL_DIAGNOSIS,
    daysSinceOnsetOfSymptoms: 2,
  }));
}

export class PeerFeed {
  readonly region: string;
  readonly #pem: string;
  /** Batch 1 first. */
  readonly batches: SealedBatch[] = [];
  /** What the document says; null: the number of batches. */
  latest: number | null = null;
  oldest = 1;
  now: number;
  /** Paths that were asked for. */
  readonly asked: string[] = [];
  /** Changes an answer on its way. */
  bend: (path: string, answer: () => Response) => Promise<Response> = async (_path, answer) => answer();

  constructor(region: string, pem: string, now: number) {
    this.region = region;
    this.#pem = pem;
    this.now = now;
  }

  /** As a `PeerConfig` and a directory have it. */
  get verificationKey() {
    return { ...NAME, spki: toBase64(signerFromPkcs8Pem(this.#pem).publicKeySpki) };
  }

  seal(keys: readonly TemporaryExposureKey[], revoked: readonly TemporaryExposureKey[] = []): void {
    this.batches.push({ keys, revoked, sealedAt: this.now });
  }

  readonly fetch = async (asked: Request): Promise<Response> => {
    const path = asked.url.slice(PEER_URL.length);
    this.asked.push(path);
    return this.bend(path, () => this.answer(path));
  };

  answer(path: string): Response {
    const latest = this.latest ?? this.batches.length;
    const times = { recommendedNextPollTime: this.now + 3600, issuedAt: this.now - 60, validUntil: this.now + 7200 };
    for (const feed of [ALL_TO_ALL, 'DE']) {
      if (path === feedPath({ feed, view: 'keys', batch: null })) {
        return this.signed(
          path,
          this.json({ feed, region: this.region, oldestBatchId: this.oldest, latestBatchId: latest, ...times }),
        );
      }
    }
    if (path === '/v2/gaen/latest') {
      return this.signed(
        path,
        this.json({ latestBatchId: latest, recommendedNextPollTime: times.recommendedNextPollTime }),
      );
    }
    const [, view, number] = /^\/(v1\/(?:a2a|DE)\/keys|v2\/gaen\/exposed)\/(\d+)$/.exec(path) ?? [];
    const batch = this.batches[Number(number) - 1];
    if (view === undefined || batch === undefined || Number(number) < this.oldest)
      return new Response(null, { status: 404 });
    const body = view === 'v2/gaen/exposed' ? this.list(batch) : this.zip(batch);
    return this.signed(path, body);
  }

  /** @param region of the header; another one's keys are a fault @param part of a batch of several files */
  zip(
    { keys, revoked, sealedAt = this.now }: SealedBatch,
    region = this.region,
    start = hourStart(hourOf(sealedAt) - 1),
    seconds = 3600,
    part = { num: 1, size: 1 },
  ): Uint8Array {
    const message = {
      startTimestamp: start,
      endTimestamp: start + seconds,
      region,
      batchNum: part.num,
      batchSize: part.size,
      signatureInfos: [
        {
          verificationKeyId: NAME.keyId,
          verificationKeyVersion: NAME.keyVersion,
          signatureAlgorithm: ECDSA_WITH_SHA256,
        },
      ],
      keys: [...keys],
      revisedKeys: revoked.map((key) => ({ ...key, reportType: REPORT_TYPE.REVOKED })),
    };
    // Not by the writer, which refuses what a bad peer sends.
    return this.zipOf(concatBytes(EXPORT_HEADER, gaen.TemporaryExposureKeyExport.encode(message).finish()));
  }

  /** @param bin any bytes, in place of an export.bin @returns them signed as a file */
  zipOf(bin: Uint8Array): Uint8Array {
    const { der } = signerFromPkcs8Pem(this.#pem);
    return exportZip(bin, exportSignature(NAME, bin, der));
  }

  /** @param path that the header is bound to @param expires Unix seconds */
  signed(
    path: string,
    body: Uint8Array,
    expires = this.now + 7200,
    feed = path.startsWith('/v1/DE/') ? 'DE' : ALL_TO_ALL,
  ): Response {
    const { raw } = signerFromPkcs8Pem(this.#pem);
    const about = { url: `${PEER_URL}${path}`, body, feed, issuedAt: this.now, expires };
    const signature = signAnswer(about, { kid: jwkId(NAME.keyId, NAME.keyVersion), signer: raw });
    return new Response(Uint8Array.from(body), { headers: { signature } });
  }

  list({ keys, revoked, sealedAt = this.now }: SealedBatch): Uint8Array {
    const writer = new ExposedListWriter(sealedAt, keys.length + revoked.length);
    for (const key of [...keys, ...revoked].toSorted((a, b) => keyEnd(a) - keyEnd(b))) writer.add(key);
    return writer.finish();
  }

  json(value: unknown): Uint8Array {
    return utf8(JSON.stringify(value));
  }
}
