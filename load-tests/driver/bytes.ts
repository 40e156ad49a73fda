/**
 * @module Bytes a phone and day: what k6 counted below TLS for each kind of phone (load-tests/scenarios/bytes.ts), the parts for the
 * capacity model, and the headers of TCP and IP that no counter of a program sees.
 */
import { readExportZip } from '../../protocol/export/export-reader.ts';
import { tcpIpOf } from '../capacity/tcp-ip.ts';
import { KEYS_PER_UPLOADED_CASE, seedHours } from './seed.ts';
import { type Context, manifestKeyOf, withTier } from './context.ts';
import { failuresOf, type Metric, runK6 } from './k6-run.ts';

/** One kind of phone, a day, bytes. */
export interface PhoneDay {
  readonly received: number;
  readonly sent: number;
  /** Estimate of the headers of TCP and IP: computed, not measured. */
  readonly tcpIp: number;
  /** received + sent. */
  readonly total: number;
}

/** What the main measurement gives. */
export interface MeasuredBytes {
  readonly casesPerDay: number;
  readonly chainBytes: number;
  readonly manifestHourly: PhoneDay;
  readonly manifestDaily: PhoneDay;
  readonly cwaHourly: PhoneDay;
  readonly cwaDaily: PhoneDay;
  /** Of a phone on a journey: base, two other regions and the union, at three hosts; older runs have none. */
  readonly roamingHourly?: PhoneDay;
  readonly roamingDaily?: PhoneDay;
  /** Parts, bytes. */
  readonly parts: {
    readonly headAlone: number;
    readonly manifestIndex: number;
    readonly cwaLists: number;
    /** In the compact form, which our phone takes. */
    readonly bytesPerKey: number;
    /** In the ZIP, which CWA's apps take. */
    readonly zipBytesPerKey: number;
    readonly keysInDayChunk: number;
    /** Of the day's hours, the mean, decoys included; older runs have none. */
    readonly keysInHour?: number;
    readonly manifestFile: number;
    readonly cwaFile: number;
  };
}

/** At 200,000 cases: one real hour, and the day that 24 such hours make. */
export interface BigHour {
  readonly casesPerDay: number;
  readonly keys: number;
  readonly files: number;
  readonly bytesPerKey: number;
  readonly zipBytesPerKey: number;
  /** Measured: 24 sessions with that hour's files. */
  readonly manifestHourly: PhoneDay;
}

const HOURLY_DAYS = 10;
const DAILY_DAYS = 50;
type Metrics = Readonly<Record<string, Metric>>;

function countOf(metrics: Metrics, metric: string, kind: string): number {
  return metrics[`${metric}{scenario:${kind}}`]?.values['count'] ?? 0;
}

function phoneDay(metrics: Metrics, kind: string, days: number): PhoneDay {
  const received = countOf(metrics, 'data_received', kind) / days;
  const sent = countOf(metrics, 'data_sent', kind) / days;
  const sessions = countOf(metrics, 'iterations', kind) / days;
  return { received, sent, tcpIp: Math.round(tcpIpOf([received, sent], sessions)), total: received + sent };
}

const perSession = (metrics: Metrics, kind: string): number =>
  phoneDay(metrics, kind, countOf(metrics, 'iterations', kind)).total;

interface ListedChunk {
  readonly hour?: number;
  readonly sha256: string;
  readonly size: number;
}

async function json<T>(url: string): Promise<T> {
  const answer = await fetch(url);
  if (!answer.ok) throw new Error(`load: ${url} was answered ${answer.status}`);
  return (await answer.json()) as T;
}

const REGION = 'EUR';

async function headOf(url: string) {
  const { payload } = await json<{ payload: string }>(`${url}/v1/${REGION}/manifest.json`);
  return JSON.parse(payload) as { readonly hours: ListedChunk[]; readonly pages: { readonly sha256: string }[] };
}

/**
 * Measures all kinds of phones at the edge's present state: just before midnight of a full day.
 *
 * @param context its `day` is the day whose hours are read
 * @param casesPerDay what the edge was filled with
 * @returns bytes and parts
 * @throws Error when a download failed, since its bytes would be wrong
 */
