/**
 * @module What a person is told of a test when something did not work, and what the phone then keeps (docs/decisions/034).
 */

/** What the person is told when something did not work. */
export type Advice =
  /** The phone tries the same again by itself (retry.ts), or the person does later. */
  | { readonly kind: 'try-again' }
  /** A teleTAN from the hotline opens what this code no longer does. What was to be sent is forgotten; the keys are not. */
  | { readonly kind: 'ask-hotline' }
  /** A fault of the app: the keys were refused, or can't be sent. They are forgotten as an upload; others may be shared. */
  | { readonly kind: 'report-a-fault' }
  /** There is nothing to do this with: no test, no positive result, no ended key. */
  | { readonly kind: 'not-now' }
  /** An upload under way would be lost with its test: it goes first, or the person deletes the test. */
  | { readonly kind: 'finish-sharing' }
  /** The base region takes no test of another one by this credential; `why` is its word (docs/credential.md). */
  | { readonly kind: 'credential-refused'; readonly why: string }
  /** What the phone kept can't be read. Nothing was asked, and nothing written over it. */
  | { readonly kind: 'state-unreadable' };

export const TRY_AGAIN = { kind: 'try-again' } as const;
export const NOT_NOW = { kind: 'not-now' } as const;
export const REPORT_A_FAULT = { kind: 'report-a-fault' } as const;

/**
 * @param advice see {@link Advice}
 * @returns whether nothing was sent, so that there is nothing on the wire either
 */
export function isUnsent(advice: Advice): boolean {
  return advice.kind === 'not-now' || advice.kind === 'finish-sharing' || advice.kind === 'state-unreadable';
}

/**
 * @param failure of a request (verification.ts, upload.ts)
 * @returns what it means for the person
 */
export function adviceFor(failure: { readonly kind: string; readonly why?: string }): Advice {
  switch (failure.kind) {
    case 'try-again':
      return TRY_AGAIN;
    case 'ask-hotline':
      return { kind: 'ask-hotline' };
    case 'credential-refused':
      return { kind: 'credential-refused', why: failure.why ?? '' };
    default:
      return REPORT_A_FAULT;
  }
}
