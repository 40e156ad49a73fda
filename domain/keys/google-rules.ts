/**
 * @module The rules for keys of Google's dialect as data (docs/spec/google.md §2.1); google-keys.ts applies them. docs/google-dialect.md is held equal to this list
 * by a test. Where they are stricter than Google's server the reason says why, and the key is left out with a warning: what an app must not take for a
 * failure, since iOS couldn't cope with partial ones (docs/spec/google.md §1.4), and it is nothing that the phone did.
 */
import { INTERVALS_PER_DAY, enIntervalNumber } from '../../protocol/gaen/intervals.ts';
import { MAX_PUBLISHED_KEYS } from '../../protocol/publish/request.ts';
import type { CertifiedReport } from '../../protocol/publish/report-type.ts';
import { daysSinceOnset, MAX_DAYS_SINCE_ONSET } from './google-onset.ts';
import { KEY_RULES } from './key-rules.ts';
import { KEY_DATA_BYTES, MAX_KEYS_OF_ONE_DAY, MAX_ROLLING_PERIOD } from './limits.ts';
import { overlaps } from './upload-rules.ts';

/** A key as it was sent, its text decoded. */
export interface PublishedKey {
  /** null: no base64. */
  readonly keyData: Uint8Array | null;
  readonly rollingStartNumber: number;
  readonly rollingPeriod: number;
  readonly transmissionRisk: number;
}

/** What the keys are judged by. */
export interface PublishFacts {
  readonly reportType: CertifiedReport;
  /** ENIntervalNumber, see google-onset.ts. */
  readonly onset: number;
  /** Unix seconds. */
  readonly now: number;
}

/**
 * refuse: the whole request is a bad one. fail: the key is left out; if every key is, the request is a bad one, else a partial failure. warn: the key is left out
 * with a warning, and the request succeeds though none is left.
 */
type Consequence = 'refuse' | 'fail' | 'warn';

interface GoogleRule {
  readonly name: string;
  readonly consequence: Consequence;
  readonly rule: string;
  readonly reason: string;
}

/** Judged key by key. */
export interface GoogleKeyRule extends GoogleRule {
  readonly consequence: 'fail' | 'warn';
  readonly broken: (key: PublishedKey, facts: PublishFacts) => boolean;
}

/** Judged of all keys, or of those that are left. */
export interface GoogleListRule extends GoogleRule {
  readonly consequence: 'refuse';
  readonly broken: (keys: readonly PublishedKey[]) => boolean;
}

/** docs/spec/google.md §2.1: 360 h. */
const GOOGLE_RETENTION_INTERVALS = 15 * INTERVALS_PER_DAY;
const MAX_TRANSMISSION_RISK = 8;

const within = (value: number, low: number, high: number): boolean => value >= low && value <= high;

/** First of all. */
export const COUNT_RULE: GoogleListRule = {
  name: 'key-count',
  consequence: 'refuse',
  rule: `There are 1..${MAX_PUBLISHED_KEYS} keys.`,
  reason: 'As Google’s server has it.',
  broken: ({ length }) => !within(length, 1, MAX_PUBLISHED_KEYS),
};

/** In the order they are tried; the first that is broken names why a key is left out. */
export const GOOGLE_KEY_RULES: readonly GoogleKeyRule[] = [
  {
    name: 'key-data',
    consequence: 'fail',
    rule: `The key is ${KEY_DATA_BYTES} bytes in base64 of either alphabet, padded or not.`,
    reason: 'As Google’s server has it.',
    broken: ({ keyData }) => keyData?.length !== KEY_DATA_BYTES,
  },
  {
    name: 'rolling-period',
    consequence: 'fail',
    rule: `The rolling period is 1..${MAX_ROLLING_PERIOD}, and is there.`,
    reason: 'As Google’s server has it; only its documentation says that an absent one means 144.',
    broken: ({ rollingPeriod }) => !within(rollingPeriod, 1, MAX_ROLLING_PERIOD),
  },
  {
    name: 'transmission-risk',
    consequence: 'fail',
    rule: `The transmission risk is 0..${MAX_TRANSMISSION_RISK}; absent is 0.`,
    reason: 'As Google’s server has it. It is bound by the certificate and not published: report type and onset are.',
    broken: ({ transmissionRisk }) => !within(transmissionRisk, 0, MAX_TRANSMISSION_RISK),
  },
  {
    name: 'future-start',
    consequence: 'fail',
    rule: 'A key that begins after the current interval is left out; one that began and still runs is kept.',
    reason: 'As Google’s server has it: nobody can have seen it yet.',
    broken: ({ rollingStartNumber }, { now }) => rollingStartNumber > enIntervalNumber(now),
  },
  {
    name: 'ancient',
    consequence: 'fail',
    rule: 'A key that ended more than 15 days ago, in whole intervals, or began before 1970, is left out.',
    reason: 'As Google’s server has it: by the end of the key, not its start.',
    broken: ({ rollingStartNumber, rollingPeriod }, { now }) =>
      rollingStartNumber < 0 || rollingStartNumber + rollingPeriod < enIntervalNumber(now) - GOOGLE_RETENTION_INTERVALS,
  },
  {
    name: 'onset',
    consequence: 'warn',
    rule: `A key of a UTC day more than ${MAX_DAYS_SINCE_ONSET} days before or after the onset is left out.`,
    reason: 'As Google’s server has it.',
    broken: ({ rollingStartNumber }, { onset }) =>
      Math.abs(daysSinceOnset(rollingStartNumber, onset)) > MAX_DAYS_SINCE_ONSET,
  },
];

/** Judged of the keys that are left, each once. */
export const GOOGLE_LIST_RULES: readonly GoogleListRule[] = [
  {
    name: 'overlap',
    consequence: 'refuse',
    rule: 'No two keys are valid at the same time, unless they begin at the same interval.',
    reason: 'As Google’s server has it: iOS releases a key early, and its next one begins where that one began.',
    broken: (keys) =>
      overlaps(
        keys.map(({ rollingStartNumber, ...key }) => ({ ...key, rollingStartIntervalNumber: rollingStartNumber })),
      ),
  },
  {
    name: 'same-start',
    consequence: 'refuse',
    rule: `At most ${MAX_KEYS_OF_ONE_DAY} keys begin at the same interval.`,
    reason: 'As Google’s server has it.',
    broken: (keys) =>
      [...Map.groupBy(keys, ({ rollingStartNumber }) => rollingStartNumber).values()].some(
        ({ length }) => length > MAX_KEYS_OF_ONE_DAY,
      ),
  },
];

/** Name of the rule that a key which stands twice breaks. */
export const DUPLICATE = 'duplicate';

/** Rules of ours that leave a key out with a warning. Those of key-rules.ts are the same code; a level is never below the minimum here (google-onset.ts). */
const OURS: readonly GoogleRule[] = [
  {
    name: DUPLICATE,
    consequence: 'warn',
    rule: 'Of a key that stands twice the first is kept.',
    reason: 'Google’s server keeps one too; here each copy is named.',
  },
  ...KEY_RULES.filter(({ name }) => name !== 'future-start' && name !== 'risk-below-minimum').map(
    ({ name, rule, reason }): GoogleRule => ({
      name,
      consequence: 'warn',
      rule,
      reason: `As for the other dialect. ${reason}`,
    }),
  ),
];

/** All of them, as documented. */
export const GOOGLE_RULES: readonly GoogleRule[] = [COUNT_RULE, ...GOOGLE_KEY_RULES, ...GOOGLE_LIST_RULES, ...OURS];
