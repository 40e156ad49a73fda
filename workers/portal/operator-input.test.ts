import { describe, it } from 'vitest';
import { readIssueTans, readRestore } from './operator-input.ts';

describe('command: issue TANs', () => {
  it('names a count', ({ expect }) => {
    expect(readIssueTans({ count: 1 })).toEqual({ ok: true, value: { count: 1 } });
    expect(readIssueTans({ count: 1000 })).toEqual({ ok: true, value: { count: 1000 } });
  });

  it.for<[body: unknown, error: RegExp]>([
    [null, /JSON object/],
    [[], /JSON object/],
    ['x', /JSON object/],
    [{}, /^count/],
    [{ count: 0 }, /^count must be an integer, 1\.\.1000/],
    [{ count: 1001 }, /^count/],
    [{ count: 1.5 }, /^count/],
    [{ count: '5' }, /^count/],
    [{ count: '<b>' }, /^count/],
    [{ count: 20, codeBatchId: 'cards' }, /^Only count/],
  ])('is refused by field and rule, never by what was sent: %j', ([body, error], { expect }) => {
    const result = readIssueTans(body);
    expect(result.ok ? '' : result.error).toMatch(error);
    expect(result.ok ? '' : result.error).not.toContain('<b>');
  });
});

describe('command: restore', () => {
  const HOST = 'portal.example.org';
  const SECRET = 'A'.repeat(43);
  const PEM = '-----BEGIN PUBLIC KEY-----\nMFkw+/=\n-----END PUBLIC KEY-----\n';

  it('does nothing but tell without the name of the deployment', ({ expect }) => {
    const told = { confirm: false, journalSecret: null, withoutJournal: false, logKeys: [] };
    expect(readRestore({}, HOST)).toEqual({ ok: true, value: told });
    const body = { deployment: HOST, journalSecret: SECRET, logKeys: [PEM] };
    expect(readRestore(body, HOST)).toEqual({
      ok: true,
      value: { confirm: true, journalSecret: SECRET, withoutJournal: false, logKeys: [PEM] },
    });
  });

  it.for<[body: unknown, error: RegExp]>([
    [null, /JSON object/],
    [{ confirm: true }, /^Only deployment/],
    [{ deployment: 'staging.example.org' }, /^deployment must be portal\.example\.org/],
    [{ deployment: true }, /^deployment/],
    [{ journalSecret: 'A'.repeat(42) }, /^journalSecret/],
    [{ journalSecret: `${'A'.repeat(42)}+` }, /^journalSecret/],
    [{ withoutJournal: 1 }, /^withoutJournal/],
    [{ withoutJournal: true, journalSecret: SECRET }, /^withoutJournal/],
    [{ logKeys: PEM }, /^logKeys/],
    [{ logKeys: ['-----BEGIN PRIVATE KEY-----\nMFkw\n-----END PRIVATE KEY-----\n'] }, /^logKeys/],
    [{ logKeys: Array(5).fill(PEM) }, /^logKeys/],
  ])('is refused by field and rule, never by what was sent: %j', ([body, error], { expect }) => {
    const result = readRestore(body, HOST);
    expect(result.ok ? '' : result.error).toMatch(error);
    expect(result.ok ? '' : result.error).not.toMatch(/staging|PRIVATE/);
  });
});
