/**
 * @module GET as the phone does it: a counted body, no cookies, no redirects, and every failure a value.
 */
import { err, ok, type Result } from '../protocol/primitives/result.ts';

/** The part of the platform's fetch that the phone uses, injected. */
export type Fetch = (url: string, init?: RequestInit) => Promise<Response>;

export type HttpError =
  /** No answer, or it broke off; `reason` is the platform's name for it. */
  | { readonly kind: 'network'; readonly url: string; readonly reason: string }
  /** An answer that is neither 200 nor, where asked for, 304. */
  | { readonly kind: 'status'; readonly url: string; readonly status: number }
  /** More bytes than the phone takes. */
  | { readonly kind: 'too-large'; readonly url: string; readonly maxBytes: number };

export interface HttpAnswer {
  /** Null for 304. */
  readonly bytes: Uint8Array | null;
  readonly headers: Headers;
}

/** Seconds after which a file counts as not delivered (docs/spec/gaen.md §5: CWA's file timeout). */
const TIMEOUT_SECONDS = 60;

/** Nothing is followed, and nothing of an earlier answer is sent along (workerd, where tests run too, knows no credentials to omit). */
const PLAIN = { redirect: 'error', credentials: 'omit' } as const;

/**
 * @param fetch injected
 * @param url absolute
 * @param maxBytes cap on the body as read, whatever Content-Length says
 * @param etag sent as If-None-Match, if not null
 * @returns body and headers
 */
export async function get(
  fetch: Fetch,
  url: string,
  maxBytes: number,
  etag: string | null = null,
): Promise<Result<HttpAnswer, HttpError>> {
  try {
    const response = await fetch(url, {
      ...PLAIN,
      signal: AbortSignal.timeout(TIMEOUT_SECONDS * 1000),
      ...(etag === null ? {} : { headers: { 'if-none-match': etag } }),
    });
    if (response.status === 304 && etag !== null) {
      await response.body?.cancel();
      return ok({ bytes: null, headers: response.headers });
    }
    if (response.status !== 200) {
      await response.body?.cancel();
      return err({ kind: 'status', url, status: response.status });
    }
    const bytes = await readCounted(response, maxBytes);
    return bytes === null ? err({ kind: 'too-large', url, maxBytes }) : ok({ bytes, headers: response.headers });
  } catch (error) {
    return err({ kind: 'network', url, reason: error instanceof Error ? error.name : 'unknown' });
  }
}

/** @param response as it came @param maxBytes cap on the body as read @returns the body, or null once it is longer */
export async function readCounted(response: Response, maxBytes: number): Promise<Uint8Array | null> {
  if (response.body === null) return new Uint8Array();
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader: ReadableStreamDefaultReader<Uint8Array> = response.body.getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.length;
    if (length > maxBytes) {
      await reader.cancel();
      return null;
    }
    parts.push(value);
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}

/**
 * @param error see {@link HttpError}
 * @returns one line for a person
 */
export function describeHttpError(error: HttpError): string {
  switch (error.kind) {
    case 'network':
      return `${error.url}: no answer (${error.reason})`;
    case 'status':
      return `${error.url}: status ${error.status}`;
    case 'too-large':
      return `${error.url}: more than ${error.maxBytes} bytes`;
  }
}
