import { describe, it } from 'vitest';
import { REPORT_TYPE, type ReportType } from '../../protocol/gaen/keys.ts';
import { CERTIFIED_REPORTS, type CertifiedReport } from '../../protocol/publish/report-type.ts';
import { isLevelOf, transition, type Transition } from './report-transitions.ts';

const { CONFIRMED_TEST, CONFIRMED_CLINICAL_DIAGNOSIS, SELF_REPORT, REVOKED } = REPORT_TYPE;
const INVALID = 'invalid_report_type_transition';
const REVISED = 'key_already_revised';

/** By what comes next: confirmed, likely, negative, user-report. */
type Row = readonly [Transition, Transition, Transition, Transition];
const eachNext = (first: CertifiedReport, revisedTo: CertifiedReport | null, published: ReportType | null) =>
  CERTIFIED_REPORTS.map((next) => transition({ first, revisedTo, published }, next));

describe('what may be said of a key next', () => {
  it.for<[first: CertifiedReport, row: Row]>([
    ['confirmed', ['same', INVALID, 'revise', INVALID]],
    ['likely', ['revise', 'same', 'revise', INVALID]],
    ['user-report', ['revise', 'revise', 'revise', 'same']],
    ['negative', [INVALID, INVALID, 'same', INVALID]],
  ])('that was said to be %s (docs/spec/google.md §2.5)', ([first, row], { expect }) => {
    expect(eachNext(first, null, null)).toEqual(row);
  });

  it.for<[first: CertifiedReport, revisedTo: CertifiedReport, row: Row]>([
    ['likely', 'confirmed', ['same', 'same', REVISED, REVISED]],
    ['likely', 'negative', [REVISED, 'same', 'same', REVISED]],
    ['user-report', 'likely', [REVISED, 'same', REVISED, 'same']],
  ])('that was %s, and %s by its token', ([first, revisedTo, row], { expect }) => {
    expect(eachNext(first, revisedTo, null)).toEqual(row);
  });

  it.for<[first: CertifiedReport, published: ReportType, row: Row]>([
    ['likely', CONFIRMED_TEST, ['same', 'same', REVISED, REVISED]],
    ['likely', REVOKED, [REVISED, 'same', 'same', REVISED]],
    ['user-report', CONFIRMED_CLINICAL_DIAGNOSIS, [REVISED, 'same', REVISED, 'same']],
    // Far from the onset, where the type isn't said.
    ['user-report', SELF_REPORT, ['same', 'same', REVISED, 'same']],
    ['likely', SELF_REPORT, ['same', 'same', REVISED, REVISED]],
  ])('that was %s, and by the store alone is %i', ([first, published, row], { expect }) => {
    expect(eachNext(first, null, published)).toEqual(row);
  });
});

it('levels stand for what was certified, near the onset or far', ({ expect }) => {
  const levels = CERTIFIED_REPORTS.map((type) => [1, 2, 3, 4, 5, 6, 7, 8].filter((level) => isLevelOf(level, type)));
  expect(levels).toEqual([
    [3, 7, 8],
    [3, 5, 6],
    [3, 4, 5, 6, 7, 8],
    [3, 4],
  ]);
});
