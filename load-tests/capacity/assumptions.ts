/**
 * @module What the capacity model takes in, and three sets of it: the Corona-Warn-App's estimate (CWA solution architecture, "Bandwidth
 * estimations"), Vukolić's worldwide one (arXiv:2006.13087, §3.6 and §4), and this project's own, whose bytes and CPU were
 * measured (load-tests/measured.json), and whose cover traffic and polls are those of a parameter document (schedule.ts).
 */
import { CONFIG_CACHE, HEAD_META, listMeta } from '../../domain/publication/head.ts';
import type { Schedule } from './schedule.ts';

/** How often a phone asks: 24 sessions a day, or one. */
export type Rhythm = 'hourly' | 'daily';

/** How phones read: by our manifest, by CWA's tree, or as an estimate that counts nothing but keys. */
type View = 'manifest' | 'cwa' | 'estimate';

/** Inputs of the model. Every count is a day's unless it says otherwise. */
export interface Assumptions extends Omit<Schedule, 'decoysPerReal'> {
  readonly name: string;
  readonly phones: number;
  /** Infected people who upload, a day. */
  readonly casesPerDay: number;
  readonly keysPerCase: number;
  readonly rhythm: Rhythm;
  readonly view: View;
  /** Bytes one key takes on the way to a phone, its share of the file included, overhead not. */
  readonly bytesPerKey: number;
  /** Part of `keys × bytesPerKey` that comes on top: headers, handshakes, failed downloads. 1 is the 100 % of CWA's estimate. */
  readonly overhead: number;
  /** Bytes of a session apart from files: handshake, request and answer headers, the head or index. */
  readonly bytesPerSession: number;
  /** Bytes of one file apart from its keys: ZIP and protobuf frame, signature, its own request and answer headers. */
  readonly bytesPerFile: number;
  /** Bytes of what is fetched once a day apart from files: day page or date index. */
  readonly bytesPerDayIndex: number;
  /** Keys this view can carry a day, or null when it has no bound (docs/architecture.md §5.4: CWA's tree, 600,000). */
  readonly keysPerDayCap: number | null;
  /** Share of sessions that fail at their end, the dearest way, and are made again. */
  readonly retryShare: number;
  /** Busiest second by the mean one. 1 when phones spread; 60 when the hour's phones all come in one minute. */
  readonly peakFactor: number;
  /** Published regions (docs/architecture.md §5: home country and union). */
  readonly regions: number;
  /** Upper-tier caches, each a reader of the bucket. */
  readonly upperTiers: number;
  /** Seconds the polled head may be served without asking the origin again. */
  readonly headTtlSeconds: number;
  /** Seconds of the same for the configuration's head. */
  readonly configTtlSeconds: number;
  /** Fake uploads for each real one, and no questions to verification, as CWA's estimate counts; null: by the schedule. */
  readonly decoysPerReal: number | null;
  /** Bytes of a poll that finds nothing new, on a connection of its own: handshake, request, 304. */
  readonly bytesPerUnchangedPoll: number;
  /** Bytes of an action of cover: two questions on one connection, an upload on another. */
  readonly bytesPerAction: number;
  /** Whether TCP and IP are counted beside: an estimate has them in its overhead. */
  readonly withTcpIp: boolean;
  readonly daysKept: number;
  /** CPU of one `index` invocation, ms. */
  readonly indexCpuMilliseconds: number;
  /** CPU of one real upload over `upload`, ledger and buffer, ms. */
  readonly uploadCpuMilliseconds: number;
  /** CPU of one dummy upload, ms. */
  readonly dummyCpuMilliseconds: number;
  /** CPU of one question to verification, ms. */
  readonly questionCpuMilliseconds: number;
  /** Durable Object calls of one real test beside those of its polls: registration, result, first question, TAN. */
  readonly callsPerTest: number;
  /** Durable Object rows written for one real test: registered, result, TAN, deleted. */
  readonly rowsPerTest: number;
  /** Durable Object calls that one real upload makes: reserve, accept, commit. */
  readonly objectCallsPerUpload: number;
  /** Durable Object rows written for one upload apart from its keys: TAN states, upload id, counters. */
  readonly rowsPerUpload: number;
  /** Durable Object rows written for one key over its life: the row and the keyed hash, written and deleted. */
  readonly rowsPerKey: number;
  /** Durable Objects that may be awake all day (upper bound of their duration). */
  readonly objectsAwake: number;
  /** Backends that publish each other's keys, all-to-all; phones and cases are those of all together. 1: it stands alone. */
  readonly sites: number;
  /** Bytes of asking a peer what there is, on a connection of its own: handshake of both sides, request, answer. */
  readonly bytesPerPeerPoll: number;
  /** Bytes of fetching one batch on that connection, apart from its keys. */
  readonly bytesPerPeerBatch: number;
  /** An hour of a site that has a key has at least so many, decoys included (docs/architecture.md §5.4); 0: not counted. */
  readonly fewestKeysPerHour: number;
  /** Synthetic keys beside them that are set aside for keys that are taken back (decision 040). */
  readonly keysSetAsidePerHour: number;
}

