import { Hono } from 'hono';
import { describe, it } from 'vitest';
import { stripClientMetadata, type ClientVariables } from './client-metadata.ts';

/** What a handler can find out about a request. */
interface Seen {
  readonly headers: Record<string, string>;
  readonly cf: unknown;
  readonly body: string;
  readonly statusLineHasPhrase: boolean;
}

async function seenOf(init: RequestInit, cf?: Record<string, unknown>): Promise<Seen> {
  const app = new Hono<{ Variables: ClientVariables }>();
  app.use(stripClientMetadata(['content-type', 'cwa-fake']));
  app.all('*', async (c) =>
    c.json({
      headers: Object.fromEntries(c.req.raw.headers),
      cf: (c.req.raw as { cf?: unknown }).cf ?? null,
      body: await c.req.text(),
      statusLineHasPhrase: c.var.statusLineHasPhrase,
    }),
  );
  const request = Object.assign(new Request('https://x/path', init), { cf });
  return (await app.fetch(request)).json<Seen>();
}

describe('stripClientMetadata', () => {
  it('leaves method, body and the headers that are named, and nothing else', async ({ expect }) => {
    const headers = {
      'content-type': 'application/x-protobuf',
      'cwa-fake': '0',
      'cf-connecting-ip': '192.0.2.7',
      'x-forwarded-for': '192.0.2.7',
      'user-agent': 'phone',
      'accept-language': 'de',
      cookie: 'a=b',
    };
    const seen = await seenOf({ method: 'POST', headers, body: 'keys' }, { city: 'Essen', httpProtocol: 'HTTP/2' });
    expect(seen).toEqual({
      headers: { 'content-type': 'application/x-protobuf', 'cwa-fake': '0' },
      cf: null,
      body: 'keys',
      statusLineHasPhrase: false,
    });
  });

  it.for(['GET', 'HEAD', 'DELETE', 'POST'])('takes %s without a body', async (method, { expect }) => {
    const app = new Hono();
    app.use(stripClientMetadata([]));
    app.all('*', (c) => c.body(null, 204));
    expect((await app.request('https://x/', { method })).status).toBe(204);
  });

  it.for<[protocol: string | undefined, phrase: boolean]>([
    ['HTTP/1.1', true],
    ['HTTP/1.0', true],
    ['HTTP/2', false],
    ['HTTP/3', false],
    [undefined, true],
  ])('says whether the status line has a phrase: %s', async ([httpProtocol, phrase], { expect }) => {
    const seen = await seenOf({ method: 'POST', body: 'x' }, httpProtocol === undefined ? undefined : { httpProtocol });
    expect(seen.statusLineHasPhrase).toBe(phrase);
  });
});
