/**
 * @module The capacity model: from phones and cases to requests, bytes, operations and load. Pure: the same assumptions
 * give the same figures. It reproduces the Corona-Warn-App's estimate (CWA solution architecture) and Vukolić's (arXiv:2006.13087), which its
 * tests pin.
 */
import type { Assumptions } from './assumptions.ts';
import { tcpIpOf } from './tcp-ip.ts';

const SECONDS_PER_DAY = 86_400;
const HOURS = 24;
/** A file holds at most so many keys (docs/architecture.md §5.4). */
const KEYS_PER_FILE = 100_000;
/** Objects written each sealed hour and region besides the files: manifest head, page, CWA's hour list. */
const INDEX_WRITES_PER_HOUR = 3;
/** Written once a day and region: 14 day chunks cut again, day page, CWA's two lists. */
const INDEX_WRITES_PER_DAY = 17;

/** What an action is on the wire (phone/course/playbook.ts): two questions to verification, an upload; two hosts. */
const QUESTIONS_PER_ACTION = 2;
const CONNECTIONS_PER_ACTION = 2;

/** What `origin` keeps to know a key that comes again: a keyed hash of 32 bytes, with index and row. */
export const KNOWN_KEY_BYTES = 60;

/** What the model gives. Rates are a second's, counts a day's, bytes are bytes. */
export interface Capacity {
  readonly keysPerDay: number;
  /** Decoys that fill hours of small sites; phones download them. */
  readonly paddingPerDay: number;
  /** Keys a day that this view has no room for (CWA's tree past its bound); alerted, and in the manifest. */
  readonly keysLeftOut: number;
  readonly bytesPerCase: number;
  /** Above TCP: of keys, of parameters, of cover, and their sum. */
  readonly keyBytesPerPhone: number;
  readonly parameterBytesPerPhone: number;
  readonly coverBytesPerPhone: number;
  readonly bytesPerPhone: number;
  /** What TCP and IP put around it. */
  readonly tcpIpBytesPerPhone: number;
  readonly sessionsPerDay: number;
  readonly sessionsPerSecond: number;
  readonly sessionsPerSecondPeak: number;
  readonly requestsPerSession: number;
  readonly requestsPerDay: number;
  readonly requestsPerSecond: number;
  readonly requestsPerSecondPeak: number;
  /** Of all phones, headers of TCP and IP included. */
  readonly bytesPerDay: number;
  readonly bitsPerSecond: number;
  readonly bitsPerSecondPeak: number;
  /** Objects that phones may read at a time, all regions. */
  readonly objects: number;
  readonly storedBytes: number;
  readonly bucketWritesPerDay: number;
  /** Reads behind the caches: one an object, TTL and upper tier (docs/architecture.md §6). */
  readonly bucketReadsPerDay: number;
  /** Share of the requests that caches answer. */
  readonly offload: number;
  /** Requests for the configuration's head and documents, and how many of them caches pass on. */
  readonly configRequestsPerDay: number;
  readonly configRequestsPerSecond: number;
  readonly configReadsPerDay: number;
  readonly uploadsPerDay: number;
  /** Actions of one phone, real or not: two questions and an upload. */
  readonly actionsPerPhone: number;
  /** Of all phones: those that ask for a result that isn't there yet. */
  readonly resultPollsPerDay: number;
  readonly verificationRequestsPerDay: number;
  readonly verificationRequestsPerSecond: number;
  readonly verificationCpuMillisecondsPerDay: number;
  readonly uploadRequestsPerDay: number;
  readonly uploadRequestsPerSecond: number;
  readonly uploadCpuMillisecondsPerDay: number;
  readonly objectCallsPerDay: number;
  readonly objectRowsWrittenPerDay: number;
  readonly bufferCallsPerSecond: number;
  readonly objectStoredBytes: number;
  /** What sites ask of each other, all together. */
  readonly feedRequestsPerDay: number;
  readonly feedBytesPerDay: number;
}

