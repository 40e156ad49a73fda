/**
 * @module What a phone remembers of its matches from one download to the next: a key is matched once, and its report
 * type may change once, among which revocation hides what was found (docs/spec/gaen.md §6.1 steps 2–4, §6.4).
 */
import { REPORT_TYPE, type ReportType, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { INTERVALS_PER_DAY, SECONDS_PER_INTERVAL } from '../../protocol/gaen/intervals.ts';
import { type Match, type MatchedSighting, Matcher, isMatchable } from './match.ts';
import { type MatchOptions, RETENTION_SECONDS } from './options.ts';
import type { Sighting } from '../radio/sighting.ts';

/** Report type changes a key may make (docs/spec/gaen.md §6.4: self-report → test, clinical, revoked; clinical → test, revoked). */
const TRANSITIONS: Readonly<Partial<Record<ReportType, readonly ReportType[]>>> = {
  [REPORT_TYPE.SELF_REPORT]: [
    REPORT_TYPE.CONFIRMED_TEST,
    REPORT_TYPE.CONFIRMED_CLINICAL_DIAGNOSIS,
    REPORT_TYPE.REVOKED,
  ],
  [REPORT_TYPE.CONFIRMED_CLINICAL_DIAGNOSIS]: [REPORT_TYPE.CONFIRMED_TEST, REPORT_TYPE.REVOKED],
};

/** Android's allowedReportTypeTransitions: a key's report type changes at most once (docs/spec/gaen.md §6.4). */
const TRANSITIONS_ALLOWED = 1;

/** What a history does where the platforms' rule is narrower than an operator needs. */
export interface RevocationPolicy {
  /**
   * Android (and Google's server) let a CONFIRMED_TEST key change no more, so a wrongly confirmed one can't be
   * withdrawn. true: REVOKED in `revised_keys` hides a key of any report type (docs/architecture.md §8), also as its second
   * change; and `revised_keys` with another report type say nothing of a key that isn't known, since it may have been taken back (docs/decisions/065).
   */
  readonly revokeConfirmed: boolean;
}

interface Entry {
  key: TemporaryExposureKey;
  sightings: readonly MatchedSighting[];
  transitions: number;
  /** What the owner was told last of it; left out: nothing. */
  told?: 'warned' | 'withdrawn';
}

/** A key that was tried, with the rolling period that it is held to. */
interface Attempt {
  readonly keyData: Uint8Array;
  readonly rollingStartIntervalNumber: number;
  readonly rollingPeriod: number;
  /** Region whose feed had it first; left out: the phone's own. */
  readonly from?: string;
}

/** Keys of one file. */
export interface ProvidedFile {
  /** As in the file's `keys`. */
  readonly keys: Iterable<TemporaryExposureKey>;
  /** As in its `revised_keys`: they change what is known. One that isn't is matched anew, by {@link RevocationPolicy} only where it is REVOKED, to be blocked. */
  readonly revisedKeys: Iterable<TemporaryExposureKey>;
  /** Region whose feed it is; null: the phone's own. */
  readonly from: string | null;
}

/** A history as it is stored (store.ts): plain data. */
export interface HistorySnapshot {
  readonly entries: readonly Readonly<Entry>[];
  readonly attempted: readonly Attempt[];
}

/** A sighting may lie this long after its key's last interval: twelve intervals of ten minutes (docs/spec/gaen.md §6.1 step 5). */
const LATEST_SIGHTING_SECONDS = 2 * 3600;

/** The matches of one phone. Not pure: it changes with each `provide`. */
export class ExposureHistory {
  readonly #options: Partial<MatchOptions>;
  readonly #policy: RevocationPolicy;
  /** By key data in hex. Keys without a valid sighting are kept only for their rolling period. */
  readonly #entries = new Map<string, Entry>();
  readonly #attempted = new Map<string, Attempt>();

  /**
   * @param options of the matcher; window mode is always on
   * @param policy Android's rule by default
   * @param stored what {@link snapshot} gave before, null for a new phone
   */
  constructor(
    options: Partial<MatchOptions> = {},
    policy: RevocationPolicy = { revokeConfirmed: false },
    stored: HistorySnapshot | null = null,
  ) {
    this.#options = { ...options, includeRevoked: true };
    this.#policy = policy;
    for (const entry of stored?.entries ?? []) this.#entries.set(hex(entry.key.keyData), { ...entry });
    for (const attempt of stored?.attempted ?? []) this.#attempted.set(hex(attempt.keyData), attempt);
  }

  /** @returns what to store, for the constructor */
  snapshot(): HistorySnapshot {
    return {
      entries: [...this.#entries.values()].map((entry) => ({ ...entry })),
      attempted: [...this.#attempted.values()],
    };
  }

  /**
   * Forgets what is over: sightings of more than 14 days ago, and keys of which there can be none any more, with what was known
   * of them. Also of what was stored.
   *
   * @param now Unix seconds
   */
  forget(now: number): void {
    const oldest = now - RETENTION_SECONDS;
    const isOver = ({ rollingStartIntervalNumber: start }: Pick<Attempt, 'rollingStartIntervalNumber'>): boolean =>
      (start + INTERVALS_PER_DAY) * SECONDS_PER_INTERVAL + LATEST_SIGHTING_SECONDS < oldest;
    for (const [name, entry] of this.#entries) {
      if (isOver(entry.key)) this.#entries.delete(name);
      else entry.sightings = entry.sightings.filter(({ timestamp }) => timestamp >= oldest);
    }
    for (const [name, attempt] of this.#attempted) if (isOver(attempt)) this.#attempted.delete(name);
  }

  /**
   * Takes in the keys of an export file, its revised keys after them.
   * @param keys as in the file's `keys`
   * @param revisedKeys as in its `revised_keys`, see {@link ProvidedFile}
   * @param sightings all that the phone has stored
   * @param now Unix seconds; what is over by then is neither taken nor kept. null: no limit, as in replays of old data
   */
  provide(
    keys: Iterable<TemporaryExposureKey>,
    revisedKeys: Iterable<TemporaryExposureKey>,
    sightings: readonly Sighting[],
    now: number | null = this.#options.now ?? null,
  ): void {
    this.provideAll([{ keys, revisedKeys, from: null }], sightings, now);
  }

  /**
   * Takes in the keys of many files as one, revised keys after all others. Of a key that is known, another region than the one whose feed had it first has no word but the phone's own; nor has it of
   * one that nobody gave.
   * @param files in the order in which they count where they have the same key
   * @param sightings, now as for {@link provide}
   */
  provideAll(files: Iterable<ProvidedFile>, sightings: readonly Sighting[], now: number | null): void {
    if (now !== null) this.forget(now);
    const matcher = new Matcher(sightings, { ...this.#options, now });
    const all = [...files];
    for (const { keys, from } of all) for (const key of keys) this.#take(key, matcher, from, false);
    for (const { revisedKeys, from } of all) for (const key of revisedKeys) this.#take(key, matcher, from, true);
  }

  /**
   * @param now Unix seconds, as for {@link provide}
   * @returns what an app may see: neither REVOKED nor RECURSIVE, with the report type as last revised
   */
  matches(now: number | null = this.#options.now ?? null): Match[] {
    if (now !== null) this.forget(now);
    return [...this.#entries.values()]
      .filter((entry) => isMatchable(entry.key, false) && entry.sightings.length > 0)
      .map(({ key, sightings }) => ({ key, sightings }));
  }

  /**
   * Matches that the owner was warned of, and that are revoked since.
   * @param now Unix seconds, as for {@link provide}
   * @returns how many in all, and of how many the owner does not know yet
   */
  withdrawn(now: number | null = this.#options.now ?? null): { readonly all: number; readonly untold: number } {
    if (now !== null) this.forget(now);
    const told = [...this.#entries.values()].filter(
      (entry) => isRevoked(entry) && entry.told !== undefined && entry.sightings.length > 0,
    );
    return { all: told.length, untold: told.filter((entry) => entry.told === 'warned').length };
  }

  /**
   * The owner has been told what {@link matches} and {@link withdrawn} say: to be stored after it, so that who dies in between says it again.
   * @returns whether anything was new
   */
  markTold(): boolean {
    let isNew = false;
    for (const entry of this.#entries.values()) {
      if (entry.sightings.length === 0 || entry.key.reportType === REPORT_TYPE.RECURSIVE) continue;
      const now = isRevoked(entry) ? 'withdrawn' : 'warned';
      // Who was never warned of a key has nothing to be taken back.
      if (entry.told === now || (now === 'withdrawn' && entry.told === undefined)) continue;
      entry.told = now;
      isNew = true;
    }
    return isNew;
  }

  #take(key: TemporaryExposureKey, matcher: Matcher, from: string | null, revised: boolean): void {
    if (key.reportType === REPORT_TYPE.RECURSIVE) return;
    const name = hex(key.keyData);
    const known = this.#entries.get(name);
    const attempt = this.#attempted.get(name);
    // It may have been taken back since.
    const isNew = revised && attempt === undefined && key.reportType !== REPORT_TYPE.REVOKED;
    if (isNew && this.#policy.revokeConfirmed) return;
    if (from !== null && (attempt === undefined ? revised : attempt.from !== from)) return;
    if (known !== undefined) return this.#revise(known, key, revised);
    if (attempt !== undefined && attempt.rollingPeriod !== key.rollingPeriod) return;
    const sightings = matcher.sightingsOf(key);
    if (sightings === null) return;
    const { keyData, rollingStartIntervalNumber, rollingPeriod } = key;
    const source = attempt === undefined ? (from ?? undefined) : attempt.from;
    this.#attempted.set(name, {
      keyData,
      rollingStartIntervalNumber,
      rollingPeriod,
      ...(source === undefined ? {} : { from: source }),
    });
    if (sightings.length > 0) this.#entries.set(name, { key, sightings, transitions: 0 });
  }

  #revise(entry: Entry, key: TemporaryExposureKey, revised: boolean): void {
    if (isRevoked(entry)) return;
    const withdrawn = revised && this.#policy.revokeConfirmed && key.reportType === REPORT_TYPE.REVOKED;
    const allowed = TRANSITIONS[entry.key.reportType]?.includes(key.reportType) ?? false;
    if (!withdrawn && (!allowed || entry.transitions >= TRANSITIONS_ALLOWED)) return;
    entry.key = { ...entry.key, reportType: key.reportType };
    entry.transitions += 1;
  }
}

/** Nothing follows on REVOKED, in either policy: a key that is taken back comes back by no file. */
function isRevoked(entry: Pick<Entry, 'key'>): boolean {
  return entry.key.reportType === REPORT_TYPE.REVOKED;
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}

/**
 * @param value what was read from disk
 * @returns whether it is a {@link HistorySnapshot}
 */
export function isHistorySnapshot(value: unknown): value is HistorySnapshot {
  if (!isRecord(value)) return false;
  const { entries, attempted } = value;
  return isListOf(entries, isEntry) && isListOf(attempted, isAttempt);
}

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null;
const isListOf = (value: unknown, is: (member: unknown) => boolean): boolean =>
  Array.isArray(value) && value.every((member: unknown) => is(member));
const areNumbers = (...values: readonly unknown[]): boolean => values.every((value) => typeof value === 'number');

function isAttempt(value: unknown): boolean {
  return (
    isRecord(value) &&
    value['keyData'] instanceof Uint8Array &&
    areNumbers(value['rollingStartIntervalNumber'], value['rollingPeriod']) &&
    ['undefined', 'string'].includes(typeof value['from'])
  );
}

function isEntry(value: unknown): boolean {
  if (!isRecord(value) || !isAttempt(value['key']) || !isRecord(value['key'])) return false;
  const { transmissionRiskLevel, reportType, daysSinceOnsetOfSymptoms } = value['key'];
  const isSighting = (one: unknown): boolean =>
    isRecord(one) &&
    areNumbers(
      one['timestamp'],
      one['interval'],
      one['attenuation'],
      one['calibrationConfidence'],
      one['previousScan'],
    );
  return (
    areNumbers(transmissionRiskLevel, reportType, daysSinceOnsetOfSymptoms, value['transitions']) &&
    [undefined, 'warned', 'withdrawn'].some((told) => told === value['told']) &&
    isListOf(value['sightings'], isSighting)
  );
}
