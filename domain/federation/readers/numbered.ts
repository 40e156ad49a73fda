/**
 * @module Feeds of numbered batches, ours and DP-3T's (docs/spec/europe.md §2.1): a document says which there are, each answer is signed by its header, bound to its URL and for a while. Numbers have no gaps, so what is
 * skipped, repeated or taken back shows.
 */
import { decodeExposedList, type ExposedKey, reportTypeOf } from '../../../protocol/feed/exposed-list.ts';
import { parseFeedLatest, parseGaenLatest } from '../../../protocol/feed/latest.ts';
import { ALL_TO_ALL, feedPath } from '../../../protocol/feed/names.ts';
import { jwksOf, SIGNATURE_HEADER, verifyAnswer } from '../../../protocol/feed/signature.ts';
import { MAX_ZIP_BYTES } from '../../../protocol/export/export-reader.ts';
import { MAX_FEED_KEYS } from '../../../protocol/export/feed-reader.ts';
import { SECONDS_PER_HOUR, SECONDS_PER_INTERVAL } from '../../../protocol/gaen/intervals.ts';
import { countFields } from '../../../protocol/primitives/protobuf-read.ts';
import { err, ok, type Result } from '../../../protocol/primitives/result.ts';
import type { InboundKey } from '../inbound.ts';
import { batchOf } from './export.ts';
import {
  get,
  nameOf,
  type FeedReader,
  type Following,
  type Got,
  type ReadBatch,
  type ReadFault,
  type ReadPorts,
} from './reader.ts';

/** Ours has some 200. */
const MAX_LATEST_BYTES = 4096;
/** Beside its keys a batch of DP-3T has one; the rest is room for fields that a later format may add. */
const MAX_HEAD_FIELDS = 16;
const FIRST_BATCH = 1;
/** A DP-3T feed doesn't say where it begins: fourteen days of hours back, no further. */
const MOST_BACK = 336;
/** After so long without a batch, what isn't there has had its time; before, it is withheld. */
const AWAY_SECONDS = MOST_BACK * SECONDS_PER_HOUR;

/** Which batches there are. */
interface Extent {
  readonly oldest: number;
  readonly latest: number;
  readonly recommendedNextPollTime: number;
  /** Whether `oldest` is the peer's word, or a guess. */
  readonly said: boolean;
}

interface Numbered {
  readonly extent: (ports: ReadPorts) => Promise<Result<Extent, ReadFault>>;
  /** @returns the batch; null when it isn't there */
  readonly read: (n: number, ports: ReadPorts) => Promise<Result<ReadBatch | null, ReadFault>>;
}

const feedOf = ({ config, homeCountry }: ReadPorts): string =>
  config.ReplicationType === 'a2a' ? ALL_TO_ALL : homeCountry;

/** Batches of `/v1/{feed}/keys`. */
const OURS: Numbered = {
  async extent(ports) {
    const feed = feedOf(ports);
    const got = await getSigned(ports, feedPath({ feed, view: 'keys', batch: null }), MAX_LATEST_BYTES);
    if (!got.ok) return got;
    if (got.value === null) return err({ kind: 'status', what: '404' });
    const parsed = parseFeedLatest(new TextDecoder().decode(got.value.body));
    if (!parsed.ok) return err({ kind: 'format', what: parsed.error });
    const latest = parsed.value;
    // Signed by the peer, and of another feed or region: its word for somebody else.
    if (latest.feed !== feed || latest.region !== ports.config.RegionID)
      return err({ kind: 'format', what: 'another feed' });
    if (latest.validUntil <= ports.now()) return err({ kind: 'signature', what: 'expired' });
    const { oldestBatchId: oldest, latestBatchId, recommendedNextPollTime } = latest;
    return ok({ oldest, latest: latestBatchId, recommendedNextPollTime, said: true });
  },
  async read(n, ports) {
    const got = await getSigned(ports, feedPath({ feed: feedOf(ports), view: 'keys', batch: n }), MAX_ZIP_BYTES);
    if (!got.ok) return got;
    if (got.value === null) return ok(null);
    const isOther = ({ region }: { readonly region: string }): string | null =>
      region === ports.config.RegionID ? null : 'keys of another region';
    return batchOf(ports, { id: String(n), zip: got.value.body, levels: true, isOther });
  },
};

