import { describe, it } from 'vitest';
import { readBody } from './body.ts';

/** A request whose body comes in the given pieces; counts what was taken from it. */
function requestOf(pieces: readonly Uint8Array[], failAfter = Infinity) {
  const seen = { taken: 0, cancelled: false };
  const body = new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (seen.taken >= failAfter) return controller.error(new Error('connection reset'));
        const piece = pieces[seen.taken++];
        return piece === undefined ? controller.close() : controller.enqueue(piece);
      },
      cancel() {
        seen.cancelled = true;
      },
    },
    { highWaterMark: 0 },
  );
  return { request: new Request('https://x/', { method: 'POST', body, duplex: 'half' } as RequestInit), seen };
}
const bytes = (n: number) => Uint8Array.from({ length: n }, (_, i) => i);

describe('readBody', () => {
  it('joins the pieces of a body of exactly the limit', async ({ expect }) => {
    const { request } = requestOf([bytes(60), bytes(0), bytes(40)]);
    expect(await readBody(request, 100)).toEqual({ kind: 'body', bytes: Uint8Array.of(...bytes(60), ...bytes(40)) });
  });

  it('an empty body and none at all are the same', async ({ expect }) => {
    const empty = { kind: 'body', bytes: new Uint8Array() };
    expect(await readBody(requestOf([]).request, 100)).toEqual(empty);
    expect(await readBody(new Request('https://x/', { method: 'POST' }), 100)).toEqual(empty);
  });

  it('stops at the first byte past the limit and reads no further', async ({ expect }) => {
    const { request, seen } = requestOf([bytes(60), bytes(41), bytes(60), bytes(60)]);
    expect(await readBody(request, 100)).toEqual({ kind: 'too-large' });
    expect(seen).toEqual({ taken: 2, cancelled: true });
  });

  it('a body that never ends is answered all the same', async ({ expect }) => {
    const endless = Array.from({ length: 10_000 }, () => bytes(50));
    expect(await readBody(requestOf(endless).request, 1_000)).toEqual({ kind: 'too-large' });
  });

  it('a body that stops coming is given up, and its connection with it', async ({ expect }) => {
    let cancelled = false;
    const body = new ReadableStream<Uint8Array>({
      start: (controller) => controller.enqueue(bytes(10)),
      cancel: () => void (cancelled = true),
    });
    const request = new Request('https://x/', { method: 'POST', body, duplex: 'half' } as RequestInit);
    expect(await readBody(request, 100, 0.02)).toEqual({ kind: 'broken' });
    expect(cancelled).toBe(true);
  });

  it('a connection that fails is told from a body that ends', async ({ expect }) => {
    expect(await readBody(requestOf([bytes(10), bytes(10)], 1).request, 100)).toEqual({ kind: 'broken' });
  });
});
