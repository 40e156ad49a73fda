/**
 * @module JSON from strangers: nesting, member count and duplicate names are checked before `JSON.parse` builds anything
 * (docs/spec/cwa.md §3.1: 164 MB of nested JSON killed a verification server; RFC 8259 §4: duplicate names are unpredictable).
 * The caller has capped the bytes already; one pass, cost linear in the text.
 */

export type JsonError =
  | { readonly kind: 'malformed' }
  | { readonly kind: 'too-deep'; readonly limit: number }
  | { readonly kind: 'too-many-members'; readonly limit: number }
  | { readonly kind: 'duplicate-name' };

export type JsonResult =
  | { readonly ok: true; readonly value: unknown }
  | { readonly ok: false; readonly error: JsonError };

export interface JsonLimits {
  /** Deepest nesting of arrays and objects, ≥ 1. */
  readonly depth: number;
  /** Most array elements and object members in all. */
  readonly members: number;
}

const BACKSLASH = 0x5c;

const fail = (error: JsonError): JsonResult => ({ ok: false, error });

/** Index just past the string literal that opens at `from`, or −1 when it never closes. The engine's own search: a body's padding is one string of kilobytes. */
function endOfString(text: string, from: number): number {
  let quote = text.indexOf('"', from + 1);
  while (quote >= 0 && isEscaped(text, quote)) quote = text.indexOf('"', quote + 1);
  return quote + 1 || -1;
}

/** True after an odd number of backslashes. Each is looked at for the quote after it alone, so the cost stays linear. */
function isEscaped(text: string, quote: number): boolean {
  let first = quote;
  while (text.charCodeAt(first - 1) === BACKSLASH) first--;
  return (quote - first) % 2 === 1;
}

/**
 * Parses JSON text within limits.
 *
 * @param text the whole document
 * @param limits what is refused
 * @returns the value, or which limit was broken
 */
export function parseStrictJson(text: string, limits: JsonLimits): JsonResult {
  /** One entry an open container: the names seen for an object, null for an array. */
  const open: (Set<string> | null)[] = [];
  let members = 0;
  for (let i = 0; i < text.length; i++) {
    const c = text[i];
    if (c === '"') {
      const end = endOfString(text, i);
      if (end < 0) return fail({ kind: 'malformed' });
      const names = open.at(-1);
      if (names && isName(text, end)) {
        const name = decodeName(text.slice(i, end));
        if (name === null) return fail({ kind: 'malformed' });
        if (names.has(name)) return fail({ kind: 'duplicate-name' });
        names.add(name);
      }
      i = end - 1;
    } else if (c === '{' || c === '[') {
      open.push(c === '{' ? new Set() : null);
      if (open.length > limits.depth) return fail({ kind: 'too-deep', limit: limits.depth });
    } else if (c === '}' || c === ']') {
      open.pop();
    } else if (c === ',' && ++members >= limits.members) {
      return fail({ kind: 'too-many-members', limit: limits.members });
    }
  }
  try {
    return { ok: true, value: JSON.parse(text) };
  } catch {
    return fail({ kind: 'malformed' });
  }
}

/** True when the string that ends at `end` is followed by a colon, so is a member's name. */
function isName(text: string, end: number): boolean {
  for (let i = end; i < text.length; i++) {
    const c = text.charAt(i);
    if (c === ':') return true;
    if (c !== ' ' && c !== '\t' && c !== '\n' && c !== '\r') return false;
  }
  return false;
}

/** A name as JSON.parse will see it, so that an escaped letter hides no duplicate. */
function decodeName(literal: string): string | null {
  if (!literal.includes('\\')) return literal.slice(1, -1);
  try {
    const name: unknown = JSON.parse(literal);
    return typeof name === 'string' ? name : null;
  } catch {
    return null;
  }
}
