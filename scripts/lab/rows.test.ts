import { createHash } from 'node:crypto';
import { describe, it } from 'vitest';
import { readTable } from './rows.ts';

const NOW = 1_795_000_000;
const GUID = 'ABCDEF-12345678-90AB-4CDE-8F01-23456789ABCD';
const OTHER = 'ABCDEF-12345678-90AB-4CDE-8F01-23456789ABCE';
const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');
const HASH = sha256('the payload of a partner’s QR code');

describe('a laboratory’s table', () => {
  it('is hashed as phones hash, the row with the date of birth first', ({ expect }) => {
    const text = `guid,result,birth_date,sample_collected\n${GUID},positive,1990-03-07,2026-11-10T08:30:00+01:00\nhttps://localhost/?${OTHER},1,,\n`;
    const { lines, refused, smallLetters } = readTable(text, 'lab', NOW);
    const sc = Date.UTC(2026, 10, 10, 7, 30) / 1000;
    expect(lines).toEqual([
      {
        line: 2,
        rows: [
          { id: `x${sha256(`${GUID}07031990`).slice(1)}`, result: 2, sc },
          { id: sha256(GUID), result: 2, sc },
        ],
      },
      { line: 3, rows: [{ id: sha256(OTHER), result: 1 }] },
    ]);
    expect([refused, smallLetters]).toEqual([[], 0]);
  });

  it('may come from a spreadsheet: byte order mark, semicolons, quotes, CRLF, empty lines, columns in any order', ({
    expect,
  }) => {
    const text = `\uFEFFResult;"GUID"\r\n Positive ;"${GUID}"\r\n\r\nINVALID;${OTHER}\r\n`;
    const { lines } = readTable(text, 'lab', NOW);
    expect(lines.map(({ line, rows }) => [line, rows[0]?.result])).toEqual([
      [2, 2],
      [4, 3],
    ]);
  });

  it('counts GUIDs with small letters, which count as they stand', ({ expect }) => {
    const { lines, smallLetters } = readTable(`guid,result\n${GUID.toLowerCase()},1\n`, 'lab', NOW);
    expect([lines[0]?.rows[0]?.id, smallLetters]).toEqual([sha256(GUID.toLowerCase()), 1]);
  });

  it.for([
    ['quicktest', 5],
    ['pocnat', 10],
  ] as const)('of %s holds hashes of QR codes, in words or codes', ([route, first], { expect }) => {
    const words = ['pending', 'negative', 'positive', 'invalid', 'redeemed'];
    const rows = words.map((word, n) => `${sha256(`word ${n}`)},${word}\n${sha256(`code ${n}`)},${first + n}`);
    const { lines } = readTable(`hash,result\n${rows.join('\n')}\n`, route, NOW);
    expect(lines.map((line) => line.rows[0]?.result)).toEqual(words.flatMap((_, n) => [first + n, first + n]));
    expect(lines[0]?.rows[0]?.id).toBe(sha256('word 0'));
  });

  it.for([
    ['guid,result\nABC,positive', 'lab', /^guid: /],
    [`guid,result\n${GUID},7`, 'lab', /^result: must be negative or 1, positive or 2, invalid or 3$/],
    [`guid,result\n${GUID},pending`, 'lab', /^result: /],
    [`guid,result,birth_date\n${GUID},2,07.03.1990`, 'lab', /^birth_date: must be YYYY-MM-DD$/],
    [`guid,result,sample_collected\n${GUID},2,2026-11-10 08:30`, 'lab', /^sample_collected: must be/],
    [`guid,result,sample_collected\n${GUID},2,${NOW + 3601}`, 'lab', /^sample_collected: is in the future$/],
    [`hash,result\n${HASH.slice(1)},7`, 'quicktest', /^hash: /],
    [`hash,result\n${HASH},12`, 'quicktest', /^result: /],
  ] as const)('refuses a line by its column, and says no value: %s', ([text, route, reason], { expect }) => {
    const { lines, refused } = readTable(text, route, NOW);
    expect(lines).toEqual([]);
    expect(refused).toEqual([{ line: 2, reason: expect.stringMatching(reason) as string }]);
    expect(refused[0]?.reason).not.toContain(text.split('\n')[1]?.split(',')[0]);
  });

  it('refuses a line with too many or too few columns, and reads the others', ({ expect }) => {
    const text = `guid,result\n${GUID},2,secret\n${OTHER}\n${OTHER},1\n`;
    const { lines, refused } = readTable(text, 'lab', NOW);
    expect(lines.map(({ line }) => line)).toEqual([4]);
    const reason = 'has another number of columns than the heading';
    expect(refused).toEqual([
      { line: 2, reason },
      { line: 3, reason },
    ]);
  });

  it('refuses a test that stands twice', ({ expect }) => {
    const { lines, refused } = readTable(`guid,result\n${GUID},1\n${OTHER},1\n${GUID},2\n`, 'lab', NOW);
    expect(lines.map(({ line }) => line)).toEqual([2, 3]);
    expect(refused).toEqual([{ line: 4, reason: 'guid: stands in line 2 already' }]);
  });

  it.for([
    ['', /no table: it is empty/],
    ['guid,result,name\nA,B,C\n', /column 3: the columns of this route are guid, birth_date, result, sample_collected/],
    ['hash,result\nA,B\n', /column 1/],
    ['guid\nA\n', /column result: is missing/],
    ['guid,result,result\nA,B,C\n', /stands twice/],
    [`guid,result\n${GUID},"2\n`, /no table: CSV_QUOTE_NOT_CLOSED/],
  ] as const)('that is none is refused as a whole, naming no cell: %s', ([text, reason], { expect }) => {
    expect(() => readTable(text, 'lab', NOW)).toThrow(reason);
    expect(() => readTable(text, 'lab', NOW)).not.toThrow(/secret|ABCDEF/);
  });
});
