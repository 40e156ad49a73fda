/** @module Codes for a table of people, in workerd: what a table may be, the same codes however often a slice is sent, what failed by line, and no number in an audit line. */
import { describe, it } from 'vitest';
import { CANONICAL_HEAD, canonicalRow, MAX_BULK_ROWS, readBulkTable } from './bulk-table.ts';
import { newOnce } from './form.ts';
import { Browser, ENV, NOW } from './test-rig.ts';

const HEAD = 'testType,testDate,symptomDate,phone';
const table = (...lines: string[]): string => [HEAD, ...lines].join('\r\n');
const FINE = 'confirmed,2026-09-20,,';

describe('a table', () => {
  it('is read with commas, semicolons or tabs, a mark of order, quotes, and columns in any order and case', ({
    expect,
  }) => {
    const wanted = [
      { line: 2, testType: 'confirmed', testDate: '2026-09-20', symptomDate: null, phone: '+491701234567' },
    ];
    for (const text of [
      table('confirmed,2026-09-20,,+49 170 1234567'),
      `\ufeff${table('"confirmed","2026-09-20","","+49 170 1234567"')}`,
      'phone;TESTTYPE;testdate\n+49(170)1234567;Confirmed;2026-09-20\n\n',
      'testType\tphone\ttestDate\nconfirmed\t+491701234567\t2026-09-20',
    ]) {
      expect(readBulkTable(text, NOW)).toEqual({ rows: wanted, faults: [] });
    }
  });

  it('names the lines that can’t be issued, by their number in the file, and says nothing of them again', ({
    expect,
  }) => {
    const text = table(
      FINE,
      'user-report,2026-09-20,,',
      'likely,,,',
      '',
      'likely,2026-06-31,,',
      FINE.slice(0, -1),
      'negative,2026-09-20,,0170',
      'likely,2026-09-22,,',
      FINE,
    );
    expect(readBulkTable(text, NOW)).toEqual({
      rows: [expect.objectContaining({ line: 2 }), expect.objectContaining({ line: 10 })],
      faults: [
        { line: 3, fault: 'type' },
        { line: 4, fault: 'date' },
        { line: 6, fault: 'date' },
        { line: 7, fault: 'columns' },
        { line: 8, fault: 'phone' },
        { line: 9, fault: 'date' },
      ],
    });
  });

  it('is read back from its own lines', ({ expect }) => {
    const read = readBulkTable(table(FINE, 'likely,,2026-09-19,+491701234567'), NOW);
    const lines = read?.rows.map((row) => canonicalRow(row)) ?? [];
    expect(readBulkTable([CANONICAL_HEAD, ...lines].join('\n'), NOW)).toEqual(read);
  });

  it.for<[name: string, text: string]>([
    ['empty', ''],
    ['a head alone', HEAD],
    ['without a type', 'phone\n+491701234567'],
    ['with a name of a patient', 'testType,name\nconfirmed,Anna'],
    ['with a column twice', 'testType,testType\nconfirmed,likely'],
    ['with a quote that never ends', table('"confirmed,2026-09-20,,')],
    ['too long', table(...Array.from({ length: MAX_BULK_ROWS + 1 }, () => FINE))],
  ])('is none when it is %s', ([, text], { expect }) => {
    expect(readBulkTable(text, NOW)).toBeNull();
  });
});

let people = 0;
const authority = (): Browser =>
  new Browser({ subject: `bulk-${(people += 1)}@example.org`, roles: ['health-authority'] });

interface Result {
  readonly line: number;
  readonly fault: string | null;
  readonly code: string | null;
  readonly uuid: string | null;
}

async function slice(who: Browser, fields: Record<string, string>): Promise<{ status: number; results: Result[] }> {
  const answer = await who.submit('/staff/bulk/issue', fields, { accept: 'application/json' });
  return { status: answer.status, results: answer.ok ? (await answer.json<{ results: Result[] }>()).results : [] };
}