/** Batches of `/v2/gaen`. */
const DP3T: Numbered = {
  async extent(ports) {
    const got = await getSigned(ports, feedPath({ feed: null, view: 'gaen', batch: null }), MAX_LATEST_BYTES);
    if (!got.ok) return got;
    if (got.value === null) return err({ kind: 'status', what: '404' });
    const parsed = parseGaenLatest(new TextDecoder().decode(got.value.body));
    if (!parsed.ok) return err({ kind: 'format', what: parsed.error });
    const { latestBatchId: latest, recommendedNextPollTime } = parsed.value;
    return ok({ oldest: Math.max(FIRST_BATCH, latest - MOST_BACK), latest, recommendedNextPollTime, said: false });
  },
  async read(n, ports) {
    const got = await getSigned(ports, feedPath({ feed: null, view: 'gaen', batch: n }), MAX_ZIP_BYTES);
    if (!got.ok) return got;
    if (got.value === null) return ok(null);
    const about = { id: String(n), sha256: nameOf(got.value.body) };
    // Counted first: a field of two bytes would be an object.
    const fields = countFields(got.value.body);
    if (fields > MAX_FEED_KEYS + MAX_HEAD_FIELDS) return ok({ ...about, count: 0, keys: [], tooMany: fields });
    const list = decodeExposedList(got.value.body);
    if (!list.ok) return err({ kind: 'format', what: list.error });
    const { RegionID: origin } = ports.config;
    const { count, exposed } = list.value;
    const inbound = (key: ExposedKey): InboundKey => {
      const start = key.rollingStartIntervalNumber;
      const rollingPeriod = key.validBeforeTime / SECONDS_PER_INTERVAL - start;
      const told = { keyData: key.keyData, rollingStartIntervalNumber: start, rollingPeriod, origin };
      return { ...told, transmissionRiskLevel: null, onset: null, reportType: reportTypeOf(key.type) };
    };
    const keys: Iterable<InboundKey> = {
      *[Symbol.iterator]() {
        for (const key of exposed) yield inbound(key);
      },
    };
    return ok({ ...about, count, keys });
  },
};

/** Reads our own feeds. */
export const oursReader: FeedReader = readerOf(OURS);
/** Reads DP-3T's. */
export const dp3tReader: FeedReader = readerOf(DP3T);

const isAway = ({ lastRead, now }: ReadPorts): boolean => lastRead === null || now() - lastRead >= AWAY_SECONDS;

function readerOf({ extent, read }: Numbered): FeedReader {
  return {
    async following(last, ports) {
      const found = await extent(ports);
      if (!found.ok) return found;
      const { oldest, latest, said, recommendedNextPollTime } = found.value;
      const had = last === null ? 0 : Number(last);
      // Compared with a number nothing would follow it, and the feed would look empty for good.
      if (!Number.isInteger(had)) return err({ kind: 'rewound', what: `no batch of this format: ${last}` });
      if (latest < had) return err({ kind: 'rewound', what: `${latest} after ${had}` });
      // Batches before the oldest have had their time, as their keys have.
      const wasAway = last !== null && !said && isAway(ports);
      const first = Math.max(had + 1, said || last === null || wasAway ? oldest : 0);
      for (let n = first; n <= latest; n++) {
        const batch = await read(n, ports);
        if (!batch.ok) return batch;
        const hasGap = wasAway && n > had + 1;
        if (batch.value !== null) return ok<Following>({ batch: batch.value, recommendedNextPollTime, hasGap });
        if (said || (last !== null && !wasAway)) return err({ kind: 'gap', what: String(n) });
      }
      if (wasAway && first <= latest) return err({ kind: 'gap', what: `${had + 1}..${latest}` });
      return ok<Following>({ batch: null, recommendedNextPollTime });
    },
    async batch(id, ports) {
      const batch = await read(Number(id), ports);
      if (!batch.ok) return batch;
      return batch.value === null ? err({ kind: 'gap', what: id }) : ok(batch.value);
    },
  };
}

/** @returns the answer when the peer signed it for this URL and until later; null for a 404, which nobody signs */
async function getSigned(ports: ReadPorts, path: string, limit: number): Promise<Result<Got | null, ReadFault>> {
  const got = await get(ports, path, limit);
  if (!got.ok) return got;
  if (got.value.status === 404) return ok(null);
  const { url, body, headers } = got.value;
  const trusted = {
    keys: ports.keys.flatMap(({ keyId, keyVersion, spki }) => jwksOf(keyId, keyVersion, spki)),
    subtle: ports.subtle,
  };
  const verified = await verifyAnswer(
    headers.get(SIGNATURE_HEADER),
    { url, body, feed: feedOf(ports) },
    ports.now(),
    trusted,
  );
  return verified.ok ? ok(got.value) : err({ kind: 'signature', what: verified.error });
}
