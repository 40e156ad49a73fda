/**
 * @module A value or the reason there is none: what rules and readers return instead of throwing (docs/architecture.md §3).
 */

export type Result<T, E> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly error: E };

/**
 * @param value what was asked for
 * @returns the success
 */
export function ok<T>(value: T): { readonly ok: true; readonly value: T } {
  return { ok: true, value };
}

/**
 * @param error a tagged union with the facts in it
 * @returns the failure
 */
export function err<E>(error: E): { readonly ok: false; readonly error: E } {
  return { ok: false, error };
}
