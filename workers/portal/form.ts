/**
 * @module Forms as they come: counted, decoded, and proved to come from a page of this session (docs/spec/europe.md §9.2). Two
 * proofs, either of which would do: the browser says where the request began, and the form carries the session's token. Beside
 * it each form carries a token of its own, by which it is acted on once (once.ts).
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

const ONCE = /^[0-9a-f]{32}$/;

/** @returns a token for one form, which nobody has seen */
export const newOnce = (): string => crypto.randomUUID().replaceAll('-', '');

/** @returns the token in a text that a browser sent, or null */
export function onceIn(text: string | undefined): string | null {
  return text !== undefined && ONCE.test(text) ? text : null;
}

/** @returns the form's own token when it also carries the session's, or null: it is another session's */
export function ownForm(form: ReadonlyMap<string, string>, csrf: string): string | null {
  return sameToken(form.get('csrf') ?? '', csrf) ? onceIn(form.get('once')) : null;
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
