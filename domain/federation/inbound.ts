/**
 * @module What a peer's key must be (docs/spec/europe.md §2.4 R10): a bad one is dropped by itself and counted, since it is one among thousands of people's. What is left is written anew as ours are, so that
 * nothing in the public file says where it came from: a whole day, and report type and onset from the level alone. Judged in `federation`, and once more in `origin`.
 */
import { keyEnd, RETENTION_DAYS, SECONDS_PER_DAY, enIntervalNumber } from '../../protocol/gaen/intervals.ts';
import { REPORT_TYPE, type TemporaryExposureKey } from '../../protocol/gaen/keys.ts';
import { KEY_DATA_BYTES, MAX_RISK_LEVEL, MAX_ROLLING_PERIOD, MIN_RISK_LEVEL } from '../keys/limits.ts';
import { encodeRiskLevel, MINIMUM_PUBLISHED_RISK_LEVEL, riskLevelOfOnset } from '../keys/risk.ts';

/** "No information", on the day it was sent (docs/spec/cwa.md §2.2); a day less for each day that the key is older. */
const NO_INFORMATION = 4_000;

/** Where no level was sent: the highest whose pair stands for no more than the type (docs/spec/cwa.md §2.4). */
const HIGHEST_LEVEL: Readonly<Record<number, number>> = {
  [REPORT_TYPE.CONFIRMED_CLINICAL_DIAGNOSIS]: 6,
  [REPORT_TYPE.SELF_REPORT]: 4,
};

/** A key as it came, of any format. */
export interface InboundKey {
  readonly keyData: Uint8Array;
  readonly rollingStartIntervalNumber: number;
  readonly rollingPeriod: number;
  /** null: the format has none, or none was sent. */
  readonly transmissionRiskLevel: number | null;
  /** Days since onset on CWA's scale, −15..4000 (docs/spec/cwa.md §2.1); null: not told. */
  readonly onset: number | null;
  /** REVOKED takes a key back that came before. */
  readonly reportType: number;
  /** Whose key the peer says it is. */
  readonly origin: string;
}

/** Which rule a key breaks. */
export type InboundFault =
  | 'key-length'
  | 'origin'
  | 'report-type'
  | 'period'
  | 'future'
  | 'too-old'
  | 'level'
  | 'twice';

/** Of one batch and one origin. */
export interface JudgedKeys {
  /** In their order, each key once. */
  readonly keys: readonly TemporaryExposureKey[];
  /** key_data of keys that the origin takes back, each once. */
  readonly revoked: readonly Uint8Array[];
  readonly dropped: Readonly<Partial<Record<InboundFault, number>>>;
}

/** Where what may be stored goes, key by key. */
export interface Judged {
  /** Each once, in the order they came; of the same key data the first. */
  key(key: TemporaryExposureKey): void;
  /** key_data of a key that the origin takes back, each once. */
  revoked(keyData: Uint8Array): void;
}

/**
 * Keeps nothing of a key but its name: of 400,000, all objects would be twice what an isolate holds.
 *
 * @param keys in the order they came
 * @param by.origin whose batch it is: the region that signed it
 * @param by.now Unix seconds
 * @returns how many were dropped for what
 */
export function judgeEach(
  keys: Iterable<InboundKey>,
  { origin, now }: { readonly origin: string; readonly now: number },
  judged: Judged,
): JudgedKeys['dropped'] {
  const [accepted, revoked] = [new Set<string>(), new Set<string>()];
  const dropped: Partial<Record<InboundFault, number>> = {};
  const drop = (fault: InboundFault): void => void (dropped[fault] = (dropped[fault] ?? 0) + 1);
  for (const key of keys) {
    const fault = faultOf(key, origin, now);
    // A character a byte: half of what hex would take.
    const name = fault === null ? String.fromCharCode(...key.keyData) : '';
    const isRevocation = key.reportType === REPORT_TYPE.REVOKED;
    const seen = isRevocation ? revoked : accepted;
    if (fault !== null) drop(fault);
    else if (seen.has(name)) drop('twice');
    else {
      seen.add(name);
      if (isRevocation) judged.revoked(key.keyData);
      else judged.key(rewritten(key, now));
    }
  }
  return dropped;
}

/**
 * @param keys see {@link judgeEach}
 * @param now Unix seconds
 * @returns what may be stored, with level 3..8, and how many were dropped for what
 */
export function judgeInbound(keys: readonly InboundKey[], origin: string, now: number): JudgedKeys {
  const [accepted, revoked]: [TemporaryExposureKey[], Uint8Array[]] = [[], []];
  const dropped = judgeEach(
    keys,
    { origin, now },
    { key: (key) => void accepted.push(key), revoked: (keyData) => void revoked.push(keyData) },
  );
  return { keys: accepted, revoked, dropped };
}

function faultOf(key: InboundKey, origin: string, now: number): InboundFault | null {
  if (key.keyData.length !== KEY_DATA_BYTES) return 'key-length';
  if (key.origin !== origin) return 'origin';
  if (key.reportType === REPORT_TYPE.REVOKED) return null;
  if (!(key.reportType >= REPORT_TYPE.CONFIRMED_TEST && key.reportType <= REPORT_TYPE.RECURSIVE)) return 'report-type';
  if (!isWithin(key.rollingPeriod, 1, MAX_ROLLING_PERIOD)) return 'period';
  // One interval for a peer whose clock is ahead; a key that still runs waits here as ours do.
  if (!isWithin(key.rollingStartIntervalNumber, 0, enIntervalNumber(now) + 1)) return 'future';
  if (keyEnd(key) <= now - RETENTION_DAYS * SECONDS_PER_DAY) return 'too-old';
  return levelOf(key, now) < MINIMUM_PUBLISHED_RISK_LEVEL ? 'level' : null;
}

function rewritten(key: InboundKey, now: number): TemporaryExposureKey {
  const transmissionRiskLevel = levelOf(key, now);
  return {
    keyData: key.keyData,
    rollingStartIntervalNumber: key.rollingStartIntervalNumber,
    rollingPeriod: key.rollingPeriod,
    transmissionRiskLevel,
    ...encodeRiskLevel(transmissionRiskLevel),
  };
}

/**
 * The level that was sent; else what follows from the onset; else from nothing but the key's age. By its age alone none is left out: its authority, which knows the onset where we don't, published it as worth a warning (decision
 * 056). What says that nobody tested isn't published as a test, which a level of 7 or 8 says to phones.
 */
function levelOf({ transmissionRiskLevel: level, onset, reportType, ...key }: InboundKey, now: number): number {
  if (level !== null && isWithin(level, MIN_RISK_LEVEL, MAX_RISK_LEVEL)) return level;
  const most = HIGHEST_LEVEL[reportType] ?? MAX_RISK_LEVEL;
  if (onset !== null) return Math.min(most, riskLevelOfOnset(onset));
  const age = Math.floor(now / SECONDS_PER_DAY) - Math.floor((keyEnd(key) - 1) / SECONDS_PER_DAY);
  const byAge = riskLevelOfOnset(NO_INFORMATION - Math.max(0, age));
  return Math.min(most, Math.max(MINIMUM_PUBLISHED_RISK_LEVEL, byAge));
}

const isWithin = (value: number, low: number, high: number): boolean =>
  Number.isInteger(value) && value >= low && value <= high;
