import { randomBytes } from 'node:crypto';
import { describe, it } from 'vitest';
import { fromBase64, fromUtf8 } from '../primitives/bytes.ts';
import {
  NOTHING_TO_SAY,
  PUBLISH_RESPONSE_BYTES,
  readPublishResponse,
  writePublishResponse,
  type PublishResponse,
} from './response.ts';

const random = (characters: number) => randomBytes((characters / 4) * 3).toString('base64');
const write = (response: Partial<PublishResponse>) =>
  fromUtf8(writePublishResponse({ ...NOTHING_TO_SAY, ...response }, random));

const FULL: PublishResponse = {
  revisionToken: 'A'.repeat(2_048),
  insertedExposures: 30,
  error: 'x'.repeat(30 * 36),
  code: 'health_authority_verification_certificate_invalid',
  warnings: Array.from({ length: 15 }, () => 'x'.repeat(72)),
};

describe('an answer to publish', () => {
  it.for<[name: string, response: Partial<PublishResponse>]>([
    ['nothing', {}],
    ['one key', { insertedExposures: 1 }],
    ['ten keys', { insertedExposures: 10 }],
    ['a token', { revisionToken: 'dG9rZW4=', insertedExposures: 14 }],
    ['a refusal', { error: 'no', code: 'missing_revision_token' }],
    ['as much as there can be', FULL],
  ])('has one size, and is read as it was written: %s', ([, response], { expect }) => {
    const text = write(response);
    expect(text).toHaveLength(PUBLISH_RESPONSE_BYTES);
    const { padding, ...said } = JSON.parse(text);
    expect(fromBase64(padding).length).toBeGreaterThan(300);
    expect(readPublishResponse(said)).toEqual({ ...NOTHING_TO_SAY, ...response });
  });

  it('leaves out what is empty, and 0', ({ expect }) => {
    expect(Object.keys(JSON.parse(write({})))).toEqual(['padding']);
    expect(Object.keys(JSON.parse(write({ code: 'bad_request', error: 'no' })))).toEqual(['error', 'code', 'padding']);
  });

  it('that doesn’t fit is never cut', ({ expect }) => {
    expect(() => write({ error: 'x'.repeat(PUBLISH_RESPONSE_BYTES) })).toThrow(RangeError);
    expect(() => write({ error: '\u00e4' })).toThrow(RangeError);
  });

  it.for([null, [], 'x', { revisionToken: 1 }, { warnings: 'x' }, { warnings: [1] }, { insertedExposures: 0.5 }])(
    'is none: %j',
    (value, { expect }) => {
      expect(readPublishResponse(value)).toBeNull();
    },
  );
});
