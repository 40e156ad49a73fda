/** @module The body of an answer, read no further than any peer's goes: one that goes on and on must not fill the memory of who asked. */

/** @param limit bytes @returns the body, or null when it is longer; what is behind the limit isn't read */
export async function readAtMost(came: Response, limit: number): Promise<Uint8Array | null> {
  const parts: Uint8Array[] = [];
  let length = 0;
  const reader = came.body?.getReader();
  for (;;) {
    const { done, value } = (await reader?.read()) ?? { done: true, value: undefined };
    if (value !== undefined) {
      const part = value as Uint8Array;
      length += part.length;
      parts.push(part);
    }
    if (length > limit) {
      await reader?.cancel();
      return null;
    }
    if (done) break;
  }
  const bytes = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    bytes.set(part, at);
    at += part.length;
  }
  return bytes;
}
