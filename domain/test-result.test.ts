import { createHash } from 'node:crypto';
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import {
  birthDateName,
  parseResultName,
  hashOfQrHash,
  type KeptResult,
  parsePostedResults,
  type PostedResult,
  resultAfter,
} from './test-result.ts';

const DAY = 86_400;
const POSTED = 1_790_000_000;
const SAMPLE = POSTED - DAY;
const ID = '0a'.repeat(32);
const kept = (result: number): KeptResult => ({
  result,
  sampleCollected: SAMPLE,
  isSampleTimeSaid: true,
  postedAt: POSTED,
  positiveDay: [2, 7, 12].includes(result) ? Math.floor(POSTED / DAY) : null,
});
/** Of a row that didn't say when its sample was collected. */
const keptWithout = (result: number): KeptResult => ({
  ...kept(result),
  sampleCollected: POSTED,
  isSampleTimeSaid: false,
});
const row = (result: number, sampleCollected: number | null): PostedResult => ({ id: ID, result, sampleCollected });

describe('a row that comes again', () => {
  it('changes nothing when it is equal, with or without its sample’s time, on any day', ({ expect }) => {
    for (const days of [0, 1, 20, 21, 59, 60, 400]) {
      for (const sample of [null, SAMPLE]) {
        expect(resultAfter(kept(2), row(2, sample), POSTED + days * DAY)).toBeNull();
      }
    }
  });

  it.for([
    ['a correction of the same sample', 1, 2, SAMPLE, 2],
    ['a correction without a time', 2, 1, null, 1],
    ['a newer sample', 1, 2, SAMPLE + 60, 2],
    ['an older sample', 2, 1, SAMPLE - 1, null],
    ['a rapid test that is done', 5, 7, null, 7],
    ['the copy of what was pending', 7, 5, null, null],
    ['pending about the same sample', 12, 10, SAMPLE, null],
    ['another sample that is pending', 12, 10, SAMPLE + 60, 10],
    ['a rapid test that the laboratory called redeemed', 9, 7, SAMPLE + 60, null],
    ['a PoC-NAT that it called redeemed', 14, 12, null, null],
  ] as const)('%s', ([, before, result, sample, after], { expect }) => {
    const next = resultAfter(kept(before), row(result, sample), POSTED + 60);
    expect(next?.result ?? null).toBe(after);
    if (next !== null) expect(next).toMatchObject({ postedAt: POSTED, sampleCollected: sample ?? POSTED + 60 });
  });

  it('an equal result of a newer sample dates the sample anew, and the test no later', ({ expect }) => {
    const next = resultAfter(kept(2), row(2, SAMPLE + 60), POSTED + 3600);
    expect(next).toEqual({ ...kept(2), sampleCollected: SAMPLE + 60 });
  });

  it.for([
    ['pending, then done', 5, 7, POSTED - 300, 7],
    ['a correction that says when', 1, 2, POSTED - 3600, 2],
    ['a correction that doesn’t either', 1, 2, null, 2],
    ['pending again, with a time', 7, 5, POSTED + 60, null],
    ['pending again', 12, 10, null, null],
    ['the same, with a time at last', 2, 2, POSTED - 300, 2],
    ['the same', 2, 2, null, null],
  ] as const)(
    'after one that didn’t say when its sample was collected: %s',
    ([, before, result, sample, after], { expect }) => {
      const next = resultAfter(keptWithout(before), row(result, sample), POSTED + 900);
      expect(next?.result ?? null).toBe(after);
      if (next === null) return;
      expect(next).toMatchObject({ isSampleTimeSaid: sample !== null, sampleCollected: sample ?? POSTED + 900 });
      // From then on an older sample undoes nothing.
      if (sample !== null) expect(resultAfter(next, row(3, sample - 1), POSTED + 1000)).toBeNull();
    },
  );

  it('once redeemed stays so, whatever comes', ({ expect }) => {
    fc.assert(
      fc.property(fc.constantFrom(1, 2, 3), fc.integer({ min: 21 * DAY, max: 500 * DAY }), (result, age) => {
        expect(resultAfter(kept(2), row(result, POSTED + age), POSTED + age)).toBeNull();
      }),
      { seed: 14 },
    );
  });
});

