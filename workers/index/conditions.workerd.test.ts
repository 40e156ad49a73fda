/**
 * @module Conditional and range headers of any content against real R2: none is a failure of ours, and GET, HEAD and parts
 * say the same of one object (docs/architecture.md §6, RFC 9110 §13, §14).
 */
import { env } from 'cloudflare:workers';
import * as fc from 'fast-check';
import { beforeEach, describe, it } from 'vitest';
import { createApp } from './app.ts';

const { PUBLIC, DIRECTORY } = env as unknown as { PUBLIC: R2Bucket; DIRECTORY: R2Bucket };
const NOW = Date.UTC(2026, 10, 25, 12, 0, 0) / 1000;
const OBJECTS = [
  'v1/DE/manifest.json',
  'v1/DE/chunks/47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU.zip',
  'version/v1/diagnosis-keys/country/DE/date',
] as const;
const BODY = Uint8Array.from({ length: 1000 }, (_, i) => i % 251);

let etag = '';
beforeEach(async () => {
  for (const key of OBJECTS) {
    const { httpEtag } = await PUBLIC.put(key, BODY, { httpMetadata: { cacheControl: 'public, max-age=60' } });
    etag = httpEtag;
  }
});

interface Said {
  readonly status: number;
  readonly etag: string | null;
  readonly range: string | null;
  readonly body: Uint8Array;
}

async function ask(method: 'GET' | 'HEAD', headers: Readonly<Record<string, string>>, key: string): Promise<Said> {
  const request = new Request(`https://keys.example/${key}`, { method, headers });
  const answer = await createApp({ clock: () => NOW }).fetch(request, { PUBLIC, DIRECTORY, REGIONS: 'DE,EUR' });
  return {
    status: answer.status,
    etag: answer.headers.get('etag'),
    range: answer.headers.get('content-range'),
    body: new Uint8Array(await answer.arrayBuffer()),
  };
}

const NAMES = ['if-none-match', 'if-range', 'range', 'if-match', 'if-modified-since', 'if-unmodified-since'] as const;

/** What clients and proxies were seen to send, and what R2's own parser ends at (10xxx errors) or takes for another thing. */
const SEEN = [
  'abc',
  '"',
  '""',
  '"abc',
  'W/',
  'W/abc',
  'w/"abc"',
  '*',
  '*, "abc"',
  '"a" "b"',
  ',',
  '',
  'bytes=',
  'bytes=0-',
  'bytes=-0',
  'bytes=5-2',
  'bytes=999-',
  'bytes=1000-',
  'bytes=0-0,5-5',
  'bytes=99999999999999999999-',
  'bytes=-99999999999999999999',
  'Wed, 25 Nov 2026 00:00:00 GMT',
  'yesterday',
  '0',
  '-1',
] as const;

const VALUE = fc.oneof(
  fc.constantFrom(...SEEN),
  // The object's own tag, in and out of shape; its place is taken when the tag is known.
  fc.constantFrom('<tag>', 'W/<tag>', ' <tag> ', '"x", <tag>', '<tag>,', '<tag>x', '<bare>', '"<bare>'),
  fc.tuple(fc.nat(1200), fc.nat(1200)).map(([first, last]) => `bytes=${first}-${last}`),
  fc.string({ unit: fc.integer({ min: 0x20, max: 0x7e }).map((code) => String.fromCharCode(code)), maxLength: 40 }),
);
const HEADERS = fc.dictionary(fc.constantFrom(...NAMES), VALUE, { noNullPrototype: true });

const withTag = (headers: Readonly<Record<string, string>>): Record<string, string> =>
  Object.fromEntries(
    Object.entries(headers).map(([name, value]) => [
      name,
      value.replace('<tag>', etag).replace('<bare>', etag.slice(1, -1)),
    ]),
  );

describe('no value of a conditional or range header', () => {
  it.for(NAMES)('%s is a failure, on any object, by GET or HEAD', async (name, { expect }) => {
    for (const key of OBJECTS) {
      for (const value of SEEN) {
        for (const method of ['GET', 'HEAD'] as const) {
          expect([200, 206, 304, 416], `${method} ${name}: ${value}`).toContain(
            (await ask(method, { [name]: value }, key)).status,
          );
        }
      }
    }
  });

  it('is one in company of others, and GET, HEAD and Range agree on what is there', async ({ expect }) => {
    await fc.assert(
      fc.asyncProperty(HEADERS, fc.constantFrom(...OBJECTS), async (drawn, key) => {
        const headers = withTag(drawn);
        const { range, ...rest } = headers;
        const [got, head, unranged] = [
          await ask('GET', headers, key),
          await ask('HEAD', headers, key),
          await ask('GET', rest, key),
        ];
        // HEAD knows no ranges (RFC 9110 §14.2): it is what GET says without one.
        expect([head.status, head.etag]).toEqual([unranged.status, unranged.etag]);
        expect([200, 304]).toContain(head.status);
        expect(head.body).toHaveLength(0);
        switch (got.status) {
          case 304:
            expect(head.status).toBe(304);
            expect(got.body).toHaveLength(0);
            break;
          case 200:
            expect(head.status).toBe(200);
            expect(got.body).toEqual(BODY);
            break;
          case 206: {
            expect([head.status, got.etag]).toEqual([200, etag]);
            const [, from, to] = /^bytes (\d+)-(\d+)\/1000$/.exec(got.range ?? '') ?? [];
            expect(got.body).toEqual(BODY.slice(Number(from), Number(to) + 1));
            break;
          }
          default:
            expect([got.status, head.status, got.range]).toEqual([416, 200, 'bytes */1000']);
        }
        if (range === undefined) expect(got.status).toBe(unranged.status);
      }),
      { seed: 14, numRuns: 400 },
    );
  });

  it('that is malformed counts as absent', async ({ expect }) => {
    for (const value of ['abc', '"abc', 'W/', 'ÿþ', `${etag}x`, etag.slice(1, -1)]) {
      const got = await ask('GET', { 'if-none-match': value }, OBJECTS[0]);
      expect([got.status, got.body.length], value).toEqual([200, 1000]);
    }
  });
});