/** @returns seconds that a cache may keep what is served with these headers */
function lifeOf(cacheControl: string): number {
  const seconds = /\bmax-age=(\d+)/.exec(cacheControl)?.[1];
  if (seconds === undefined) throw new Error(`capacity: "${cacheControl}" has no max-age`);
  return Number(seconds);
}

/** A phone that follows no document of parameters: polls of keys alone, each hour. */
const NO_SCHEDULE: Omit<Schedule, 'decoysPerReal'> = {
  keyPollsPerDay: 24,
  parameterPollsPerDay: 0,
  parameterRefreshesPerDay: 0,
  bytesPerDocument: 0,
  coursesPerPhone: 0,
  actionsPerCourse: 0,
  pollsPerCourse: 0,
  testsPerPhone: 0,
};

/** What is polled of CWA's tree are its lists. */
const LIST_SECONDS = lifeOf(listMeta('').cacheControl);

const ESTIMATE: Assumptions = {
  ...NO_SCHEDULE,
  name: 'estimate',
  phones: 0,
  casesPerDay: 0,
  keysPerCase: 14,
  rhythm: 'hourly',
  view: 'estimate',
  bytesPerKey: 0,
  overhead: 0,
  bytesPerSession: 0,
  bytesPerFile: 0,
  bytesPerDayIndex: 0,
  keysPerDayCap: null,
  retryShare: 0,
  peakFactor: 1,
  regions: 1,
  upperTiers: 3,
  headTtlSeconds: LIST_SECONDS,
  configTtlSeconds: lifeOf(CONFIG_CACHE),
  decoysPerReal: 20,
  daysKept: 14,
  indexCpuMilliseconds: 0,
  uploadCpuMilliseconds: 0,
  dummyCpuMilliseconds: 0,
  questionCpuMilliseconds: 0,
  bytesPerUnchangedPoll: 0,
  bytesPerAction: 0,
  withTcpIp: false,
  callsPerTest: 4,
  rowsPerTest: 4,
  objectCallsPerUpload: 3,
  rowsPerUpload: 8,
  rowsPerKey: 4,
  objectsAwake: 18,
  sites: 1,
  bytesPerPeerPoll: 0,
  bytesPerPeerBatch: 0,
  fewestKeysPerHour: 0,
  keysSetAsidePerHour: 0,
};

/** Corona-Warn-App: 14 keys are 392 bytes, 100 % overhead, 2,000 cases, 30 million phones, 24 chunks (CWA solution architecture). */
export const SEED: Assumptions = {
  ...ESTIMATE,
  name: 'seed',
  phones: 30_000_000,
  casesPerDay: 2_000,
  bytesPerKey: 392 / 14,
  overhead: 1,
};

/**
 * Vukolić: everybody downloads every key of the world, raw key bytes alone, 200,000 infections a day (arXiv:2006.13087, §3.6).
 * His traffic figure is for a population of 330 million; his scale is up to 300 regions and 8 billion users.
 */
export const VUKOLIC: Assumptions = {
  ...ESTIMATE,
  name: 'vukolic',
  phones: 330_000_000,
  casesPerDay: 200_000,
  bytesPerKey: 16,
  rhythm: 'daily',
};

