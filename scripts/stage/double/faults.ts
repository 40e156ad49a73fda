/**
 * @module Faults on demand: the n-th call, or the n-th of those to a method and path, is answered as a platform in trouble does.
 */

/** What goes wrong. */
type FaultKind =
  /** Too many requests; nothing happened. Seconds for `Retry-After`; left out: no such header. */
  | { readonly kind: 'too-many'; readonly retryAfterSeconds?: number }
  /** 500 in the envelope; nothing happened. */
  | { readonly kind: 'server-error' }
  /** The connection ends half way: `before` anything happened, or `after` it, with half of the answer sent. */
  | { readonly kind: 'cut'; readonly when: 'before' | 'after' }
  /** 403: the token lacks a right. */
  | { readonly kind: 'forbidden' };

/** A fault and when it comes. Left out: any. */
export type Fault = FaultKind & {
  /** E.g. `PUT`. */
  readonly method?: string;
  /** The whole path below `/client/v4`, or a pattern of it: `*` stands for one segment, `**` for any number. */
  readonly path?: string;
  /** At which of the calls that fit, from 1 (the default), counted from when the fault was given. */
  readonly call?: number;
  /** How many of them in a row; default 1. */
  readonly times?: number;
};

const escape = (text: string): string => text.replaceAll(/[.+?^${}()|[\]\\]/g, String.raw`\$&`);

/**
 * @param pattern of `Fault.path`
 * @returns as a regular expression
 */
const patternOf = (pattern: string): RegExp =>
  new RegExp(
    `^${pattern
      .split('/')
      .map((segment) => (segment === '**' ? '.*' : escape(segment).replaceAll('*', '[^/]*')))
      .join('/')}$`,
  );

/** The faults still to come. */
export class Faults {
  readonly #given: { readonly fault: Fault; readonly pattern: RegExp | null; seen: number }[] = [];

  /** @param fault from now on */
  add(fault: Fault): void {
    this.#given.push({ fault, pattern: fault.path === undefined ? null : patternOf(fault.path), seen: 0 });
  }

  /**
   * Counts the call.
   *
   * @param method of the call
   * @param path below `/client/v4`
   * @returns what is to go wrong with it, the first that fits
   */
  next(method: string, path: string): Fault | null {
    let found: Fault | null = null;
    for (const given of this.#given) {
      const { fault, pattern } = given;
      if (fault.method !== undefined && fault.method !== method) continue;
      if (pattern !== null && !pattern.test(path)) continue;
      given.seen += 1;
      const from = fault.call ?? 1;
      if (given.seen >= from && given.seen < from + (fault.times ?? 1)) found ??= fault;
    }
    return found;
  }
}
