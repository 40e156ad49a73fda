/**
 * @module How an upload can end, and what the dialect says then (docs/spec/cwa.md §1.1). The caller learns the status alone;
 * which rule or which state it was stays here.
 */
import { levelAnswer, type LevelStatus } from '../../shared/level-answer.ts';

/** How an upload ended. */
export type Outcome =
  /** The keys are durable, now or since an earlier attempt; or nothing was left to publish and the TAN is unused. */
  | { readonly kind: 'stored' }
  /** A withdrawal that was looked into; whether its openings opened anything isn't told, and isn't known here. */
  | { readonly kind: 'heard' }
  /** A dummy that was parsed and checked like any upload. */
  | { readonly kind: 'dummy' }
  /** No protobuf, or more of it than a phone sends. */
  | { readonly kind: 'malformed' }
  /** Larger than MAX_BODY_BYTES, counted. */
  | { readonly kind: 'too-large' }
  /** No authorisation, or two; not said whether it is a dummy; a one-time password that is no UUID. */
  | { readonly kind: 'bad-headers' }
  /** A rule of docs/key-validation.md. */
  | { readonly kind: 'refused'; readonly rule: string }
  /** Every key begins in the future: the phone's clock is wrong. The TAN is unused, the phone may try again. */
  | { readonly kind: 'clock-wrong' }
  /** TAN malformed, forged, unknown, expired or used; or a one-time password, which nobody issues here. */
  | { readonly kind: 'unauthorised' }
  /** The service has ended: said to everybody alike, dummies and what is malformed among them. Apps take it for a bad TAN, and stop. */
  | { readonly kind: 'ended' }
  /** Another upload holds the TAN, or a neighbour is out of reach, or too many withdrawals came, or the deadline came first. The TAN is unburned. */
  | { readonly kind: 'try-later' }
  /** What Corona-Warn-App's server answers through its catch-all handler. */
  | { readonly kind: 'unsupported' };

/** Check-ins are ignored; clients expect the counters on each answer all the same (docs/spec/cwa.md §7.4). */
const CHECK_IN_HEADERS = { 'cwa-filtered-checkins': '0', 'cwa-saved-checkins': '0' } as const;

/** @param outcome see {@link Outcome} @returns the status of the dialect */
export function statusOf(outcome: Outcome): LevelStatus {
  switch (outcome.kind) {
    case 'stored':
    case 'dummy':
    case 'heard':
      return 200;
    case 'malformed':
    case 'too-large':
    case 'bad-headers':
    case 'refused':
    case 'clock-wrong':
      return 400;
    case 'unauthorised':
    case 'ended':
      return 403;
    case 'try-later':
    case 'unsupported':
      return 500;
  }
}

/**
 * @param status status of the dialect
 * @param statusLineHasPhrase see level-answer.ts
 * @returns the one answer this Worker gives, whatever happened, but for its status
 */
export function dialectAnswer(status: LevelStatus, statusLineHasPhrase: boolean): Response {
  return levelAnswer(status, statusLineHasPhrase, CHECK_IN_HEADERS);
}
