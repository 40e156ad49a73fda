/** The table of docs/own-hardware.md, without a server; with one: gateway.long.node.test.ts. */
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import {
  contentRange,
  CUSTOM_METADATA,
  getConditions,
  meets,
  putConditions,
  putInput,
  r2Name,
  r2Object,
  rangeHeader,
  s3Key,
} from './mapping.ts';
import { type R2CallOf, R2Failure, readCall } from './r2-call.ts';

const strong = (value: string) => ({ type: 'strong' as const, value });
const put = (fields: Partial<R2CallOf<'put'>>): R2CallOf<'put'> => ({
  version: 1,
  method: 'put',
  object: 'x',
  httpFields: {},
  customFields: [],
  ...fields,
});
const codeOf = (call: () => unknown): number | null => {
  try {
    call();
    return null;
  } catch (error) {
    return error instanceof R2Failure ? error.code : -1;
  }
};

describe('a call of workerd', () => {
  it('is read as workerd 2026-11-02 writes it', ({ expect }) => {
    const json =
      '{"version":1,"method":"put","object":"a","customFields":[{"k":"oF","v":"ü"}],"httpFields":{"contentType":"x/y","cacheExpiry":"1000000000000"},"onlyIf":{"etagDoesNotMatch":[{"type":"wildcard"}]},"sha256":"' +
      `${'0'.repeat(64)}"}`;
    expect(readCall(json)).toMatchObject({
      method: 'put',
      httpFields: { cacheExpiry: 1e12 },
      customFields: [{ k: 'oF', v: 'ü' }],
      onlyIf: { etagDoesNotMatch: [{ type: 'wildcard' }] },
    });
    expect(readCall('{"version":1,"method":"list","include":[],"newRuntime":true}')).toMatchObject({ prefix: '' });
    expect(readCall('{"version":1,"method":"get","object":"a","range":{"offset":"1","length":"2"}}')).toMatchObject({
      range: { offset: 1, length: 2 },
    });
  });

  it.for([
    ['a delimiter', '{"version":1,"method":"list","newRuntime":true,"delimiter":"/"}', 'delimiter'],
    [
      'a date as condition',
      '{"version":1,"method":"get","object":"a","onlyIf":{"uploadedBefore":"1"}}',
      'onlyIf.uploadedBefore',
    ],
    ['multipart', '{"version":1,"method":"createMultipartUpload","object":"a"}', 'method'],
    ['a key of its own', '{"version":1,"method":"get","object":"a","ssec":{"key":"00"}}', 'ssec'],
  ] as const)('with %s is refused by name', ([, json, field], { expect }) => {
    expect(() => readCall(json)).toThrow(`"${field}"`);
  });
});

describe('conditions', () => {
  it('of a put: absent, one ETag, none', ({ expect }) => {
    expect(putConditions(undefined)).toEqual({});
    expect(putConditions({ etagDoesNotMatch: [{ type: 'wildcard' }] })).toEqual({ IfNoneMatch: '*' });
    expect(putConditions({ etagMatches: [strong('a')] })).toEqual({ IfMatch: '"a"' });
  });

  it.for([
    { etagMatches: [strong('a'), strong('b')] },
    { etagMatches: [{ type: 'wildcard' as const }] },
    { etagMatches: [{ type: 'weak' as const, value: 'a' }] },
    { etagDoesNotMatch: [strong('a')] },
    { etagMatches: [strong('a')], etagDoesNotMatch: [{ type: 'wildcard' as const }] },
  ])('of a put that PutObject has not: %j', (onlyIf, { expect }) => {
    expect(codeOf(() => putConditions(onlyIf))).toBe(10051);
  });

  it('of a get: as headers, and as workerd would judge', ({ expect }) => {
    expect(getConditions({ etagMatches: [strong('a'), strong('b')] })).toEqual({ IfMatch: '"a", "b"' });
    expect(meets('a', { etagMatches: [strong('a')] })).toBe(true);
    expect(meets('b', { etagMatches: [strong('a')] })).toBe(false);
    expect(meets('a', { etagDoesNotMatch: [strong('a')] })).toBe(false);
    expect(meets('a', undefined)).toBe(true);
  });
});

