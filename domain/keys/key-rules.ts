/**
 * @module Rules that drop one key and keep the rest: they look at the clock, or at what is worth publishing. Then how much
 * may be left; a number of keys says something of a phone only when those that don't count are gone. And what is accepted on purpose although another server refuses it. docs/key-validation.md is held equal to these lists by a test.
 */
import { RETENTION_DAYS, SECONDS_PER_DAY, enIntervalNumber, keyEnd } from '../../protocol/gaen/intervals.ts';
import { publishedStart } from '../embargo.ts';
import { MAX_KEYS_OF_ONE_DAY, MAX_KEYS_PER_UPLOAD, MAX_SPAN_INTERVALS } from './limits.ts';
import { MINIMUM_PUBLISHED_RISK_LEVEL, UNMAPPED_RISK_LEVEL, riskLevelOfOnset } from './risk.ts';
import type { CheckedKey } from './uploaded.ts';

/** A rule that drops keys out of an upload. */
export interface KeyRule {
  readonly name: string;
  readonly rule: string;
  readonly reason: string;
  /** @returns the keys that stay */
  readonly keep: (keys: readonly CheckedKey[], now: number) => readonly CheckedKey[];
}

/** A rule that refuses what the others have left. */
export interface LimitRule {
  readonly name: string;
  readonly rule: string;
  readonly reason: string;
  /** @returns true when the keys that are left break the rule */
  readonly broken: (left: readonly CheckedKey[]) => boolean;
}

/** Something that looks wrong and is accepted. */
export interface Allowance {
  readonly name: string;
  readonly rule: string;
  readonly reason: string;
}

/** @param key a checked key @returns the level it was sent with, or the one that follows from its onset: 1..8 */
export function riskLevelOf(key: CheckedKey): number {
  if (key.transmissionRiskLevel !== null) return key.transmissionRiskLevel;
  return key.daysSinceOnsetOfSymptoms === null ? UNMAPPED_RISK_LEVEL : riskLevelOfOnset(key.daysSinceOnsetOfSymptoms);
}

const endInterval = (key: CheckedKey): number => key.rollingStartIntervalNumber + key.rollingPeriod;

function withinSpan(keys: readonly CheckedKey[]): readonly CheckedKey[] {
  const newest = Math.max(...keys.map(endInterval));
  return keys.filter((key) => newest - key.rollingStartIntervalNumber <= MAX_SPAN_INTERVALS);
}

/** The longest keys of each day that is published, in the order they were in; of equal ones the earlier in the upload. */
function longestOfDay(keys: readonly CheckedKey[]): readonly CheckedKey[] {
  const byDay = Map.groupBy(keys, publishedStart);
  if ([...byDay.values()].every(({ length }) => length <= MAX_KEYS_OF_ONE_DAY)) return keys;
  const kept = new Set(
    [...byDay.values()].flatMap((day) =>
      day.toSorted((a, b) => b.rollingPeriod - a.rollingPeriod).slice(0, MAX_KEYS_OF_ONE_DAY),
    ),
  );
  return keys.filter((key) => kept.has(key));
}

/** The first of {@link KEY_RULES}, which look at the clock alone; the others look at what is worth publishing. */
export const TIME_RULES: readonly KeyRule[] = [
  {
    name: 'future-start',
    rule: 'A key that begins after the current interval is dropped; one that began and still runs is kept.',
    reason:
      'It can have been seen by nobody yet. A key still running is held back until two hours after its end, so it is safe to take.',
    keep: (keys, now) => keys.filter((key) => key.rollingStartIntervalNumber <= enIntervalNumber(now)),
  },
  {
    name: 'too-old',
    rule: `A key that ended ${RETENTION_DAYS} days ago or more is dropped.`,
    reason: 'Phones keep sightings for 14 days, and so do we with keys: it would be deleted at once.',
    keep: (keys, now) => keys.filter((key) => keyEnd(key) > now - RETENTION_DAYS * SECONDS_PER_DAY),
  },
  {
    name: 'total-span',
    rule: `A key that begins more than ${RETENTION_DAYS + 1} days before the end of the newest key left is dropped.`,
    reason:
      'No phone has more history than 14 days and today. Dropped and not refused: a phone whose clock was wrong for a day could otherwise never upload.',
    keep: withinSpan,
  },
];

/** In the order they are applied. */
export const KEY_RULES: readonly KeyRule[] = [
  ...TIME_RULES,
  {
    name: 'risk-below-minimum',
    rule: `A key whose transmission risk level is below ${MINIMUM_PUBLISHED_RISK_LEVEL} is dropped.`,
    reason: 'Corona-Warn-App gives such keys no weight; publishing them costs every phone bytes for nothing.',
    keep: (keys) => keys.filter((key) => riskLevelOf(key) >= MINIMUM_PUBLISHED_RISK_LEVEL),
  },
  {
    name: 'keys-of-one-day',
    rule: `Of the keys that are published as one UTC day, the ${MAX_KEYS_OF_ONE_DAY} longest are kept.`,
    reason:
      'Same-day releases explain two or three. All are published as the whole day, and more would let one person publish a day many times over.',
    keep: longestOfDay,
  },
];

/** Judged when every rule that drops keys has had its turn, on what is left. */
export const LIMIT_RULES: readonly LimitRule[] = [
  {
    name: 'key-count',
    rule: `At most ${MAX_KEYS_PER_UPLOAD} keys are left by the rules that drop some.`,
    reason: 'A phone keeps 14 days and today, with two keys of a day that was cut; more than that are not one phone’s.',
    broken: (left) => left.length > MAX_KEYS_PER_UPLOAD,
  },
];

/** Where we are milder than Corona-Warn-App's or Google's server, on purpose. */
export const ALLOWANCES: readonly Allowance[] = [
  {
    name: 'start-not-at-midnight',
    rule: 'A rolling start need not be a multiple of 144.',
    reason:
      'Corona-Warn-App refuses it; but after a same-day release a key begins within the day, and no phone checks it when matching. It is published as a whole UTC day all the same.',
  },
  {
    name: 'over-midnight',
    rule: 'A key may run over midnight UTC.',
    reason:
      'No current phone makes one. It is published as the day that holds most of it (majority day), so that its start doesn’t tell which keys are one phone’s, and at least half of its identifiers are still matched.',
  },
  {
    name: 'gaps',
    rule: 'Days without a key are allowed.',
    reason: 'Phones are switched off.',
  },
  {
    name: 'report-type',
    rule: 'The report type that was sent is ignored.',
    reason: 'It is written anew from the risk level, so that symptoms never leave the server.',
  },
  {
    name: 'check-ins',
    rule: 'Check-ins are ignored and counted as 0 in the two answer headers.',
    reason: 'Presence tracing is not part of this system; clients that send them still get the headers they expect.',
  },
  {
    name: 'unknown-country',
    rule: 'A visited country that the published parameters don’t name is left out.',
    reason:
      'The keys are published at home and in the union all the same; refusing them would lose every upload of a phone that knows newer parameters.',
  },
  {
    name: 'padding',
    rule: 'Request padding has any length, within the limit of the body, and is not part of the digest.',
    reason: 'Phones pad anew on each attempt; a repeated upload must still be known as the same.',
  },
];
