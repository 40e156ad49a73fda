/**
 * @module From the keys of a publish request to keys that every phone accepts (docs/spec/google.md §2.1): the rules of google-rules.ts applied, and what the phone
 * hears of each key that is left out.
 */
import { compareBytes } from '../../protocol/primitives/bytes.ts';
import { daysSinceOnset, MAX_DAYS_SINCE_ONSET, publishedLevel } from './google-onset.ts';
import {
  COUNT_RULE,
  DUPLICATE,
  GOOGLE_KEY_RULES,
  GOOGLE_LIST_RULES,
  type PublishedKey,
  type PublishFacts,
} from './google-rules.ts';
import { KEY_RULES } from './key-rules.ts';
import type { AcceptedKey, CheckedKey } from './uploaded.ts';
import { asPublished } from './validate.ts';

/** What is left of a request's keys. */
export type JudgedKeys =
  /** No key may be stored, by this rule; the texts say why keys were left out, if that was it. */
  | { readonly kind: 'refused'; readonly rule: string; readonly failures: readonly string[] }
  | {
      readonly kind: 'judged';
      /** As they are published; perhaps none, where all are left out with a warning. */
      readonly keys: readonly AcceptedKey[];
      /** A line for each key that makes it a partial failure; ASCII, as the phone hears it. */
      readonly failures: readonly string[];
      /** A line for each other key that is left out. */
      readonly warnings: readonly string[];
    };

/** A key and its place in the request, by which the phone knows it. */
interface Placed {
  readonly at: number;
  readonly key: PublishedKey & { readonly keyData: Uint8Array };
}

/**
 * @param sent all keys of the request, in its order
 * @param facts see {@link PublishFacts}
 * @returns see {@link JudgedKeys}
 */
export function judgeKeys(sent: readonly PublishedKey[], facts: PublishFacts): JudgedKeys {
  const failures: string[] = [];
  const warnings: string[] = [];
  const refused = (rule: string): JudgedKeys => ({ kind: 'refused', rule, failures });
  if (COUNT_RULE.broken(sent)) return refused(COUNT_RULE.name);
  const valid: Placed[] = [];
  for (const [at, key] of sent.entries()) {
    const rule = GOOGLE_KEY_RULES.find(({ broken }) => broken(key, facts));
    if (rule === undefined && key.keyData !== null) valid.push({ at, key: { ...key, keyData: key.keyData } });
    else if (rule?.name === 'onset') warnings.push(onsetWarning(at, key, facts.onset));
    else failures.push(`key ${at} cannot be imported: ${rule?.name}`);
  }
  if (failures.length === sent.length) return refused('no-valid-key');
  const firsts = valid.filter(({ key }, n) => valid.findIndex((other) => sameKey(other.key, key)) === n);
  for (const { at } of valid) {
    if (!firsts.some((first) => first.at === at)) warnings.push(leftOut(at, DUPLICATE));
  }
  const broken = GOOGLE_LIST_RULES.find((rule) => rule.broken(firsts.map(({ key }) => key)));
  if (broken !== undefined) return refused(broken.name);
  const places = new Map(firsts.map(({ at, key }) => [checked(key, facts), at]));
  let left: readonly CheckedKey[] = [...places.keys()];
  for (const { name, keep } of KEY_RULES) {
    const stay = new Set(keep(left, facts.now));
    for (const key of left) if (!stay.has(key)) warnings.push(leftOut(places.get(key), name));
    left = [...stay];
  }
  return { kind: 'judged', keys: left.map(asPublished), failures, warnings };
}

const leftOut = (at: number | undefined, rule: string): string => `key ${at} is not published: ${rule}`;

/** In the words of Google's server. */
const onsetWarning = (at: number, { rollingStartNumber }: PublishedKey, onset: number): string =>
  `key ${at} symptom onset is too large, ${Math.abs(daysSinceOnset(rollingStartNumber, onset))} > ${MAX_DAYS_SINCE_ONSET} - saving without this key`;

const sameKey = (one: Placed['key'], other: Placed['key']): boolean => compareBytes(one.keyData, other.keyData) === 0;

const checked = (
  { keyData, rollingStartNumber, rollingPeriod }: Placed['key'],
  { reportType, onset }: PublishFacts,
): CheckedKey => ({
  keyData,
  rollingStartIntervalNumber: rollingStartNumber,
  rollingPeriod,
  transmissionRiskLevel: publishedLevel(reportType, daysSinceOnset(rollingStartNumber, onset)),
  daysSinceOnsetOfSymptoms: null,
});