describe('ranges', () => {
  it.for([
    [undefined, null],
    [{ offset: 0 }, null],
    [{ offset: 5 }, 'bytes=5-'],
    [{ offset: 2, length: 3 }, 'bytes=2-4'],
    [{ length: 3 }, 'bytes=0-2'],
    [{ suffix: 7 }, 'bytes=-7'],
  ] as const)('%j is %s', ([range, header], { expect }) => {
    expect(rangeHeader(range)).toBe(header);
  });

  it('of no bytes are refused, as by R2', ({ expect }) => {
    expect([codeOf(() => rangeHeader({ offset: 1, length: 0 })), codeOf(() => rangeHeader({ suffix: 0 }))]).toEqual([
      10039, 10039,
    ]);
  });

  it('of an answer', ({ expect }) => {
    expect(contentRange('bytes 2-4/10')).toEqual({ offset: 2, length: 3, size: 10 });
    expect(contentRange(undefined)).toBeNull();
  });
});

describe('names', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9/_.-]{1,40}$/);

  it('come back, keep their order, and none is a folder of another', ({ expect }) => {
    fc.assert(
      fc.property(name, name, (a, b) => {
        expect(r2Name(s3Key(a))).toBe(a);
        expect(s3Key(a) < s3Key(b)).toBe(a < b);
        expect(s3Key(b).startsWith(`${s3Key(a)}/`)).toBe(false);
      }),
      { seed: 1 },
    );
  });

  it('that S3 could confuse are refused; somebody else’s are none of ours', ({ expect }) => {
    for (const bad of ['a b', 'a!', 'a"', 'a\n', 'a'.repeat(1024)]) expect(codeOf(() => s3Key(bad))).toBe(10051);
    expect(r2Name('backup.tar')).toBeNull();
  });
});

describe('metadata', () => {
  const told = { etag: '"e"', size: 1, uploaded: 5_000 };

  it('any custom metadata come back exactly', ({ expect }) => {
    const text = fc.string({ maxLength: 30, unit: 'grapheme' });
    fc.assert(
      fc.property(fc.dictionary(text, text, { maxKeys: 5 }), (custom) => {
        const fields = Object.entries(custom).map(([k, v]) => ({ k, v }));
        const { Metadata = {} } = putInput(put({ customFields: fields }));
        expect(JSON.stringify(Metadata)).toMatch(/^[\u0020-\u007e]*$/);
        expect(r2Object('x', { ...told, metadata: Metadata }).customFields).toEqual(fields);
      }),
      { seed: 1, numRuns: 50 },
    );
  });

  it('expiry, content type and cache control, both ways', ({ expect }) => {
    const input = putInput(
      put({ httpFields: { contentType: 'application/zip', cacheControl: 'no-store', cacheExpiry: 1_000_000 } }),
    );
    expect(input).toMatchObject({
      ContentType: 'application/zip',
      CacheControl: 'no-store',
      Expires: new Date(1_000_000),
    });
    expect(putInput(put({})).ContentType).toBe('application/octet-stream');
    const expires = new Date(1_000_000).toUTCString();
    expect(r2Object('x', { ...told, expires, contentType: 'a/b' }).httpFields).toEqual({
      contentType: 'a/b',
      cacheExpiry: 1_000_000,
    });
    // Written by somebody else: gone, rather than good for ever.
    expect(r2Object('x', { ...told, expires: 'soon' }).httpFields).toEqual({ cacheExpiry: 0 });
  });

  it('what S3 cannot keep is refused', ({ expect }) => {
    expect(codeOf(() => putInput(put({ httpFields: { cacheExpiry: 1_500 } })))).toBe(10051);
    expect(codeOf(() => putInput(put({ customFields: [{ k: 'a', v: 'x'.repeat(2_000) }] })))).toBe(10012);
  });

  it('somebody else’s metadata show, and a digest of parts is none', ({ expect }) => {
    const digest = Buffer.alloc(32, 7).toString('base64');
    const object = { ...told, metadata: { mtime: '1', [CUSTOM_METADATA]: '%' }, checksumSha256: digest };
    expect(r2Object('x', object)).toMatchObject({
      customFields: [
        { k: 'mtime', v: '1' },
        { k: CUSTOM_METADATA, v: '%' },
      ],
      checksums: { '2': '07'.repeat(32) },
    });
    expect(r2Object('x', { ...told, checksumSha256: `${digest}-2` }).checksums).toEqual({});
  });

  it('a store without strong ETags is no store', ({ expect }) => {
    expect(codeOf(() => r2Object('x', { ...told, etag: 'W/"e"' }))).toBe(10001);
    expect(codeOf(() => r2Object('x', { ...told, etag: undefined }))).toBe(10001);
  });
});
