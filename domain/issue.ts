/**
 * @module Issue ids: what a key says of who vouched for it (docs/architecture.md §8, decision 041). Each source of authorisations has one random id
 * a UTC day; `verification` keeps the books, which source had which, and a TAN, its upload and its keys carry the id alone. The first letter says
 * what kind of source, so that keys of small ones can be mixed with others of their kind before anything is written for long.
 */
import { toHex } from '../protocol/primitives/bytes.ts';
import type { RandomBytes } from './random.ts';

/** Kind of a source → first letter of its ids. */
const LETTERS = { card: 'c', laboratory: 'l', hotline: 'h', staff: 's', region: 'r', authority: 'a' } as const;

/** card: a batch of code cards; hotline: a member of staff who issues teleTANs; staff: whoever has TANs issued by a command; region: another one, by credentials of its tests; authority: a health authority, by certificates. */
export type IssueKind = keyof typeof LETTERS;
export const ISSUE_KINDS = Object.keys(LETTERS) as readonly IssueKind[];

/** A source of authorisations on one day. */
export interface IssueSource {
  readonly kind: IssueKind;
  /** Batch id, laboratory's id, subject of a member of staff, a region's or an authority's id; 1..100 characters. */
  readonly source: string;
  /** UTC day since the Unix epoch on which was vouched. */
  readonly day: number;
}

const ISSUE_ID = /^[clhsra][0-9a-f]{32}$/;
const RANDOM_BYTES = 16;

/** @param random source of randomness @returns a new id: a letter and 128 random bits in hex */
export function newIssueId(kind: IssueKind, random: RandomBytes): string {
  return LETTERS[kind] + toHex(random(RANDOM_BYTES));
}

/** @param text of any type @returns whether it has the form of an id */
export function isIssueId(text: unknown): text is string {
  return typeof text === 'string' && ISSUE_ID.test(text);
}

/** @returns the kind of source that an id belongs to, or null when it isn't one */
export function issueKind(issueId: string): IssueKind | null {
  return isIssueId(issueId) ? (ISSUE_KINDS.find((kind) => issueId.startsWith(LETTERS[kind])) ?? null) : null;
}