/** What was measured, as `load-tests/measured.json` holds it. Bytes over real TLS by k6's own counters. */
export interface Measured {
  readonly date: string;
  readonly machine: string;
  readonly views: Readonly<Record<'manifest' | 'cwa', MeasuredView>>;
  /** Whole days of a phone that reads our manifest, bytes: one region, and a journey (base, two more regions and the union, all as large). */
  readonly phoneDays?: {
    readonly date: string;
    readonly casesPerDay: number;
    readonly oneRegion: MeasuredDays;
    readonly journey: MeasuredDays;
  };
  readonly indexCpuMilliseconds: number;
  readonly uploadCpuMilliseconds: number;
  readonly dummyCpuMilliseconds: number;
  /** Of one question to verification that is a dummy. */
  readonly questionCpuMilliseconds: number;
  /** Of a head that had not changed, connection included. */
  readonly bytesPerUnchangedPoll: number;
  /** Of an action of cover, both connections included. */
  readonly bytesPerCoverAction: number;
}

/** By how often a phone asks. */
type MeasuredDays = Readonly<Record<Rhythm, number>>;

/** The parts that a phone's bytes are made of, for one view. */
interface MeasuredView {
  readonly bytesPerKey: number;
  readonly bytesPerSession: number;
  readonly bytesPerFile: number;
  readonly bytesPerDayIndex: number;
}

/**
 * Measured at the socket, 2026-11-26 (benchmarks/results/enterprise.md): a full handshake for each poll, as no platform promises that a session is resumed. The platform's front shows a chain of a public authority in place of
 * the one certificate that signed itself there: 2,400 bytes, as phones' TLS is measured with (scripts/support/edge-tier/certificate.ts).
 */
const BETWEEN_SITES = { bytesPerPeerPoll: 8_975, bytesPerPeerBatch: 1_533 };

/**
 * This project's assumptions, filled with what was measured.
 *
 * @param measured load-tests/measured.json
 * @param view manifest, or CWA's tree with its bound of 600,000 keys a day
 * @param rhythm hourly or daily client
 * @param schedule of a parameter document; without one phones read keys and do nothing else, and 20 dummies come with an upload
 * @returns 60 million phones and 2,000 cases; overwrite what differs
 */
export function ours(
  measured: Measured,
  view: 'manifest' | 'cwa',
  rhythm: Rhythm,
  schedule: Schedule | null = null,
): Assumptions {
  return {
    ...ESTIMATE,
    ...schedule,
    ...measured.views[view],
    headTtlSeconds: view === 'cwa' ? LIST_SECONDS : lifeOf(HEAD_META.cacheControl),
    bytesPerUnchangedPoll: measured.bytesPerUnchangedPoll,
    bytesPerAction: measured.bytesPerCoverAction,
    questionCpuMilliseconds: measured.questionCpuMilliseconds,
    withTcpIp: true,
    name: 'exposure-edge',
    phones: 60_000_000,
    casesPerDay: 2_000,
    rhythm,
    view,
    regions: 2,
    keysPerDayCap: view === 'cwa' ? 600_000 : null,
    retryShare: 0.02,
    indexCpuMilliseconds: measured.indexCpuMilliseconds,
    uploadCpuMilliseconds: measured.uploadCpuMilliseconds,
    dummyCpuMilliseconds: measured.dummyCpuMilliseconds,
    ...BETWEEN_SITES,
  };
}

/** Three uploads of decoys; measured there, too: a batch has 162 keys where 140 are the fewest. */
const KEYS_SET_ASIDE = 22;

/**
 * A large enterprise (arXiv:2006.13087, §2.3: up to a few dozen sites, one to two million users): 36 sites, each a backend of its own, that read each other all-to-all. 200 cases a day are one in
 * 10,000 users.
 *
 * @param measured load-tests/measured.json
 * @param schedule as for {@link ours}
 */
export function enterprise(measured: Measured, schedule: Schedule | null = null): Assumptions {
  const base = ours(measured, 'manifest', 'hourly', schedule);
  return {
    ...base,
    name: 'enterprise',
    phones: 2_000_000,
    casesPerDay: 200,
    regions: 1,
    sites: 36,
    fewestKeysPerHour: 140,
    keysSetAsidePerHour: KEYS_SET_ASIDE,
    // Of each site: the objects of one deployment, and one for each peer.
    objectsAwake: 36 * (base.objectsAwake + 35),
  };
}
