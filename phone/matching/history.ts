/**
 * @module What a phone remembers of its matches from one download to the next: a key is matched once, and its report
 * type may change once, among which revocation hides what was found (docs/spec/gaen.md §6.1 steps 2–4, §6.4).
 */
import { REPORT_TYPE, type ReportType, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { type Match, type MatchedSighting, Matcher, isMatchable } from './match.ts';
import type { MatchOptions } from './options.ts';
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
   * change.
   */
  readonly revokeConfirmed: boolean;
}

interface Entry {
  key: TemporaryExposureKey;
  readonly sightings: readonly MatchedSighting[];
  transitions: number;
}

/** The matches of one phone. Not pure: it changes with each `provide`. */
export class ExposureHistory {
  readonly #options: Partial<MatchOptions>;
  readonly #policy: RevocationPolicy;
  /** By key data in hex. Keys without a valid sighting are kept only for their rolling period. */
  readonly #entries = new Map<string, Entry>();
  readonly #attempted = new Map<string, number>();

  /**
   * @param options of the matcher; window mode is always on
   * @param policy Android's rule by default
   */
  constructor(options: Partial<MatchOptions> = {}, policy: RevocationPolicy = { revokeConfirmed: false }) {
    this.#options = { ...options, includeRevoked: true };
    this.#policy = policy;
  }

  /**
   * Takes in the keys of an export file, its revised keys after them.
   * @param keys as in the file's `keys`
   * @param revisedKeys as in its `revised_keys`: they change what is known, and are matched anew if it is not
   * @param sightings all that the phone has stored
   */
  provide(
    keys: Iterable<TemporaryExposureKey>,
    revisedKeys: Iterable<TemporaryExposureKey>,
    sightings: readonly Sighting[],
  ): void {
    const matcher = new Matcher(sightings, this.#options);
    for (const key of keys) this.#take(key, matcher, false);
    for (const key of revisedKeys) this.#take(key, matcher, true);
  }

  /** @returns what an app may see: neither REVOKED nor RECURSIVE, with the report type as last revised */
  matches(): Match[] {
    return [...this.#entries.values()]
      .filter((entry) => isMatchable(entry.key, false))
      .map(({ key, sightings }) => ({ key, sightings }));
  }

  #take(key: TemporaryExposureKey, matcher: Matcher, revised: boolean): void {
    if (key.reportType === REPORT_TYPE.RECURSIVE) return;
    const name = hex(key.keyData);
    const known = this.#entries.get(name);
    if (known !== undefined) return this.#revise(known, key, revised);
    const period = this.#attempted.get(name);
    if (period !== undefined && period !== key.rollingPeriod) return;
    const sightings = matcher.sightingsOf(key);
    if (sightings === null) return;
    this.#attempted.set(name, key.rollingPeriod);
    if (sightings.length > 0) this.#entries.set(name, { key, sightings, transitions: 0 });
  }

  #revise(entry: Entry, key: TemporaryExposureKey, revised: boolean): void {
    const withdrawn = revised && this.#policy.revokeConfirmed && key.reportType === REPORT_TYPE.REVOKED;
    const allowed = TRANSITIONS[entry.key.reportType]?.includes(key.reportType) ?? false;
    if (!withdrawn && (!allowed || entry.transitions >= TRANSITIONS_ALLOWED)) return;
    entry.key = { ...entry.key, reportType: key.reportType };
    entry.transitions += 1;
  }
}

function hex(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += byte.toString(16).padStart(2, '0');
  return text;
}