/**
 * Runs the model.
 *
 * @param a the assumptions; counts ≥ 0
 * @returns the figures of one day
 * @throws RangeError naming the assumption that is not a number, or negative
 */
export function capacity(a: Assumptions): Capacity {
  for (const [name, value] of Object.entries(a)) {
    if (typeof value === 'number' && !(value >= 0 && Number.isFinite(value))) {
      throw new RangeError(`capacity: ${name} is ${value}; a finite number ≥ 0 is needed`);
    }
  }
  const download = downloads(a);
  const published = publication(a, download.keysCarried);
  const uploads = uploadSide(a);
  const polled = parameters(a);
  const cover = actions(a);
  const coverBytes = cover.perPhone * a.bytesPerAction;
  const bytesPerPhone = download.bytesPerPhone + polled.bytesPerPhone + coverBytes;
  const connections = download.sessionsPerPhone + polled.pollsPerPhone + cover.perPhone * CONNECTIONS_PER_ACTION;
  const tcpIp = a.withTcpIp ? tcpIpOf([bytesPerPhone], connections) : 0;
  const bytesPerDay = (bytesPerPhone + tcpIp) * a.phones;
  const requestsPerSecond = download.requestsPerDay / SECONDS_PER_DAY;
  const sessionsPerSecond = download.sessionsPerDay / SECONDS_PER_DAY;
  const bitsPerSecond = (bytesPerDay * 8) / SECONDS_PER_DAY;
  const reads = Math.min(published.bucketReadsPerDay, download.requestsPerDay);
  return {
    keysPerDay: a.casesPerDay * a.keysPerCase,
    paddingPerDay: padding(a),
    keysLeftOut: publishedKeys(a) - download.keysCarried,
    bytesPerCase: a.keysPerCase * a.bytesPerKey,
    keyBytesPerPhone: download.bytesPerPhone,
    parameterBytesPerPhone: polled.bytesPerPhone,
    coverBytesPerPhone: coverBytes,
    bytesPerPhone,
    tcpIpBytesPerPhone: tcpIp,
    sessionsPerDay: download.sessionsPerDay,
    sessionsPerSecond,
    sessionsPerSecondPeak: sessionsPerSecond * a.peakFactor,
    requestsPerSession: download.requestsPerSession,
    requestsPerDay: download.requestsPerDay,
    requestsPerSecond,
    requestsPerSecondPeak: requestsPerSecond * a.peakFactor,
    bytesPerDay,
    bitsPerSecond,
    bitsPerSecondPeak: bitsPerSecond * a.peakFactor,
    ...published,
    bucketReadsPerDay: reads,
    offload: download.requestsPerDay === 0 ? 1 : 1 - reads / download.requestsPerDay,
    configRequestsPerDay: polled.requestsPerDay,
    configRequestsPerSecond: polled.requestsPerDay / SECONDS_PER_DAY,
    configReadsPerDay: polled.readsPerDay,
    ...uploads,
    ...exchange(a),
  };
}

/** What a phone's polls of parameters cost: a head each, now and then with a document that is new. */
function parameters(a: Assumptions) {
  const pollsPerPhone = a.parameterPollsPerDay * (1 + a.retryShare);
  const refreshes = a.parameterRefreshesPerDay;
  // A head that is new is as much more than a 304 as a head of keys is.
  const refreshBytes = Math.max(0, a.bytesPerSession - a.bytesPerUnchangedPoll) + a.bytesPerDocument;
  const requestsPerDay = a.phones * (pollsPerPhone + refreshes);
  const behindCaches = a.upperTiers * (SECONDS_PER_DAY / a.configTtlSeconds + refreshes);
  return {
    pollsPerPhone,
    bytesPerPhone: pollsPerPhone * a.bytesPerUnchangedPoll + refreshes * refreshBytes,
    requestsPerDay,
    readsPerDay: Math.min(a.sites * behindCaches, requestsPerDay),
  };
}