it('in whatever order rows with times come, the newest sample stands', ({ expect }) => {
  const rows = fc.uniqueArray(fc.record({ result: fc.constantFrom(1, 2, 3), at: fc.integer({ min: 1, max: 9_999 }) }), {
    selector: ({ at }) => at,
    minLength: 2,
    maxLength: 6,
  });
  fc.assert(
    fc.property(rows, (posted) => {
      const [first, ...others] = posted.map(({ result, at }) => row(result, SAMPLE + at));
      let now: KeptResult = { ...kept(first!.result), sampleCollected: first!.sampleCollected! };
      for (const other of others) now = resultAfter(now, other, POSTED + 60) ?? now;
      const newest = posted.toSorted((a, b) => b.at - a.at)[0]!;
      expect(now).toEqual({ ...kept(newest.result), sampleCollected: SAMPLE + newest.at });
    }),
    { seed: 14 },
  );
});

describe('what is posted', () => {
  const parse = (kind: 'lab' | 'quicktest' | 'pocnat', id: string, result: number) =>
    parsePostedResults({ testResults: [{ id, result }] }, kind, POSTED);

  it('is kept under its id by the laboratories’ route, and under the hash of it by the partners’', ({ expect }) => {
    const hash = createHash('sha256').update(ID).digest('hex');
    expect(hashOfQrHash(ID)).toBe(hash);
    const at = (id: string, result: number) => ({ ok: true, value: [{ id, result, sampleCollected: null }] });
    expect(parse('lab', ID, 2)).toEqual(at(ID, 2));
    expect(parse('quicktest', ID.toUpperCase(), 7)).toEqual(at(hash, 7));
    expect(parse('pocnat', ID, 12)).toEqual(at(hash, 12));
  });

  it('each route takes its own codes alone', ({ expect }) => {
    const taken = (['lab', 'quicktest', 'pocnat'] as const).map((kind) =>
      Array.from({ length: 20 }, (_, code) => code).filter((code) => parse(kind, ID, code).ok),
    );
    expect(taken).toEqual([
      [1, 2, 3],
      [5, 6, 7, 8, 9],
      [10, 11, 12, 13, 14],
    ]);
  });
});

describe('the name of a hash with a date of birth', () => {
  const HASH = `x${'0123456789abcdef'.repeat(4).slice(1)}`;

  it('is x, the second digit and 26 of its SHA-256 (coreutils: printf %s | sha256sum), and its own name', ({
    expect,
  }) => {
    const name = birthDateName(HASH);
    expect(name).toBe('x11b79521df3dababb7300db5892');
    expect([birthDateName(name), parseResultName(name), parseResultName(HASH.toUpperCase())]).toEqual([
      name,
      name,
      name,
    ]);
  });

  it('differs where the hash does, in any digit', ({ expect }) => {
    const others = Array.from(
      { length: 63 },
      (_, i) => `${HASH.slice(0, i + 1)}${HASH[i + 1] === '0' ? '1' : '0'}${HASH.slice(i + 2)}`,
    );
    expect(new Set([HASH, ...others].map(birthDateName)).size).toBe(64);
  });

  it('is none for a test, which is asked for by its whole hash; what is neither is refused', ({ expect }) => {
    const test = '0'.repeat(64);
    expect([birthDateName(test), parseResultName(test)]).toEqual([test, test]);
    for (const text of [
      birthDateName(HASH).slice(1),
      `${birthDateName(HASH)}0`,
      HASH.slice(1),
      `y${HASH.slice(1)}`,
      1,
      null,
    ]) {
      expect(parseResultName(text)).toBeNull();
    }
  });
});
