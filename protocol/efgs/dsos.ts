/**
 * @module Days since onset of symptoms as the gateway's countries write them: one number for a day and for what is known of the
 * onset (docs/spec/europe.md §3.2, "DSOS").
 */

/** What a number says; `offset` is in days, −14..14. */
export type Dsos =
  /** Days from onset to the key's day. */
  | { readonly kind: 'onset'; readonly offset: number }
  /** Onset in a range of 1..19 days; days from the range's last day to the key's day. */
  | { readonly kind: 'onset-range'; readonly days: number; readonly offset: number }
  /** Days from submission to the key's day; symptoms, none, or not known whether. */
  | { readonly kind: 'symptoms' | 'no-symptoms' | 'unknown'; readonly offset: number };

const MAX_OFFSET = 14;
const DAYS_STEP = 100;
const MAX_RANGE_DAYS = 19;
const SYMPTOMS = 2000;
const NO_SYMPTOMS = 3000;
const UNKNOWN = 4000;

/** @param value sint32 @returns what it says, or null where it lies between two meanings */
export function decodeDsos(value: number): Dsos | null {
  const near = (zero: number): boolean => Math.abs(value - zero) <= MAX_OFFSET;
  if (near(0)) return { kind: 'onset', offset: value };
  const days = Math.round(value / DAYS_STEP);
  if (days >= 1 && days <= MAX_RANGE_DAYS && near(days * DAYS_STEP)) {
    return { kind: 'onset-range', days, offset: value - days * DAYS_STEP };
  }
  if (near(SYMPTOMS)) return { kind: 'symptoms', offset: value - SYMPTOMS };
  if (near(NO_SYMPTOMS)) return { kind: 'no-symptoms', offset: value - NO_SYMPTOMS };
  if (near(UNKNOWN)) return { kind: 'unknown', offset: value - UNKNOWN };
  return null;
}

/**
 * @param dsos offset −14..14, days 1..19, whole numbers
 * @returns the number on the wire
 * @throws {RangeError} outside those
 */
export function encodeDsos(dsos: Dsos): number {
  const { kind, offset } = dsos;
  const whole = (value: number, least: number, most: number): boolean =>
    Number.isInteger(value) && value >= least && value <= most;
  if (!whole(offset, -MAX_OFFSET, MAX_OFFSET)) throw new RangeError(`encodeDsos: offset ${offset}`);
  switch (kind) {
    case 'onset':
      return offset;
    case 'onset-range':
      if (!whole(dsos.days, 1, MAX_RANGE_DAYS)) throw new RangeError(`encodeDsos: range of ${dsos.days} days`);
      return dsos.days * DAYS_STEP + offset;
    case 'symptoms':
      return SYMPTOMS + offset;
    case 'no-symptoms':
      return NO_SYMPTOMS + offset;
    case 'unknown':
      return UNKNOWN + offset;
  }
}