/** A course of a real test takes the place of a feigned one: there are no more of both together, unless tests are more. */
function actions(a: Assumptions) {
  const courses = Math.max(a.coursesPerPhone, a.testsPerPhone);
  return { perPhone: courses * a.actionsPerCourse, polls: a.phones * courses * a.pollsPerCourse };
}

/** Hours of a site's day that have a key: no two cases share one, which is the most padding there can be. */
const busyHours = (a: Assumptions): number => Math.min(HOURS, a.casesPerDay / a.sites);

/** Decoys of all sites: each fills its own hours, since keys of peers are no company (docs/architecture.md §9). */
function padding(a: Assumptions): number {
  const hours = busyHours(a) * a.sites;
  const filled = Math.max(0, hours * a.fewestKeysPerHour - a.casesPerDay * a.keysPerCase);
  return filled + hours * a.keysSetAsidePerHour;
}

const publishedKeys = (a: Assumptions): number => a.casesPerDay * a.keysPerCase + padding(a);

/** Every site asks every other one each hour, and fetches a batch for each of its hours that has a key. */
function exchange(a: Assumptions): Pick<Capacity, 'feedRequestsPerDay' | 'feedBytesPerDay'> {
  const pairs = a.sites * (a.sites - 1);
  return {
    feedRequestsPerDay: pairs * (HOURS + busyHours(a)),
    feedBytesPerDay:
      pairs * (HOURS * a.bytesPerPeerPoll + busyHours(a) * a.bytesPerPeerBatch) +
      (a.sites - 1) * publishedKeys(a) * a.bytesPerKey,
  };
}

interface Downloads {
  readonly keysCarried: number;
  readonly bytesPerPhone: number;
  readonly sessionsPerPhone: number;
  readonly sessionsPerDay: number;
  readonly requestsPerSession: number;
  readonly requestsPerDay: number;
}

/** One phone's day. An estimate counts a session as one request, as CWA does. */
function downloads(a: Assumptions): Downloads {
  const keysCarried = Math.min(publishedKeys(a), a.keysPerDayCap ?? Infinity);
  const sessions = a.rhythm === 'hourly' ? a.keyPollsPerDay : 1;
  // CWA's hourly phones drop the hours for the day's package when it is there (docs/spec/cwa.md §1.4): every key twice.
  const twice = a.view === 'cwa' && a.rhythm === 'hourly';
  const files = filesPerDay(a, keysCarried) + (twice ? 1 : 0);
  // A session is head or index plus new files; the day's own index comes once. An estimate is files alone.
  const requests = a.view === 'estimate' ? sessions : sessions + files + 1;
  const keyBytes = keysCarried * a.bytesPerKey * (twice ? 2 : 1);
  const once = keyBytes * (1 + a.overhead) + sessions * a.bytesPerSession + files * a.bytesPerFile + a.bytesPerDayIndex;
  return {
    keysCarried,
    bytesPerPhone: once * (1 + a.retryShare),
    sessionsPerPhone: sessions * (1 + a.retryShare),
    sessionsPerDay: a.phones * sessions * (1 + a.retryShare),
    requestsPerSession: requests / sessions,
    requestsPerDay: a.phones * requests * (1 + a.retryShare),
  };
}

/** Files a phone fetches a day: CWA's tree has one an hour or day, the manifest splits at 100,000 keys. */
function filesPerDay(a: Assumptions, keys: number): number {
  const windows = a.rhythm === 'hourly' ? HOURS : 1;
  if (a.view === 'cwa' || a.view === 'estimate') return windows;
  return windows * Math.max(1, Math.ceil(keys / windows / KEYS_PER_FILE));
}

