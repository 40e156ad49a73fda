import { describe, it } from 'vitest';
import { toBase64 } from '../protocol/primitives/bytes.ts';
import type { HealthAuthority } from '../protocol/publish/authorities.ts';
import { pkcs8PemFromScalar, signerFromPkcs8Pem } from '../protocol/signing.ts';
import {
  addsTrust,
  changedAuthorities,
  MAX_AUTHORITIES_CHARACTERS,
  planAuthorities,
  readAuthorities,
  readAuthoritiesText,
  readPublished,
} from './authority-list.ts';
import type { Consent } from './parameters/publication.ts';

const spki = (byte: number): string =>
  toBase64(signerFromPkcs8Pem(pkcs8PemFromScalar(new Uint8Array(32).fill(byte))).publicKeySpki);
const KEY = { kid: 'v1', publicKey: spki(7), from: 100, until: null };
const ONE: HealthAuthority = {
  id: 'one',
  name: 'One',
  issuer: 'https://one.example',
  audience: 'keys',
  keys: [KEY],
  regions: ['DE'],
  apps: ['org.example.app'],
  reportTypes: ['confirmed', 'likely'],
};
const TWO: HealthAuthority = { ...ONE, id: 'two', issuer: 'https://two.example' };

/** What is said of a document with one authority, of which some fields are others. */
function faults(change: object, others: readonly object[] = []): string[] {
  const read = readAuthorities({ authorities: [{ ...ONE, ...change }, ...others] });
  return read.ok ? [] : read.error.map(({ field, value, rule }) => `${field} ${value}: ${rule}`);
}

describe('a document of health authorities', () => {
  it('is taken as it is', ({ expect }) => {
    expect(readAuthorities({ authorities: [ONE, TWO] })).toEqual({ ok: true, value: [ONE, TWO] });
    expect(readAuthoritiesText('{"authorities":[]}')).toEqual({ ok: true, value: [] });
  });

  it.for<[change: object, said: string]>([
    [{ id: 'One' }, 'authorities[0].id "One": must match [a-z0-9-]{1,64}'],
    [{ name: '' }, 'authorities[0].name "": must have 1..200 characters'],
    [{ issuer: undefined }, 'authorities[0].issuer nothing: must be a text'],
    [{ audience: ['keys'] }, 'authorities[0].audience ["keys"]: must be a text'],
    [{ keys: {} }, 'authorities[0].keys {}: must be a list'],
    [
      { keys: [{ ...KEY, publicKey: 'AAAA' }] },
      'authorities[0].keys[0].publicKey "AAAA": must be a P-256 public key, SubjectPublicKeyInfo in base64',
    ],
    [{ keys: [{ ...KEY, from: 1.5 }] }, 'authorities[0].keys[0].from 1.5: must be whole Unix seconds'],
    [{ keys: [{ ...KEY, until: 100 }] }, 'authorities[0].keys[0].until 100: must be after from'],
    [{ keys: [KEY, { ...KEY, from: 0 }] }, 'authorities[0].keys[1].kid "v1": stands twice'],
    [{ regions: ['de'] }, 'authorities[0].regions[0] "de": must be two capital letters, ISO 3166-1 alpha-2'],
    [{ regions: [] }, 'authorities[0].regions []: must have 1..50 entries'],
    [{ apps: ['a', 'A'] }, 'authorities[0].apps[1] "a": stands twice'],
    [
      { reportTypes: ['revoked'] },
      'authorities[0].reportTypes[0] "revoked": must be one of confirmed, likely, negative, user-report',
    ],
    [{ trusted: true }, 'authorities[0].trusted true: is not a field of this document'],
  ])('%o is said by field, value and rule', ([change, said], { expect }) => {
    expect(faults(change)).toEqual([said]);
  });

  it('names each id and issuer once', ({ expect }) => {
    expect(faults({}, [{ ...TWO, id: 'one' }])).toEqual(['authorities[1].id "one": stands twice']);
    expect(faults({}, [{ ...TWO, issuer: ONE.issuer }])).toEqual([
      'authorities[1].issuer "https://one.example": stands twice',
    ]);
  });

  it('is JSON of a bounded size, with each field once', ({ expect }) => {
    for (const [text, rule] of [
      ['{', 'must be JSON, of few levels'],
      ['{"authorities":[],"authorities":[]}', 'names a field twice in one object'],
      [' '.repeat(MAX_AUTHORITIES_CHARACTERS + 1), `must be at most ${MAX_AUTHORITIES_CHARACTERS} characters`],
    ] as const) {
      expect(readAuthoritiesText(text)).toMatchObject({ ok: false, error: [{ field: '', rule }] });
    }
  });
});

