/**
 * @module The phone and the server read codes alike: the phone's own reading is held against domain's, which it can't
 *   import.
 */
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import {
  CARD_CODE_RANDOM_CHARACTERS,
  cardCheckCharacter,
  cardGuid,
  hashGuid,
  parseCardCode,
} from '../../domain/derived-codes.ts';
import { generateTeleTan, parseTeleTan, TELETAN_ALPHABET, uniformCharacters } from '../../domain/teletan.ts';
import { describeCodeError, scanQrCode, typeCode } from './codes.ts';
import { testRandom } from '../testing/random.ts';

const GUID = '3D6D08-9AB3CD10-1F2E-4D5C-8B7A-0123456789AB';
const random = testRandom('codes');
const SEED = 20_260_613;
const card = (): string => {
  const body = uniformCharacters(TELETAN_ALPHABET, CARD_CODE_RANDOM_CHARACTERS, random);
  return body + cardCheckCharacter(body);
};

describe('a QR code', () => {
  it('of a test becomes the hash that the laboratory was told', ({ expect }) => {
    const scanned = scanQrCode(`https://localhost/?${GUID}`);
    expect(scanned).toEqual({ ok: true, value: { keyType: 'GUID', key: hashGuid(GUID), keyDob: null } });
  });

  it('of a test with a date of birth has both hashes, the second marked', ({ expect }) => {
    const scanned = scanQrCode(`https://localhost/?${GUID}`, '1961-03-09');
    const withDate = `x${hashGuid(`${GUID}09031961`).slice(1)}`;
    expect(scanned).toEqual({ ok: true, value: { keyType: 'GUID', key: hashGuid(GUID), keyDob: withDate } });
    expect(scanQrCode(`https://localhost/?${GUID}`, '9.3.1961')).toMatchObject({ error: { kind: 'bad-date' } });
  });

  it.for([
    `https://localhost/${GUID}`,
    `http://localhost/?${GUID}`,
    `https://localhost.example/?${GUID}`,
    `https://localhost/?${GUID}0`,
    `https://localhost/?${GUID.slice(7)}`,
    `https://localhost/?${GUID}&x`,
    GUID,
    '',
  ])('%s is no test', (text, { expect }) => {
    expect(scanQrCode(text)).toEqual({ ok: false, error: { kind: 'not-a-test' } });
  });
});

describe('a typed code', () => {
  it('is a teleTAN, however it is written', ({ expect }) => {
    for (let n = 0; n < 100; n++) {
      const code = generateTeleTan(random);
      const typed = ` ${code.slice(0, 3)}-${code.slice(3, 6).toLowerCase()} ${code.slice(6)}`;
      expect(typeCode(typed)).toEqual({ ok: true, value: { keyType: 'TELETAN', key: code, keyDob: null } });
    }
  });

  it('of a card opens what the card’s QR code opens', ({ expect }) => {
    for (let n = 0; n < 100; n++) {
      const code = card();
      const opened = typeCode(code);
      expect(opened).toMatchObject({ ok: true, value: { key: hashGuid(cardGuid(code)) } });
      expect(scanQrCode(`https://localhost/?${cardGuid(code)}`)).toEqual(opened);
    }
  });

  it('is refused exactly where the server would refuse it', ({ expect }) => {
    const letters = Array.from(TELETAN_ALPHABET);
    const nearly = fc.oneof(
      fc.constantFrom(generateTeleTan(random), card()),
      fc.string({ minLength: 9, maxLength: 16, unit: fc.constantFrom(...letters, '0', 'I', '-', ' ', 'é') }),
    );
    const change = fc.record({ at: fc.nat(15), to: fc.constantFrom(...letters) });
    fc.assert(
      fc.property(nearly, fc.option(change), (code, changed) => {
        const typed = changed === null ? code : code.slice(0, changed.at) + changed.to + code.slice(changed.at + 1);
        expect(typeCode(typed).ok).toBe(parseTeleTan(typed) !== null || parseCardCode(typed) !== null);
      }),
      { seed: SEED, numRuns: 500 },
    );
  });

  it.for([
    { typed: 'ABC', reason: 'a code has 10 or 15 characters, this one has 3' },
    { typed: 'ABCDEFGHI0', reason: '"I" occurs in no code' },
    { typed: '2222222222', reason: 'a character is wrong: compare it once more' },
  ])('says what is wrong with $typed', ({ typed, reason }, { expect }) => {
    const refused = typeCode(typed);
    if (refused.ok) throw new Error('accepted');
    expect(describeCodeError(refused.error)).toBe(reason);
  });
});