/** What the origin writes and what caches read from it. */
function publication(
  a: Assumptions,
  keys: number,
): Pick<Capacity, 'objects' | 'storedBytes' | 'bucketWritesPerDay' | 'bucketReadsPerDay'> {
  const filesPerHour = Math.max(1, Math.ceil(keys / HOURS / KEYS_PER_FILE));
  const dayFiles = Math.max(1, Math.ceil(keys / KEYS_PER_FILE));
  // Hours of the running day, days before it; the manifest's ZIP and its compact form (docs/compact-chunk.md), CWA's copy.
  const views = a.view === 'estimate' ? 1 : 3;
  const files = views * (HOURS * filesPerHour + (a.daysKept - 1) * dayFiles);
  const lists = a.daysKept + 5;
  const writes = views * HOURS * filesPerHour + HOURS * INDEX_WRITES_PER_HOUR + INDEX_WRITES_PER_DAY * dayFiles;
  // A mutable head is read once a TTL and tier, an immutable file once a tier and day (phones come all day).
  const headReads = 2 * (SECONDS_PER_DAY / a.headTtlSeconds);
  return {
    // Each site publishes all keys by itself.
    objects: a.sites * a.regions * (files + lists),
    storedBytes: a.sites * a.regions * views * a.daysKept * keys * a.bytesPerKey,
    bucketWritesPerDay: a.sites * a.regions * writes,
    bucketReadsPerDay: a.sites * a.regions * a.upperTiers * (headReads + files + lists),
  };
}

/** Real uploads and tests, their dummies, and what the Durable Objects do for them. */
function uploadSide(
  a: Assumptions,
): Pick<
  Capacity,
  | 'uploadsPerDay'
  | 'actionsPerPhone'
  | 'resultPollsPerDay'
  | 'verificationRequestsPerDay'
  | 'verificationRequestsPerSecond'
  | 'verificationCpuMillisecondsPerDay'
  | 'uploadRequestsPerDay'
  | 'uploadRequestsPerSecond'
  | 'uploadCpuMillisecondsPerDay'
  | 'objectCallsPerDay'
  | 'objectRowsWrittenPerDay'
  | 'bufferCallsPerSecond'
  | 'objectStoredBytes'
> {
  const uploads = a.casesPerDay;
  const { perPhone, polls } = actions(a);
  const played = a.phones * perPhone;
  // Whoever shares plays an action for it, so real uploads are among those of the schedule.
  const requests = a.decoysPerReal === null ? Math.max(uploads, played) : uploads * (1 + a.decoysPerReal);
  const questions = played * QUESTIONS_PER_ACTION;
  const tests = a.phones * a.testsPerPhone;
  const keys = publishedKeys(a);
  // A peer's batch is one call, and its keys are rows as ours are.
  const imports = a.sites * (a.sites - 1) * busyHours(a);
  return {
    uploadsPerDay: uploads,
    actionsPerPhone: perPhone,
    resultPollsPerDay: polls,
    verificationRequestsPerDay: questions,
    verificationRequestsPerSecond: questions / SECONDS_PER_DAY,
    verificationCpuMillisecondsPerDay: questions * a.questionCpuMilliseconds,
    uploadRequestsPerDay: requests,
    uploadRequestsPerSecond: requests / SECONDS_PER_DAY,
    uploadCpuMillisecondsPerDay: uploads * a.uploadCpuMilliseconds + (requests - uploads) * a.dummyCpuMilliseconds,
    // Sealing adds one alarm and a few pages an hour and region: 60 is generous.
    objectCallsPerDay:
      uploads * a.objectCallsPerUpload +
      tests * (a.callsPerTest + a.pollsPerCourse) +
      a.sites * HOURS * a.regions * 60 +
      imports,
    objectRowsWrittenPerDay: uploads * a.rowsPerUpload + tests * a.rowsPerTest + a.sites * keys * a.rowsPerKey,
    bufferCallsPerSecond: uploads / SECONDS_PER_DAY,
    // It lives to the end of the key's retention.
    objectStoredBytes: a.sites * keys * a.daysKept * KNOWN_KEY_BYTES,
  };
}
