/**
 * @module What may be said of a key after it was shared, by certificate (docs/spec/google.md §2.4, §2.5): likely → confirmed, user-report → confirmed or likely, anything → negative, once in
 * its life. Google's server refuses confirmed → negative, so that nobody could take back a test that was read wrongly. Saying the same again changes nothing.
 */
import { REPORT_TYPE, type ReportType } from '../../protocol/gaen/keys.ts';
import type { CertifiedReport } from '../../protocol/publish/report-type.ts';

const NEXT: Readonly<Record<CertifiedReport, readonly CertifiedReport[]>> = {
  likely: ['confirmed', 'negative'],
  'user-report': ['confirmed', 'likely', 'negative'],
  confirmed: ['negative'],
  negative: [],
};

/** What is known of a key that comes again. */
export interface SaidBefore {
  /** As it was first certified. */
  readonly first: CertifiedReport;
  /** What it was revised to, as its token says; null: nothing. */
  readonly revisedTo: CertifiedReport | null;
  /**
   * What it was revised to, as the store says, by the report type that phones read; null: nothing, or it isn't remembered. A token that was lost or never arrived doesn't say so.
   */
  readonly published: ReportType | null;
}

/** revise: it is to be said. same: it is said already. */
export type Transition = 'revise' | 'same' | 'key_already_revised' | 'invalid_report_type_transition';

/** @returns what comes of saying `next` of the key */
export function transition({ first, revisedTo, published }: SaidBefore, next: CertifiedReport): Transition {
  if (next === first || next === revisedTo) return 'same';
  if (revisedTo !== null) return 'key_already_revised';
  if (published !== null) return mayStandFor(published, first, next) ? 'same' : 'key_already_revised';
  return NEXT[first].includes(next) ? 'revise' : 'invalid_report_type_transition';
}

/** Keys of days far from the onset are published with the lowest level, whatever was certified (docs/decisions/062): of those the type doesn't tell. */
function mayStandFor(published: ReportType, first: CertifiedReport, next: CertifiedReport): boolean {
  switch (published) {
    case REPORT_TYPE.REVOKED:
      return next === 'negative';
    case REPORT_TYPE.CONFIRMED_TEST:
      return next === 'confirmed';
    case REPORT_TYPE.CONFIRMED_CLINICAL_DIAGNOSIS:
      return next === 'likely';
    default:
      return next !== 'negative' && NEXT[first].includes(next);
  }
}

/** Levels that stand for what was certified, as keys of its uploads have them (docs/decisions/062): near the onset, and far from it. */
const LEVELS: Readonly<Record<CertifiedReport, readonly number[]>> = {
  confirmed: [7, 8, 3],
  likely: [5, 6, 3],
  'user-report': [3, 4],
  negative: [3, 4, 5, 6, 7, 8],
};

/** @param level transmission risk level, 1..8 @returns whether a key of that level may come with a certificate of this type; of a negative one nothing is published */
export const isLevelOf = (level: number, reportType: CertifiedReport): boolean => LEVELS[reportType].includes(level);
