import { Ajv2020 } from 'ajv/dist/2020.js';
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { toBase64Url, utf8 } from '../primitives/bytes.ts';
import { sha256 } from '../primitives/hash.ts';
import { type ManifestHead, parseDayPage, parseManifestHead, parseRevocationPage } from './manifest.ts';
import schema from './manifest.schema.json' with { type: 'json' };
import { signDocument } from './signed-document.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../signing.ts';

// Node alone: ajv compiles schemas to code with `new Function`, which workerd refuses.
const ajv = new Ajv2020({ strict: true, allErrors: false });
ajv.addSchema(schema);
const validator = (part: string) => ajv.compile({ $ref: `${schema.$id}#/$defs/${part}` });
const [isHead, isPage, isRevocations] = [validator('head'), validator('page'), validator('revocationPage')];
const isDocument = validator('signedDocument');
const isManifest = ajv.compile({ $ref: schema.$id });

const name = toBase64Url(sha256(utf8('chunk')));
const CHUNK = { hour: 490_000, file: 1, of: 1, size: 2000, keys: '100-199', sha256: name };
const HEAD: ManifestHead = {
  region: 'DE',
  sequence: 1,
  previous: null,
  issuedAt: 490_001 * 3600,
  validUntil: 490_005 * 3600,
  hours: [CHUNK],
  pages: [{ sha256: name, from: '2025-11-20', to: '2025-11-21' }],
  revocations: name,
};
const { hour: _hour, ...dayChunk } = CHUNK;
const PAGE = {
  region: 'DE',
  days: [{ date: '2025-11-20', cut: '2025-11-21', revised: 490_000, chunks: [dayChunk] }],
};
const REVOCATIONS = {
  region: 'DE',
  revocations: [{ hour: 490_000, days: ['2025-11-20', '2025-11-21'], chunks: [dayChunk] }],
};

/** Every path to a value in the document, so that each can be damaged. */
function paths(value: unknown, at: readonly string[] = []): (readonly string[])[] {
  if (typeof value !== 'object' || value === null) return [at];
  return [
    ...(at.length > 0 ? [at] : []),
    ...Object.entries(value).flatMap(([key, inner]) => paths(inner, [...at, key])),
  ];
}

function replaced(value: unknown, [key, ...rest]: readonly string[], by: unknown): unknown {
  if (key === undefined) return by;
  const copy: Record<string, unknown> = { ...(value as Record<string, unknown>) };
  copy[key] = replaced(copy[key], rest, by);
  if (copy[key] === undefined) delete copy[key];
  return Array.isArray(value) ? Object.values(copy) : copy;
}

/** Values of a wrong type, a wrong form, or out of range wherever they are put. */
const wrong = fc.constantFrom<unknown>(undefined, null, true, -1, 1.5, '', 'x', '../../etc', {}, [{}], ['x'], 1e300);

describe('manifest.schema.json', () => {
  it('takes head, page and signed document, and no other thing', ({ expect }) => {
    const key = signerFromPkcs8Pem(pkcs8PemFromScalar(sha256(utf8('manifest key of the tests'))));
    const document: unknown = JSON.parse(signDocument('manifest', 'manifest-v1', HEAD, key.raw));
    expect([isHead(HEAD), isPage(PAGE), isDocument(document)]).toEqual([true, true, true]);
    expect(isRevocations(REVOCATIONS)).toBe(true);
    for (const thing of [HEAD, PAGE, REVOCATIONS, document]) expect(isManifest(thing)).toBe(true);
    for (const thing of [null, {}, [], { ...HEAD, ...PAGE }, { ...PAGE, ...REVOCATIONS }])
      expect(isManifest(thing)).toBe(false);
  });

  it.for([
    ['head', HEAD, isHead, parseManifestHead],
    ['page', PAGE, isPage, parseDayPage],
    ['page of revocations', REVOCATIONS, isRevocations, parseRevocationPage],
  ] as const)('judges a damaged %s as the parser does', ([, good, isValid, parse], { expect }) => {
    fc.assert(
      fc.property(fc.constantFrom(...paths(good)), wrong, (path, value) => {
        const damaged = replaced(good, path, value);
        expect([path, value, isValid(damaged)]).toEqual([path, value, parse(damaged).ok]);
      }),
      { seed: 18, numRuns: 600 },
    );
  });

  it('states the URL rule', ({ expect }) => {
    expect(schema.description).toContain('/v1/<region>/chunks/<sha256>.zip');
  });
});
