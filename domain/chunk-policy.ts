/**
 * @module How many keys and uploads a chunk needs, how long an hour may wait for them, and how files are cut
 * (docs/architecture.md §5.3, §5.4). One decision an hour holds for all regions: a difference between regions would unmask decoys.
 */
import { MAX_KEYS_PER_UPLOAD } from './keys/limits.ts';

/** Validated once (`parseChunkPolicy`); every field is a whole number. */
export interface ChunkPolicy {
  /** Fewest keys in a non-empty chunk, in each region that has a key in the hour (CWA: 140). */
  readonly minKeys: number;
  /** Fewest uploads behind a non-empty chunk, in each such region. */
  readonly minUploads: number;
  /** Synthetic uploads set aside in each published hour, beyond the minima, to go with keys that are taken back (decision 040). */
  readonly reserveUploads: number;
  /** Hours that a key may wait for others before decoys are added. */
  readonly maxHoldHours: number;
  /** Most keys in one file of the manifest. */
  readonly maxKeysPerFile: number;
  /** Most keys in CWA's tree an hour, and in all hours of one UTC day together. */
  readonly cwaMaxKeys: number;
  /** Days that a key is kept and published after its period has ended; a jurisdiction's number, within {@link RETENTION_LIMITS}. */
  readonly retentionDays: number;
}

/** Phones refuse more (docs/spec/gaen.md §4.5, CWA's configuration: at most 750,000 keys a file). */
const PHONE_MAX_KEYS = 750_000;

/**
 * Days. No more than 14: phones hear and match no further back (docs/spec/gaen.md §1, §5), so a longer life would serve nobody. No less than 10: a
 * phone must be able to find whom it met while they were infectious, and no system that was in operation published for less (Google's servers refuse to,
 * docs/spec/google.md §3.11; CWA's published 10, docs/spec/gaen.md §10).
 */
export const RETENTION_LIMITS = { min: 10, max: 14 } as const;

const FIELDS = {
  MIN_KEYS: ['minKeys', 140],
  MIN_UPLOADS: ['minUploads', 10],
  RESERVE_UPLOADS: ['reserveUploads', 3],
  MAX_HOLD_HOURS: ['maxHoldHours', 6],
  MAX_KEYS_PER_FILE: ['maxKeysPerFile', 100_000],
  CWA_MAX_KEYS: ['cwaMaxKeys', 600_000],
  RETENTION_DAYS: ['retentionDays', 14],
} as const satisfies Record<string, readonly [keyof ChunkPolicy, number]>;

type Field = keyof typeof FIELDS;

export type ChunkPolicyError = { readonly field: Field; readonly value: string; readonly rule: string };

/** The defaults of docs/architecture.md §5.3 and §5.4. */
export const DEFAULT_CHUNK_POLICY: ChunkPolicy = {
  minKeys: 140,
  minUploads: 10,
  reserveUploads: 3,
  maxHoldHours: 6,
  maxKeysPerFile: 100_000,
  cwaMaxKeys: 600_000,
  retentionDays: 14,
};

/** @returns a variable as its author wrote it: in wrangler.toml it may be a number, or by mistake anything else */
export function variableText(variable: unknown): string {
  return typeof variable === 'string' ? variable : JSON.stringify(variable);
}

/**
 * Reads the policy from configuration and refuses what contradicts itself.
 *
 * @param vars text by field name; a field that is missing or empty takes its default
 * @returns the policy, or the first field that breaks a rule, with the rule
 */
export function parseChunkPolicy(
  vars: Readonly<Record<string, unknown>>,
): { readonly ok: true; readonly value: ChunkPolicy } | { readonly ok: false; readonly error: ChunkPolicyError } {
  const values: Record<keyof ChunkPolicy, number> = { ...DEFAULT_CHUNK_POLICY };
  for (const field of Object.keys(FIELDS) as Field[]) {
    const given = vars[field];
    if (given === undefined || given === '') continue;
    const text = variableText(given);
    if (!/^\d{1,9}$/.test(text)) return fail(field, text, 'must be a whole number from 0 to 999999999');
    values[FIELDS[field][0]] = Number(text);
  }
  // Where fewer uploads than these may stand together, there is nothing that they would have to protect.
  const isReserveGiven = vars['RESERVE_UPLOADS'] !== undefined && vars['RESERVE_UPLOADS'] !== '';
  if (!isReserveGiven && values.minUploads < values.reserveUploads) values.reserveUploads = 0;
  for (const [field, broken, rule] of contradictions(values)) {
    if (broken) return fail(field, String(values[FIELDS[field][0]]), rule);
  }
  return { ok: true, value: values };
}

/**
 * @param error from `parseChunkPolicy`
 * @returns one sentence that names the field, its value and the rule
 */
export function describeChunkPolicyError(error: ChunkPolicyError): string {
  return `${error.field}=${error.value} ${error.rule}`;
}

