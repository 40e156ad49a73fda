/** @module The portal's variables: what a stage must set, and what it can't be set to. */
import { describe, it } from 'vitest';
import { parsePortalConfig, type PortalEnv } from './bindings.ts';
import { ENV } from './test-rig.ts';

const withVariable = (name: string, value: string): PortalEnv => ({ ...ENV, [name]: value });

describe('the portal starts', () => {
  it('with whose cards it prints, a number in which no line ends, and a time zone', ({ expect }) => {
    const { imprint, timeZone } = parsePortalConfig(ENV);
    expect(timeZone).toBe('Europe/Berlin');
    expect(imprint).toEqual({
      authority: 'Example Health Authority',
      telephone: '0800\u00a0555\u00a00100',
      app: 'Example Warn App',
    });
  });

  it('with tokens of services, each with whose it is', ({ expect }) => {
    const services = parsePortalConfig(withVariable('OPERATOR_SERVICES', ' a=Anna@example.org, b = anna@example.org,'));
    expect([...services.operatorServices]).toEqual([
      ['a', 'Anna@example.org'],
      ['b', 'anna@example.org'],
    ]);
  });

  it.for(['112', '+49 30 18445-0', '(0800) 555/0100', '0800.555.0100'])('with the number %s', (number, { expect }) => {
    const { imprint } = parsePortalConfig(withVariable('AUTHORITY_TELEPHONE', number));
    expect(imprint.telephone.replaceAll('\u00a0', ' ')).toBe(number);
  });
});

describe('the portal refuses to start, and names', () => {
  it.for<[variable: string, value: string]>([
    ['AUTHORITY_NAME', ''],
    ['AUTHORITY_NAME', ' Authority'],
    ['AUTHORITY_NAME', 'Health\nAuthority'],
    ['AUTHORITY_NAME', 'x'.repeat(61)],
    ['APP_NAME', ''],
    ['APP_NAME', 'x'.repeat(31)],
    ['AUTHORITY_TELEPHONE', ''],
    ['AUTHORITY_TELEPHONE', '12'],
    ['AUTHORITY_TELEPHONE', '- - -'],
    ['AUTHORITY_TELEPHONE', '0800 CALL US'],
    ['AUTHORITY_TELEPHONE', '1'.repeat(31)],
    ['STAFF_TIME_ZONE', ''],
    ['STAFF_TIME_ZONE', 'Europe/Nowhere'],
    ['STAFF_ROOTS', 'no certificate'],
    ['ADMIN_API_HOST', 'https://codes.example.org'],
    ['ADMIN_API_HOST', 'Codes.example.org'],
    ['ADMIN_API_HOST', 'codes.example.org:443'],
    ['OPERATOR_SERVICES', 'a-service'],
    ['OPERATOR_SERVICES', 'a-service='],
    ['OPERATOR_SERVICES', 'a-service=anna'],
    ['OPERATOR_SERVICES', '=anna@example.org'],
    ['OPERATOR_SERVICES', 'a=anna@example.org, b'],
    ['OPERATOR_SERVICES', 'a=anna@example.org,a=ben@example.org'],
    ['OPERATOR_SERVICES', 'a=anna@example.org=ben@example.org'],
  ])('%s when it is "%s"', ([variable, value], { expect }) => {
    expect(() => parsePortalConfig(withVariable(variable, value))).toThrow(
      expect.objectContaining({ name: 'ConfigError', message: expect.stringContaining(`${variable}: `) as unknown }),
    );
  });
});
