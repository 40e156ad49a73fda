/**
 * @module Forms as they come: counted, decoded, and proved to come from a page of this session (docs/spec/europe.md §9.2). Two
 * proofs, either of which would do: the browser says where the request began, and the form carries the session's token.
 */
import { fromUtf8 } from '../../protocol/primitives/bytes.ts';
import { readBody } from '../shared/body.ts';
import { sameToken } from './session.ts';

/** A signed list of laboratories is the largest thing anybody pastes. */
const MAX_FORM_BYTES = 512 * 1024;
const FORM_TYPE = 'application/x-www-form-urlencoded';

/** @returns the fields, each name's first value; or null when it is no form, too large or not UTF-8 */
export async function readForm(request: Request): Promise<ReadonlyMap<string, string> | null> {
  if (request.headers.get('content-type')?.split(';')[0]?.trim().toLowerCase() !== FORM_TYPE) return null;
  const body = await readBody(request, MAX_FORM_BYTES);
  if (body.kind !== 'body') return null;
  const fields = new Map<string, string>();
  try {
    for (const [name, value] of new URLSearchParams(fromUtf8(body.bytes))) {
      if (!fields.has(name)) fields.set(name, value);
    }
  } catch {
    return null;
  }
  return fields;
}

/** @returns whether a POST began on a page of this very origin and carries the session's token */
export function isOwnForm(request: Request, form: ReadonlyMap<string, string>, csrf: string): boolean {
  return beganHere(request) && sameToken(form.get('csrf') ?? '', csrf);
}

/** @returns whether a request began on a page of this very origin */
export function beganHere({ headers, url }: Request): boolean {
  const site = headers.get('sec-fetch-site');
  return site === null ? headers.get('origin') === new URL(url).origin : site === 'same-origin';
}

/** @returns a text of 1 to `max` characters without control characters, trimmed; or null */
export function textField(form: ReadonlyMap<string, string>, name: string, max: number): string | null {
  const text = (form.get(name) ?? '').trim();
  return text.length >= 1 && text.length <= max && !/\p{C}/u.test(text) ? text : null;
}

/** @returns an integer in decimal digits within the range, or null */
export function integerField(
  form: ReadonlyMap<string, string>,
  name: string,
  range: { readonly min: number; readonly max: number },
): number | null {
  const text = form.get(name) ?? '';
  const number = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
  return number >= range.min && number <= range.max ? number : null;
}