function fail(field: Field, value: string, rule: string): { ok: false; error: ChunkPolicyError } {
  return { ok: false, error: { field, value, rule } };
}

function contradictions(p: ChunkPolicy): [Field, boolean, string][] {
  return [
    [
      'RETENTION_DAYS',
      p.retentionDays < RETENTION_LIMITS.min || p.retentionDays > RETENTION_LIMITS.max,
      `must be from ${RETENTION_LIMITS.min} to ${RETENTION_LIMITS.max}: phones look no further back, and must find whom they met`,
    ],
    ['MAX_KEYS_PER_FILE', p.maxKeysPerFile < 1, 'must be at least 1'],
    [
      'MAX_KEYS_PER_FILE',
      p.maxKeysPerFile > PHONE_MAX_KEYS,
      `must not exceed ${PHONE_MAX_KEYS}, the most a phone takes`,
    ],
    ['CWA_MAX_KEYS', p.cwaMaxKeys < 1, 'must be at least 1'],
    ['CWA_MAX_KEYS', p.cwaMaxKeys > PHONE_MAX_KEYS, `must not exceed ${PHONE_MAX_KEYS}, the most a phone takes`],
    ['CWA_MAX_KEYS', p.cwaMaxKeys < p.minKeys, `must not be below MIN_KEYS=${p.minKeys}: CWA's tree would stay empty`],
    [
      'MAX_KEYS_PER_FILE',
      p.maxKeysPerFile < 2 * p.minKeys,
      `must be at least twice MIN_KEYS=${p.minKeys}: files are split evenly, and half a file must not fall below it`,
    ],
    [
      'MAX_KEYS_PER_FILE',
      p.maxKeysPerFile < 2 * MAX_KEYS_PER_UPLOAD * p.minUploads,
      `must be at least ${2 * MAX_KEYS_PER_UPLOAD} times MIN_UPLOADS=${p.minUploads}, so that half a file still holds them`,
    ],
    [
      'MIN_KEYS',
      p.minKeys < p.minUploads,
      `must not be below MIN_UPLOADS=${p.minUploads}: an upload has a key at least`,
    ],
    [
      'RESERVE_UPLOADS',
      p.reserveUploads > p.minUploads,
      `must not exceed MIN_UPLOADS=${p.minUploads}: they cost every phone bytes in every published hour`,
    ],
    [
      'MAX_HOLD_HOURS',
      p.maxHoldHours >= p.retentionDays * 24,
      `must be shorter than RETENTION_DAYS=${p.retentionDays}`,
    ],
  ];
}

/** What one region has in the hours that would be published together. */
export interface RegionCount {
  readonly region: string;
  readonly keys: number;
  readonly uploads: number;
}

export type ChunkDecision = 'empty' | 'publish' | 'hold' | 'pad';

/**
 * The uploads of a set: nobody counts twice where hours merge (docs/architecture.md §4.5).
 *
 * @param hours for one region, per release hour: uploads whose first new key is released then, and uploads with any key
 * @returns the larger of the sum of the first and the greatest of the second
 */
export function uploadsOfSet(hours: Iterable<{ readonly first: number; readonly any: number }>): number {
  let sum = 0;
  let greatest = 0;
  for (const { first, any } of hours) {
    sum += first;
    greatest = Math.max(greatest, any);
  }
  return Math.max(sum, greatest);
}

/**
 * @param policy validated
 * @param hour the hour to seal (hours since the Unix epoch)
 * @param oldestReleaseHour release hour of the key that waits longest, null when no key waits
 * @param regions one entry per published region; a region without keys asks for nothing
 * @returns empty: no key; publish: both minima hold; hold: wait for the next hour; pad: the wait is over, add decoys
 */
export function decideChunk(
  policy: ChunkPolicy,
  hour: number,
  oldestReleaseHour: number | null,
  regions: readonly RegionCount[],
): ChunkDecision {
  if (oldestReleaseHour === null) return 'empty';
  if (regions.every((region) => holdsMinima(policy, region))) return 'publish';
  return hour - oldestReleaseHour >= policy.maxHoldHours ? 'pad' : 'hold';
}

/**
 * @returns whether a region has enough of both, or nothing at all
 */
export function holdsMinima(policy: ChunkPolicy, region: RegionCount): boolean {
  return region.keys === 0 || (region.keys >= policy.minKeys && region.uploads >= policy.minUploads);
}

/**
 * Splits keys evenly, so that the last file is not a small one.
 *
 * @param keys number of keys, ≥ 0
 * @param maxKeysPerFile ≥ 1
 * @returns the number of keys of each file, which differ by one at most; one empty file for no keys
 */
export function splitEvenly(keys: number, maxKeysPerFile: number): number[] {
  const files = Math.max(1, Math.ceil(keys / maxKeysPerFile));
  return Array.from({ length: files }, (_, n) => Math.floor(((n + 1) * keys) / files) - Math.floor((n * keys) / files));
}
