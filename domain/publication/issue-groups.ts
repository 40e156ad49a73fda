/**
 * @module Which keys of a set are told apart by who vouched for them (decision 041): a group of issue ids each, so that a rollback finds them and
 * nobody finds a person. What is too small to stand alone is mixed with others of its kind, then with whatever else is too small. A function of the
 * set alone: whoever writes it again numbers it the same.
 *
 * What lies beside a part of a record, before it is sealed (sealed-pages.ts):
 *
 * | bytes | what |
 * |---|---|
 * | 0..3 | length of the JSON, big-endian |
 * | then | the JSON: `{"format": 1, "hour": …, "day": …, "n": …, "groups": [["c…", …], …]}` |
 * | then | for each row of the part, two bytes: number of its group + 1, 0 for a row without an id |
 * | then | zeros to the end of the page |
 */
import { fromUtf8, utf8 } from '../../protocol/primitives/bytes.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import type { ChunkPolicy } from '../chunk-policy.ts';
import { isIssueId, issueKind } from '../issue.ts';
import type { RecordPart } from './record.ts';

/** How far back an id's uploads count: as long as a TAN may be used after it was given, and some. */
export const COUNTED_HOURS = 16 * 24;
/** How long its counts are kept: a set is written again within hours, never days. */
export const COUNTS_KEPT_HOURS = COUNTED_HOURS + 48;

/** Real uploads that are still there, never decoys: of what has ended since, none can hide anybody. */
export interface IssueCount {
  readonly keys: number;
  readonly uploads: number;
}

/** An id that rows of a set have. */
export interface IssueInSet {
  readonly issueId: string;
  /** Of this id in this set. */
  readonly inSet: IssueCount;
  /** Of this id so far, this set included. */
  readonly sofar: IssueCount;
}

/** Ids that are told apart from others' together; sorted. */
export type IssueGroup = readonly string[];

/**
 * An id with as much as a chunk has at least (`MIN_KEYS` keys of `MIN_UPLOADS` uploads) is a group; others of its kind are one if they have as much in this
 * set; what is left is one, and where that is too little too, it joins the smallest of the others. Of a set whose real uploads are too few for any, all are one.
 *
 * @param policy whose minima hold
 * @returns groups by their first id
 */
export function groupIssues(policy: ChunkPolicy, issues: readonly IssueInSet[]): IssueGroup[] {
  const isEnough = (counts: readonly IssueCount[]): boolean => {
    const { keys, uploads } = sumOf(counts);
    return keys >= policy.minKeys && uploads >= policy.minUploads;
  };
  const groups: IssueInSet[][] = [];
  const small: IssueInSet[] = [];
  for (const issue of issues) {
    if (isEnough([issue.sofar])) groups.push([issue]);
    else small.push(issue);
  }
  const left: IssueInSet[] = [];
  for (const own of Map.groupBy(small, ({ issueId }) => issueKind(issueId)).values()) {
    if (isEnough(own.map(({ inSet }) => inSet))) groups.push(own);
    else left.push(...own);
  }
  if (left.length > 0) {
    const smallest = isEnough(left.map(({ inSet }) => inSet)) ? undefined : groups.toSorted(bySize)[0];
    if (smallest === undefined) groups.push(left);
    else smallest.push(...left);
  }
  return groups
    .map((group) => group.map(({ issueId }) => issueId).toSorted())
    .toSorted(([a = ''], [b = '']) => (a < b ? -1 : 1));
}

const sumOf = (counts: readonly IssueCount[]): IssueCount => ({
  keys: counts.reduce((sum, { keys }) => sum + keys, 0),
  uploads: counts.reduce((sum, { uploads }) => sum + uploads, 0),
});

function bySize(a: readonly IssueInSet[], b: readonly IssueInSet[]): number {
  const keys = (group: readonly IssueInSet[]): number => sumOf(group.map(({ inSet }) => inSet)).keys;
  const first = (group: readonly IssueInSet[]): string => group.map(({ issueId }) => issueId).toSorted()[0] ?? '';
  return keys(a) - keys(b) || (first(a) < first(b) ? -1 : 1);
}

/** What it is sealed for. */
export const ISSUES_USE = 'exposure-edge/issues/v1';
const FORMAT = 1;
const LENGTH_BYTES = 4;
/** Of a row: the number of its group. */
export const GROUP_BYTES = 2;

/** Which part of which record. */
export type PartName = Pick<RecordPart, 'day' | 'n'> & { readonly hour: number };

/** @param rowGroups {@link GROUP_BYTES} a row @returns the plain bytes, without the zeros */
export function layIssues(
  { hour, day, n }: PartName,
  groups: readonly IssueGroup[],
  rowGroups: Uint8Array,
): Uint8Array {
  const json = utf8(JSON.stringify({ format: FORMAT, hour, day, n, groups }));
  const plain = new Uint8Array(LENGTH_BYTES + json.length + rowGroups.length);
  new DataView(plain.buffer).setUint32(0, json.length);
  plain.set(json, LENGTH_BYTES);
  plain.set(rowGroups, LENGTH_BYTES + json.length);
  return plain;
}

/** What lies beside a part. */
export interface PartIssues {
  readonly groups: readonly IssueGroup[];
  /** @returns number of the group of a row, or null: it has no id */
  groupOf(row: number): number | null;
}

/**
 * @param plain opened
 * @param part as its name says: what is sealed for another is refused
 * @param rows of the part
 * @returns what it says, or which rule it breaks
 */
export function readIssues(plain: Uint8Array, part: PartName, rows: number): Result<PartIssues, string> {
  const length = plain.length < LENGTH_BYTES ? Infinity : new DataView(plain.buffer, plain.byteOffset).getUint32(0);
  const start = LENGTH_BYTES + length;
  if (start + rows * GROUP_BYTES > plain.length) return err(`${rows} rows end outside it`);
  let json: PartName & { readonly format: number; readonly groups: readonly IssueGroup[] };
  try {
    json = JSON.parse(fromUtf8(plain.subarray(LENGTH_BYTES, start))) as typeof json;
  } catch {
    return err('its description is no JSON');
  }
  if (json.format !== FORMAT) return err(`format ${json.format}, and this version reads ${FORMAT}`);
  if (json.hour !== part.hour || json.day !== part.day || json.n !== part.n) return err('it is of another part');
  if (!json.groups.every((group) => group.every((id) => isIssueId(id))))
    return err('a group has something else than ids');
  const numbers = new DataView(plain.buffer, plain.byteOffset + start, rows * GROUP_BYTES);
  for (let row = 0; row < rows; row++) {
    if (numbers.getUint16(row * GROUP_BYTES) > json.groups.length) return err(`row ${row} is of no group`);
  }
  return ok({
    groups: json.groups,
    groupOf: (row) => {
      const number = numbers.getUint16(row * GROUP_BYTES);
      return number === 0 ? null : number - 1;
    },
  });
}
