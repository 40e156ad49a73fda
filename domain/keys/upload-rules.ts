/**
 * @module Rules that refuse an upload as a whole: they look at no clock, so a repeated upload is judged the same at any
 * time. They count no keys: what is too old or of the future is no part of what a phone shares (key-rules.ts).
 * docs/key-validation.md is held equal to this list by a test.
 */
import { isAnyTwice } from '../../protocol/primitives/bytes.ts';
import { CWA_ONSET_MAX, CWA_ONSET_MIN } from './risk.ts';
import {
  KEY_DATA_BYTES,
  MAX_RISK_LEVEL,
  MAX_ROLLING_PERIOD,
  MAX_ROLLING_START,
  MIN_RISK_LEVEL,
  SUBMISSION_TYPES_WITH_TAN,
} from './limits.ts';
import type { UploadClaim, UploadedKey } from './uploaded.ts';

/** What the operator decides. */
export interface UploadPolicy {
  /** ISO 3166-1 alpha-2. */
  readonly homeCountry: string;
  /** 1 for an upload, 0 for a dummy, which carries no key (docs/spec/cwa.md §1.3). */
  readonly minimumKeys: 0 | 1;
}

/** A rule that refuses the whole upload. */
export interface UploadRule {
  readonly name: string;
  readonly rule: string;
  readonly reason: string;
  /** @returns true when the upload breaks the rule */
  readonly broken: (claim: UploadClaim, policy: UploadPolicy) => boolean;
}

const within = (value: number | null, low: number, high: number): boolean =>
  value !== null && Number.isInteger(value) && value >= low && value <= high;

const anyKey =
  (broken: (key: UploadedKey) => boolean) =>
  (claim: UploadClaim): boolean =>
    claim.keys.some(broken);

type Validity = Pick<UploadedKey, 'rollingStartIntervalNumber' | 'rollingPeriod'>;
const periodOf = (key: Validity): number => key.rollingPeriod ?? MAX_ROLLING_PERIOD;
const startOf = (key: Validity): number => key.rollingStartIntervalNumber ?? 0;

/** @param keysInAnyOrder any number @returns whether two of them are valid at one time and don't begin together */
export function overlaps(keysInAnyOrder: readonly Validity[]): boolean {
  const keys = keysInAnyOrder.toSorted((a, b) => startOf(a) - startOf(b));
  let end = 0;
  let previousStart = -1;
  for (const key of keys) {
    if (startOf(key) < end && startOf(key) !== previousStart) return true;
    end = Math.max(end, startOf(key) + periodOf(key));
    previousStart = startOf(key);
  }
  return false;
}

function hasDuplicate(claim: UploadClaim): boolean {
  return isAnyTwice(claim.keys.map(({ keyData }) => keyData));
}

/** In the order they are tried; the first that is broken names the refusal. */
export const UPLOAD_RULES: readonly UploadRule[] = [
  {
    name: 'no-key',
    rule: 'An upload holds a key; a dummy may hold none.',
    reason: 'Whoever sends none has nothing to share, and a TAN would be asked about for nothing.',
    broken: ({ keys }, { minimumKeys }) => keys.length < minimumKeys,
  },
  {
    name: 'key-length',
    rule: `Key data is exactly ${KEY_DATA_BYTES} bytes.`,
    reason: 'A longer key breaks the native reader of Android, and the rest of the file is lost to everyone.',
    broken: anyKey((key) => key.keyData.length !== KEY_DATA_BYTES),
  },
  {
    name: 'rolling-start-integer',
    rule: `The rolling start is an integer, 0..${MAX_ROLLING_START}, and is there.`,
    reason: 'It is a 32-bit number of ten-minute intervals on the wire; a missing one drops the file on microG.',
    broken: anyKey((key) => !within(key.rollingStartIntervalNumber, 0, MAX_ROLLING_START)),
  },
  {
    name: 'rolling-period',
    rule: `The rolling period is an integer, 1..${MAX_ROLLING_PERIOD}; absent means ${MAX_ROLLING_PERIOD}.`,
    reason: 'iOS ignores longer keys, and on Android one such key ends the matching run.',
    broken: anyKey((key) => key.rollingPeriod !== null && !within(key.rollingPeriod, 1, MAX_ROLLING_PERIOD)),
  },
  {
    name: 'risk-level',
    rule: `The transmission risk level, if there, is an integer, ${MIN_RISK_LEVEL}..${MAX_RISK_LEVEL}.`,
    reason: 'Android refuses a file with a level outside 0..8; 0 means "unused" and no client sends it.',
    broken: anyKey(
      (key) => key.transmissionRiskLevel !== null && !within(key.transmissionRiskLevel, MIN_RISK_LEVEL, MAX_RISK_LEVEL),
    ),
  },
  {
    name: 'onset',
    rule: `Days since onset, if there, is an integer, ${CWA_ONSET_MIN}..${CWA_ONSET_MAX}.`,
    reason: 'The range that Corona-Warn-App’s clients encode symptoms in; nothing else has a meaning.',
    broken: anyKey(
      (key) =>
        key.daysSinceOnsetOfSymptoms !== null && !within(key.daysSinceOnsetOfSymptoms, CWA_ONSET_MIN, CWA_ONSET_MAX),
    ),
  },
  {
    name: 'risk-or-onset',
    rule: 'Each key has a transmission risk level or days since onset, or both.',
    reason: 'Without either there is no risk to publish.',
    broken: anyKey((key) => key.transmissionRiskLevel === null && key.daysSinceOnsetOfSymptoms === null),
  },
  {
    name: 'duplicate-key',
    rule: 'No key data occurs twice in an upload.',
    reason: 'A key is published once; two entries with different fields would contradict each other.',
    broken: hasDuplicate,
  },
  {
    name: 'overlap',
    rule: 'No two keys are valid at the same time, unless they begin at the same interval.',
    reason:
      'A phone has one key at a time. After a same-day release Android hands out a second key with the same start, so equal starts are allowed.',
    broken: ({ keys }) => overlaps(keys),
  },
  {
    name: 'origin',
    rule: 'The origin is absent, empty or the home country.',
    reason: 'Keys of other countries come through federation, from a peer that signed them.',
    broken: ({ origin }, { homeCountry }) => origin !== null && origin !== '' && origin !== homeCountry,
  },
  {
    name: 'submission-type',
    rule: `The submission type is ${SUBMISSION_TYPES_WITH_TAN.join(', ')} with a TAN; absent means 0.`,
    reason: 'The other types are self-reports, which need a one-time password of a service that is not run here.',
    broken: ({ submissionType }) => !SUBMISSION_TYPES_WITH_TAN.includes(submissionType),
  },
];
