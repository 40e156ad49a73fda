/**
 * @module Reads a body with a limit that is counted, not believed: a chunked body declares no length, and a
 * declared one may lie (docs/spec/cwa.md §1.1: Corona-Warn-App's server tests the header alone).
 */

/**
 * Most time a body may take. A phone at the edge of a cell sends 64 KB in 13 s at 5 KB/s; who takes longer holds a request open
 * for nothing.
 */
const BODY_SECONDS = 30;

/** What came. `too-large`: reading stopped at the limit. `broken`: the connection failed before the end, or took too long. */
export type BodyResult =
  | { readonly kind: 'body'; readonly bytes: Uint8Array }
  | { readonly kind: 'too-large' }
  | { readonly kind: 'broken' };

/**
 * Reads to the end of the body, to the first byte past the limit, or until the time is over, whichever comes first.
 *
 * @param request the request, or another backend's answer; its body is consumed
 * @param limitBytes largest body that is accepted
 * @param seconds most time it may take
 * @returns the bytes, or why there are none
 */
export async function readBody(
  request: Pick<Request, 'body'>,
  limitBytes: number,
  seconds: number = BODY_SECONDS,
): Promise<BodyResult> {
  if (request.body === null) return { kind: 'body', bytes: new Uint8Array() };
  const reader: ReadableStreamDefaultReader<Uint8Array> = request.body.getReader();
  let timer: ReturnType<typeof setTimeout> | undefined;
  const over = new Promise<'over'>((resolve) => {
    timer = setTimeout(() => resolve('over'), seconds * 1000);
  });
  try {
    return await read(reader, limitBytes, over);
  } catch {
    return { kind: 'broken' };
  } finally {
    clearTimeout(timer);
  }
}

async function read(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  limitBytes: number,
  over: Promise<'over'>,
): Promise<BodyResult> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for (;;) {
    const next = await Promise.race([reader.read(), over]);
    if (next === 'over') {
      reader.cancel().catch(() => undefined);
      return { kind: 'broken' };
    }
    if (next.done) return { kind: 'body', bytes: joined(chunks, length) };
    length += next.value.length;
    if (length > limitBytes) {
      // Not awaited: the sender may never stop, and the answer must leave at its deadline.
      reader.cancel().catch(() => undefined);
      return { kind: 'too-large' };
    }
    chunks.push(next.value);
  }
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