describe('the page', () => {
  it('checks a table before anything is issued, with its faults, and may load what its script needs', async ({
    expect,
  }) => {
    const who = authority();
    const answer = await who.post('/staff/bulk', { table: table(FINE, 'maybe,2026-09-20,,', FINE) });
    const page = await answer.text();
    expect(page).toContain('2 of 3 lines can be issued');
    expect(page).toContain('The testType is not confirmed');
    expect(page).toContain('Issue 2 codes');
    expect(answer.headers.get('content-security-policy')).toMatch(/script-src 'self'.*; connect-src 'self'$/);
    expect((await who.send('/staff/issue')).headers.get('content-security-policy')).not.toContain('connect-src');
    expect((await ENV.VERIFICATION.codeBook(who.subject)).used).toBe(0);
    expect((await who.post('/staff/bulk', { table: 'Anna; 0170 1234567' })).status).toBe(400);
  });

  it('issues a whole table without a script: codes, what went by SMS, and what failed', async ({ expect }) => {
    const who = authority();
    const rows = [
      '2,confirmed,2026-09-20,,',
      '3,likely,2026-09-20,,+491701234567',
      '5,confirmed,2026-09-20,,+491701234560',
      '6,confirmed,2026-09-20,,',
      '7,confirmed,2026-09-20,,',
    ];
    const page = await (
      await who.post('/staff/bulk/issue', { batch: newOnce(), from: '0', rows: rows.join('\n') })
    ).text();
    expect(page).toContain('3 codes were issued; 2 lines failed.');
    expect(page).toMatch(/>5<[\s\S]*The SMS did not leave\.[\s\S]*>7<[\s\S]*Your codes of today are used up\./);
    expect(page).toMatch(/\d{8}/);
    expect(page).toContain('by SMS');
    expect(page).not.toContain('1234567');
  });
});

describe('slices of a script', () => {
  it('get the same codes when they are sent again, and others in another table', async ({ expect }) => {
    const who = authority();
    await ENV.VERIFICATION.setCodeQuota(who.subject, 100);
    const [batch, rows] = [newOnce(), '2,confirmed,2026-09-20,,\n3,confirmed,2026-09-20,,+491701234567'];
    const first = await slice(who, { batch, from: '0', rows });
    expect(first.results).toEqual([
      { line: 2, fault: null, uuid: expect.any(String), code: expect.stringMatching(/^\d{8}$/), expiresAt: NOW + 900 },
      { line: 3, fault: null, uuid: expect.any(String), code: null, expiresAt: expect.any(Number) },
    ]);
    expect(await slice(who, { batch, from: '0', rows })).toEqual(first);
    const uuids = async (fields: object) =>
      (await slice(who, { batch, from: '0', rows, ...fields })).results.map(({ uuid }) => uuid);
    const all = [await uuids({}), await uuids({ from: '2' }), await uuids({ batch: newOnce() })].flat();
    expect(new Set(all).size).toBe(6);
    const { entries } = await ENV.STAFF_ROOM.getByName('room').search({
      text: who.subject,
      from: null,
      to: null,
      before: null,
    });
    expect(entries.map(({ what, detail }) => `${what} ${detail}`)).toContain(
      `codes.issue bulk ${batch.slice(0, 8)} lines 3 to 4`,
    );
    expect(JSON.stringify(entries)).not.toMatch(/1234567|[^0-9a-f-]0000\d{4}[^0-9a-f-]/);
  });

  it.for<[name: string, fields: Record<string, string>]>([
    ['no lines', { rows: '' }],
    ['a line that was not checked', { rows: '2,confirmed,2026-10-20,,' }],
    ['another place', { from: '2000' }],
    ['no table', { batch: 'x' }],
  ])('are refused with %s', async ([, fields], { expect }) => {
    const good = { batch: newOnce(), from: '0', rows: '2,confirmed,2026-09-20,,' };
    expect((await slice(authority(), { ...good, ...fields })).status).toBe(400);
  });
});