describe('a change of authorities', () => {
  const second = { kid: 'v2', publicKey: spki(9), from: 0, until: null };
  it.for<[name: string, after: readonly HealthAuthority[], adds: boolean]>([
    ['nothing', [ONE], false],
    ['another authority', [ONE, TWO], true],
    ['one less', [], false],
    ['another issuer', [{ ...ONE, issuer: 'x' }], true],
    ['another audience', [{ ...ONE, audience: 'x' }], true],
    ['another name', [{ ...ONE, name: 'x' }], false],
    ['another key', [{ ...ONE, keys: [KEY, second] }], true],
    ['another key of the same name', [{ ...ONE, keys: [{ ...KEY, publicKey: spki(9) }] }], true],
    ['the same key under another name', [{ ...ONE, keys: [{ ...KEY, kid: 'v2' }] }], true],
    ['a key from earlier on', [{ ...ONE, keys: [{ ...KEY, from: 99 }] }], true],
    ['a key that ends', [{ ...ONE, keys: [{ ...KEY, until: 200 }] }], false],
    ['no key', [{ ...ONE, keys: [] }], false],
    ['another app', [{ ...ONE, apps: ['org.example.app', 'x'] }], true],
    ['another region', [{ ...ONE, regions: ['DE', 'NL'] }], true],
    ['another report type', [{ ...ONE, reportTypes: ['confirmed', 'negative'] }], true],
    ['fewer report types', [{ ...ONE, reportTypes: ['likely'] }], false],
  ])('%s: does it add trust?', ([, after, adds], { expect }) => {
    expect(addsTrust([ONE], after)).toBe(adds);
  });

  it('a key that ended later adds trust again', ({ expect }) => {
    const ending = { ...ONE, keys: [{ ...KEY, until: 200 }] };
    expect(addsTrust([ending], [ONE])).toBe(true);
    expect(addsTrust([ending], [{ ...ONE, keys: [{ ...KEY, until: 201 }] }])).toBe(true);
    expect(addsTrust([ending], [{ ...ONE, keys: [{ ...KEY, until: 199 }] }])).toBe(false);
  });

  it('is said by ids in the audit log', ({ expect }) => {
    expect(
      changedAuthorities(
        [ONE, TWO],
        [
          { ...ONE, name: 'x' },
          { ...TWO, id: 'three' },
        ],
      ),
    ).toBe('~one -two +three');
    expect(changedAuthorities([ONE], [ONE])).toBe('');
  });

  const asks = (secondPersonAbovePercentage: number, persons = 1): Consent => ({
    persons,
    inForce: { publication: { secondPersonAbovePercentage } } as Consent['inForce'],
  });
  const alone: Consent = { persons: 1, inForce: null };
  const current = { version: 3, authorities: [ONE] };
  const text = (...authorities: HealthAuthority[]): string => JSON.stringify({ authorities });

  it('needs the version that was seen, and is another document', ({ expect }) => {
    expect(planAuthorities(current, text(TWO), 2, alone)).toEqual({
      ok: false,
      error: { kind: 'conflict', version: 3 },
    });
    expect(planAuthorities(current, text(ONE), 3, alone)).toEqual({
      ok: false,
      error: { kind: 'unchanged', version: 3 },
    });
    expect(planAuthorities(current, '', 3, alone)).toMatchObject({ ok: false, error: { kind: 'invalid' } });
    expect(planAuthorities(current, text(TWO), 3, alone)).toEqual({
      ok: true,
      value: { version: 4, authorities: [TWO] },
    });
  });

  it('that adds trust needs a second person where the parameters in force ask for one; what takes it away doesn’t', ({
    expect,
  }) => {
    const needs = { ok: false, error: { kind: 'needs-second-person', version: 4, abovePercentage: 99 } };
    expect(planAuthorities(current, text(ONE, TWO), 3, asks(99))).toEqual(needs);
    expect(planAuthorities(current, text(ONE, TWO), 3, asks(99, 2)).ok).toBe(true);
    expect(planAuthorities(current, text(ONE, TWO), 3, asks(100)).ok).toBe(true);
    expect(planAuthorities(current, text(), 3, asks(0)).ok).toBe(true);
  });
});

it('a published document has a version', ({ expect }) => {
  expect(readPublished({ version: 2, authorities: [ONE] })).toEqual({ version: 2, authorities: [ONE] });
  for (const payload of [
    null,
    [],
    { authorities: [] },
    { version: 0, authorities: [] },
    { version: 1, authorities: [{}] },
  ]) {
    expect(readPublished(payload)).toBeNull();
  }
});