export async function measureBytes(context: Context, casesPerDay: number): Promise<MeasuredBytes> {
  context.say('bytes: ten days of hourly and fifty of daily phones over TLS …');
  const { metrics, chainBytes } = await runBytes(context, {});
  const head = await headOf(context.edge.url);
  const page = await json<{ days: { chunks: ListedChunk[] }[] }>(
    `${context.edge.url}/v1/${REGION}/days/${head.pages.at(-1)?.sha256}.json`,
  );
  const dayChunks = page.days.at(-1)?.chunks ?? [];
  const keysInDayChunk = await keysOf(context, dayChunks);
  const dayBytes = await sizesOf(context, dayChunks);
  const cwaDayBytes = zipSizesOf(dayChunks);
  const hourKeys = await keysOf(context, head.hours);
  const headAlone = perSession(metrics, 'headAlone');
  const manifestIndex = perSession(metrics, 'manifestIndex');
  const sessions = countOf(metrics, 'iterations', 'manifestDaily');
  const daily = phoneDay(metrics, 'manifestDaily', 1).total;
  const manifestFile = (daily - sessions * manifestIndex - sessions * dayBytes) / sessions;
  const cwaSession = phoneDay(metrics, 'cwaDaily', 1).total / countOf(metrics, 'iterations', 'cwaDaily');
  const cwaLists = perSession(metrics, 'cwaLists');
  return {
    casesPerDay,
    chainBytes,
    manifestHourly: phoneDay(metrics, 'manifestHourly', HOURLY_DAYS),
    manifestDaily: phoneDay(metrics, 'manifestDaily', DAILY_DAYS),
    cwaHourly: phoneDay(metrics, 'cwaHourly', HOURLY_DAYS),
    cwaDaily: phoneDay(metrics, 'cwaDaily', DAILY_DAYS),
    roamingHourly: phoneDay(metrics, 'roamingHourly', HOURLY_DAYS),
    roamingDaily: phoneDay(metrics, 'roamingDaily', DAILY_DAYS),
    parts: {
      headAlone,
      manifestIndex,
      cwaLists,
      bytesPerKey: (await sizesOf(context, head.hours)) / hourKeys,
      zipBytesPerKey: zipSizesOf(head.hours) / hourKeys,
      keysInDayChunk,
      keysInHour: hourKeys / new Set(head.hours.map(({ hour }) => hour)).size,
      manifestFile,
      // A daily session is one list and one package, half of what `cwaLists` asks for and the file.
      cwaFile: Math.max(0, cwaSession - cwaLists - cwaDayBytes),
    },
  };
}

/**
 * A head polled with its ETag, on real time: under a moved clock no copy is fresh, and the edge passes no validator on.
 *
 * @param context on real time
 * @returns bytes of a session that ends in 304
 */
export async function measureHeadAgain(context: Context): Promise<number> {
  const { metrics } = await runBytes(context, { KINDS: 'headAgain' });
  return perSession(metrics, 'headAgain');
}

const zipSizesOf = (chunks: readonly ListedChunk[]): number => chunks.reduce((sum, { size }) => sum + size, 0);

/** @returns bytes of chunks as our phone fetches them: in their compact form */
async function sizesOf(context: Context, chunks: readonly ListedChunk[]): Promise<number> {
  let bytes = 0;
  for (const { sha256 } of chunks) {
    const answer = await fetch(`${context.edge.url}/v1/${REGION}/chunks/${sha256}.compact`);
    if (!answer.ok) throw new Error(`load: the compact form of ${sha256} was answered ${answer.status}`);
    bytes += (await answer.arrayBuffer()).byteLength;
  }
  return bytes;
}

/** Keys in chunks, by the strict reader. */
async function keysOf(context: Context, chunks: readonly ListedChunk[]): Promise<number> {
  let keys = 0;
  for (const { sha256 } of chunks) {
    const answer = await fetch(`${context.edge.url}/v1/${REGION}/chunks/${sha256}.zip`);
    const read = readExportZip(new Uint8Array(await answer.arrayBuffer()), null);
    if (!read.ok) throw new Error(`load: chunk ${sha256} can't be read: ${read.error.kind}`);
    keys += read.exportFile.keys.length;
  }
  return keys;
}

async function runBytes(context: Context, environment: Readonly<Record<string, string>>) {
  return withTier(context, 'bytes', async (tier) => {
    const result = await runK6({
      k6: context.k6,
      scenario: 'bytes',
      folder: context.folder,
      environment: {
        BASE_URLS: tier.edges.join(','),
        MANIFEST_KEY: manifestKeyOf(context.edge),
        DAY: context.day,
        REGION,
        ...environment,
      },
      atMostSeconds: 300,
    });
    const failures = failuresOf(result);
    if (failures.length > 0) throw new Error(`load: bytes are not those of whole downloads: ${failures.join('; ')}`);
    return { metrics: result.metrics, chainBytes: tier.chainBytes };
  });
}

const BIG_CASES = 200_000;
const HOURS = 24;

/**
 * Seals one hour of 200,000 cases a day with the real origin and measures 24 sessions that fetch it: a day of an hourly phone.
 *
 * @param context with an empty edge whose clock may be moved
 * @param now Unix seconds
 * @returns the hour and the day
 */
export async function measureBigHour(context: Context, now: number): Promise<BigHour> {
  context.say('bytes: one hour at 200,000 cases a day is filled and sealed (a minute) …');
  const hour = Math.floor(now / 3_600 / HOURS) * HOURS - 10;
  await seedHours(context.edge, { from: hour, to: hour, casesPerDay: BIG_CASES, progress: context.say });
  const { metrics } = await runBytes(context, { KINDS: 'manifestHourly', HOURLY_DAYS: '1' });
  const { hours } = await headOf(context.edge.url);
  const keys = await keysOf(context, hours);
  const expected = (BIG_CASES / HOURS) * KEYS_PER_UPLOADED_CASE;
  if (Math.abs(keys - expected) > KEYS_PER_UPLOADED_CASE) {
    throw new Error(`load: ${keys} keys in the big hour, ${Math.round(expected)} were uploaded`);
  }
  return {
    casesPerDay: BIG_CASES,
    keys,
    files: hours.length,
    bytesPerKey: (await sizesOf(context, hours)) / keys,
    zipBytesPerKey: zipSizesOf(hours) / keys,
    manifestHourly: phoneDay(metrics, 'manifestHourly', 1),
  };
}
