/**
 * @module Telephone numbers as E.164 has them (ITU-T E.164: a country code, and at most 15 digits with it): what an SMS is sent to and what
 * its signature is over (docs/spec/google.md §5.6).
 */

/** A country code never begins with 0; the shortest numbers that take an SMS have 7 digits with it. */
const E164 = /^\+[1-9]\d{6,14}$/;
/** As people group digits; nothing of it is part of the number. */
const GROUPING = /[ \u00a0().\-–/]/g;
/** Longer than this is no number, however it is grouped. */
const LONGEST_WRITTEN = 40;

/**
 * @param text as a person or program wrote it, with `+` and the country code: which country a number without one belongs to would be a guess
 * @returns E.164, `+491701234567`; null when it is none
 */
export function phoneNumberIn(text: string): string | null {
  if (text.length > LONGEST_WRITTEN) return null;
  const digits = text.trim().replaceAll(GROUPING, '');
  return E164.test(digits) ? digits : null;
}
