/**
 * @module Reads a request body with a limit that is counted, not believed: a chunked body declares no length, and a
 * declared one may lie (docs/spec/cwa.md §1.1: Corona-Warn-App's server tests the header alone).
 */

/** What came. `too-large`: reading stopped at the limit. `broken`: the connection failed before the end. */
export type BodyResult =
  | { readonly kind: 'body'; readonly bytes: Uint8Array }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'broken' };

/**
 * Reads to the end of the body, or to the first byte past the limit, whichever comes first.
 *
 * @param request the request; its body is consumed
 * @param limitBytes largest body that is accepted
 * @returns the bytes, or why there are none
 */
export async function readBody(request: Request, limitBytes: number): Promise<BodyResult> {
  if (request.body === null) return { kind: 'body', bytes: new Uint8Array() };
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  const chunks: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) break;
      length += value.length;
      if (length > limitBytes) {
        // Not awaited: the sender may never stop, and the answer must leave at its deadline.
        reader.cancel().catch(() => undefined);
        return { kind: 'too-large' };
      }
      chunks.push(value);
    }
  } catch {
    return { kind: 'broken' };
  }
  return { kind: 'body', bytes: joined(chunks, length) };
}

function joined(chunks: readonly Uint8Array[], length: number): Uint8Array {
  const [only] = chunks;
  if (only !== undefined && chunks.length === 1) return only;
  const bytes = new Uint8Array(length);
  let offset = 0;
  for (const chunk of chunks) {
    bytes.set(chunk, offset);
    offset += chunk.length;
  }
  return bytes;
}
