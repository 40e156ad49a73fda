import { generateKeyPairSync, verify } from 'node:crypto';
import { describe, it } from 'vitest';
import { signerFromPkcs8Pem } from '../signing.ts';
import { authenticateSms, readAuthenticatedSms } from './authenticated.ts';
import { phoneNumberIn } from './phone-number.ts';
import { enxLink, expandTemplate, MAX_SMS_LENGTH, templateFault, type SmsValues } from './template.ts';

const VALUES: SmsValues = {
  region: 'DE',
  code: '12345678',
  longCode: 'abcdefgh12345678',
  minutes: 15,
  hours: 24,
  linkDomain: 'en.example',
};

describe('a number', () => {
  it.for<[written: string, read: string | null]>([
    ['+491701234567', '+491701234567'],
    [' +49 (170) 123-45.67 ', '+491701234567'],
    ['+1\u00a0206\u00a0555\u00a00100', '+12065550100'],
    ['0170 1234567', null],
    ['00491701234567', null],
    ['+0491701234567', null],
    ['+123456', null],
    ['+1234567890123456', null],
    ['+49170abc4567', null],
    ['+49 170 1234567; +49 170 7654321', null],
    ['', null],
    [`+49170123456${' '.repeat(40)}7`, null],
  ])('%s', ([written, read], { expect }) => {
    expect(phoneNumberIn(written)).toBe(read);
  });
});

describe('a template', () => {
  it('says each variable, as often as it is named', ({ expect }) => {
    const template = '[region] [code] [expires] [longcode] [longexpires] [enslink] [code]';
    expect(expandTemplate(template, VALUES)).toBe(
      'DE 12345678 15 abcdefgh12345678 24 https://de.en.example/v?c=abcdefgh12345678 12345678',
    );
  });

  it('leads to the short code where there is no long one, and to the app where nothing answers by HTTPS', ({
    expect,
  }) => {
    expect(enxLink({ ...VALUES, longCode: null })).toBe('https://de.en.example/v?c=12345678');
    expect(enxLink({ ...VALUES, linkDomain: '' })).toBe('ens://v?r=DE&c=abcdefgh12345678');
    expect(expandTemplate('[longcode]', { ...VALUES, longCode: null })).toBe('12345678');
  });

  it('is never expanded past six SMS, and a value is not expanded again', ({ expect }) => {
    const room = MAX_SMS_LENGTH - VALUES.code.length;
    expect(expandTemplate(`${'x'.repeat(room)}[code]`, VALUES)?.length).toBe(MAX_SMS_LENGTH);
    expect(expandTemplate(`${'x'.repeat(room + 1)}[code]`, VALUES)).toBeNull();
    expect(expandTemplate('[region][code]', { ...VALUES, region: '[code]' })).toBe('[code]12345678');
  });

  it.for<[template: string, fault: string | null]>([
    ['Your code: [code]', null],
    ['[enslink]\nGood for [longexpires] hours.', null],
    ['Somebody will call you.', 'no-code'],
    ['[code] [name]', 'unknown-variable'],
    ['[code] [Code]', 'unknown-variable'],
    [`[code]${'x'.repeat(795)}`, 'too-long'],
    ['[code]\r', 'control-character'],
  ])('%j', ([template, fault], { expect }) => {
    expect(templateFault(template)).toBe(fault);
  });
});

describe('an authenticated SMS', () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const key = { id: 'v1', der: signerFromPkcs8Pem(privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()).der };
  const occasion = { purpose: 'EN Report', phone: '+11111111111', now: 86_400 * 30.5 } as const;

  it('ends with day, key and signature, over purpose, number, day and text', ({ expect }) => {
    const message = authenticateSms('This is a message', occasion, key);
    const [, base64 = ''] = /^This is a message \nAuthentication:0131:v1:([A-Za-z0-9+/]+)$/.exec(message) ?? [];
    // OpenSSL, over the bytes as the specification spells them.
    const signed = Buffer.from('EN Report.+11111111111.1970-01-31.This is a message \nAuthentication:');
    expect(verify('sha256', signed, publicKey, Buffer.from(base64, 'base64'))).toBe(true);
    const other = Buffer.from('User Report.+11111111111.1970-01-31.This is a message \nAuthentication:');
    expect(verify('sha256', other, publicKey, Buffer.from(base64, 'base64'))).toBe(false);
  });

  it('is read back; another number, purpose or day is another text', ({ expect }) => {
    const message = authenticateSms('Two\nlines', { ...occasion, purpose: 'User Report' }, key);
    const fits = (about: Partial<Parameters<typeof readAuthenticatedSms>[1]>) => {
      const read = readAuthenticatedSms(message, { ...occasion, purpose: 'User Report', ...about });
      return read !== null && verify('sha256', read.signed, publicKey, read.signature);
    };
    expect(fits({})).toBe(true);
    expect([fits({ phone: '+11111111112' }), fits({ purpose: 'EN Report' }), fits({ now: 0 })]).toEqual(
      Array.from({ length: 3 }, () => false),
    );
    expect(readAuthenticatedSms('no signature', occasion)).toBeNull();
    expect(readAuthenticatedSms(`${message}=`, occasion)).toBeNull();
  });
});
