import { describe, it } from 'vitest';
import { parseStrictJson } from '../../domain/strict-json.ts';
import { readPublishRequest } from './request.ts';

/** As the Worker reads it: the first half of the duplicates is refused there. */
function read(text: string) {
  const json = parseStrictJson(text, { depth: 3, members: 1_000 });
  return json.ok ? readPublishRequest(json.value) : json;
}

const KEY = { key: 'z2Cx9hdz2SlxZ8GEgqTYpA==', rollingStartNumber: 2_650_032, rollingPeriod: 144, transmissionRisk: 3 };
const FULL = {
  temporaryExposureKeys: [KEY],
  healthAuthorityID: 'gov.state.health',
  verificationPayload: 'a.b.c',
  hmacKey: 'AQIDBA==',
  symptomOnsetInterval: 2_649_888,
  traveler: true,
  revisionToken: 'dG9rZW4=',
  padding: 'AAAA',
};
const { padding: _, ...READ } = FULL;

describe('a publish request', () => {
  it('is read whole, its padding left behind', ({ expect }) => {
    expect(read(JSON.stringify(FULL))).toEqual({ ok: true, value: READ });
  });

  it('names its fields in any case', ({ expect }) => {
    const lower = { ...FULL, hmackey: FULL.hmacKey, HEALTHAUTHORITYID: FULL.healthAuthorityID };
    const { hmacKey: _key, healthAuthorityID: _id, ...others } = lower;
    const keys = [
      { KEY: KEY.key, rollingstartnumber: KEY.rollingStartNumber, RollingPeriod: 144, transmissionrisk: 3 },
    ];
    expect(read(JSON.stringify({ ...others, temporaryExposureKeys: undefined, TemporaryExposureKeys: keys }))).toEqual({
      ok: true,
      value: READ,
    });
  });

  it('has what it doesn’t say, or says null of, as Go has it', ({ expect }) => {
    const absent = {
      temporaryExposureKeys: [],
      healthAuthorityID: '',
      verificationPayload: '',
      hmacKey: '',
      symptomOnsetInterval: 0,
      traveler: false,
      revisionToken: '',
    };
    expect(read('{}')).toEqual({ ok: true, value: absent });
    expect(read(JSON.stringify(Object.fromEntries(Object.keys(FULL).map((name) => [name, null]))))).toEqual({
      ok: true,
      value: absent,
    });
    expect(read('{"temporaryExposureKeys":[{}]}')).toEqual({
      ok: true,
      value: {
        ...absent,
        temporaryExposureKeys: [{ key: '', rollingStartNumber: 0, rollingPeriod: 0, transmissionRisk: 0 }],
      },
    });
  });

  const change = (fields: object) => JSON.stringify({ ...FULL, ...fields });
  const key = (fields: object) => change({ temporaryExposureKeys: [{ ...KEY, ...fields }] });
  it.for<[name: string, text: string, error: object]>([
    ['a name twice', '{"hmacKey":"","hmacKey":""}', { kind: 'duplicate-name' }],
    ['a name twice, once escaped', '{"hmacKey":"","\\u0068macKey":""}', { kind: 'duplicate-name' }],
    ['a name twice in another case', '{"hmacKey":"","hmackey":""}', { kind: 'duplicate-field' }],
    ['the same in a key', '{"temporaryExposureKeys":[{"key":"","KEY":""}]}', { kind: 'duplicate-field' }],
    ['an unknown field', change({ regions: ['DE'] }), { kind: 'unknown-field' }],
    ['an unknown field of a key', key({ reportType: 1 }), { kind: 'unknown-field' }],
    ['__proto__', '{"__proto__":{"hmacKey":"x"}}', { kind: 'unknown-field' }],
    ['a name of an object’s own', '{"constructor":""}', { kind: 'unknown-field' }],
    ['a letter that folds to k', '{"hmac\u212aey":""}', { kind: 'unknown-field' }],
    ['a number for a text', change({ hmacKey: 5 }), { kind: 'wrong-type', field: 'hmacKey' }],
    ['a text for a number', key({ rollingPeriod: '144' }), { kind: 'wrong-type', field: 'rollingPeriod' }],
    ['half an interval', key({ rollingStartNumber: 0.5 }), { kind: 'wrong-type', field: 'rollingStartNumber' }],
    ['2^31', key({ rollingStartNumber: 2 ** 31 }), { kind: 'wrong-type', field: 'rollingStartNumber' }],
    ['below −2^31', key({ rollingPeriod: -(2 ** 31) - 1 }), { kind: 'wrong-type', field: 'rollingPeriod' }],
    [
      '1e400',
      key({ transmissionRisk: '@' }).replace('"@"', '1e400'),
      { kind: 'wrong-type', field: 'transmissionRisk' },
    ],
    [
      'an onset of 2^31',
      change({ symptomOnsetInterval: 2 ** 31 }),
      { kind: 'wrong-type', field: 'symptomOnsetInterval' },
    ],
    ['a text for a flag', change({ traveler: 'true' }), { kind: 'wrong-type', field: 'traveler' }],
    [
      'keys that are no list',
      change({ temporaryExposureKeys: {} }),
      { kind: 'wrong-type', field: 'temporaryExposureKeys' },
    ],
    ['a key that is no object', change({ temporaryExposureKeys: ['AA=='] }), { kind: 'not-an-object' }],
    ['a list', '[]', { kind: 'not-an-object' }],
    ['null', 'null', { kind: 'not-an-object' }],
    ['two values', '{}{}', { kind: 'malformed' }],
    ['nothing', '', { kind: 'malformed' }],
  ])('is refused with %s', ([, text, error], { expect }) => {
    expect(read(text)).toEqual({ ok: false, error });
  });

  it.for([2 ** 31 - 1, -(2 ** 31), 0])('may hold an int32: %s', (rollingStartNumber, { expect }) => {
    expect(read(key({ rollingStartNumber })).ok).toBe(true);
  });
});
