/** @module Groups of issue ids: who stands alone, who is mixed with whom; and what is written of them. */
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { DEFAULT_CHUNK_POLICY } from '../chunk-policy.ts';
import { ISSUE_KINDS, issueKind, newIssueId } from '../issue.ts';
import { GROUP_BYTES, groupIssues, type IssueInSet, layIssues, readIssues } from './issue-groups.ts';

const policy = { ...DEFAULT_CHUNK_POLICY, minKeys: 140, minUploads: 10 };
const id = (letter: string, n: number): string => letter + n.toString(16).padStart(32, '0');
/** @param inSet uploads of 14 keys @param before uploads of earlier sets */
const issue = (issueId: string, inSet: number, before = 0): IssueInSet => ({
  issueId,
  inSet: { uploads: inSet, keys: 14 * inSet },
  sofar: { uploads: inSet + before, keys: 14 * (inSet + before) },
});
const groups = (...issues: IssueInSet[]) => groupIssues(policy, issues);

describe('a source', () => {
  it('of ten uploads and 140 keys stands alone, whatever part of them is in this set', ({ expect }) => {
    const [large, small] = [id('l', 1), id('l', 2)];
    expect(groups(issue(large, 1, 9), issue(small, 10))).toEqual([[large], [small]]);
    // Ten uploads of a key each are fewer keys than a chunk has.
    const rests = { issueId: small, inSet: { uploads: 10, keys: 10 }, sofar: { uploads: 10, keys: 10 } };
    expect(groups(issue(large, 10), rests)).toEqual([[large, small]]);
  });

  it('of fewer is mixed with others of its kind that are together enough', ({ expect }) => {
    const labs = Array.from({ length: 5 }, (_, n) => issue(id('l', n), 2));
    const cards = Array.from({ length: 4 }, (_, n) => issue(id('c', n), 3));
    expect(groups(...labs, ...cards)).toEqual([
      cards.map(({ issueId }) => issueId),
      labs.map(({ issueId }) => issueId),
    ]);
  });

  it('of a kind that is too few is mixed with other kinds, and then with the smallest of the rest', ({ expect }) => {
    const [card, staff, hotline] = [issue(id('c', 1), 6), issue(id('s', 1), 6), issue(id('h', 1), 1)];
    expect(groups(card, staff)).toEqual([[card.issueId, staff.issueId]]);
    const [lab, other] = [issue(id('l', 1), 12), issue(id('l', 2), 30)];
    expect(groups(hotline, other, lab)).toEqual([[hotline.issueId, lab.issueId], [other.issueId]]);
    expect(groups(hotline)).toEqual([[hotline.issueId]]);
    expect(groups()).toEqual([]);
  });
});

it('each id is in one group; none is smaller than a chunk unless all is one; the order of ids changes nothing', ({
  expect,
}) => {
  const issues = fc.uniqueArray(
    fc.record({
      kind: fc.constantFrom(...ISSUE_KINDS),
      n: fc.nat(40),
      inSet: fc.integer({ min: 1, max: 15 }),
      before: fc.nat(12),
    }),
    { selector: ({ kind, n }) => `${kind}${n}`, maxLength: 20 },
  );
  fc.assert(
    fc.property(issues, (drawn) => {
      const all = drawn.map(({ kind, n, inSet, before }) =>
        issue(
          newIssueId(kind, (bytes) => new Uint8Array(bytes).fill(n)),
          inSet,
          before,
        ),
      );
      const made = groups(...all);
      expect(made.flat().toSorted()).toEqual(all.map(({ issueId }) => issueId).toSorted());
      expect(groups(...all.toReversed())).toEqual(made);
      const sofar = new Map(all.map(({ issueId, sofar: { uploads } }) => [issueId, uploads]));
      const uploadsOf = (group: readonly string[]) => group.reduce((sum, one) => sum + (sofar.get(one) ?? 0), 0);
      expect(made.length <= 1 || made.every((group) => uploadsOf(group) >= policy.minUploads)).toBe(true);
    }),
    { seed: 15, numRuns: 300 },
  );
});

describe('what lies beside a part', () => {
  const part = { hour: 494_000, day: 20_600, n: 1 };
  const [card, lab] = [id('c', 1), id('l', 1)];
  const numbers = Uint8Array.of(0, 1, 0, 2, 0, 0);
  const plain = layIssues(part, [[card], [lab]], numbers);

  it('is read as it was written, zeros behind it too', ({ expect }) => {
    const padded = new Uint8Array(4_096);
    padded.set(plain);
    const read = readIssues(padded, part, 3);
    if (!read.ok) throw new Error(read.error);
    expect(read.value.groups).toEqual([[card], [lab]]);
    expect([0, 1, 2].map((row) => read.value.groupOf(row))).toEqual([0, 1, null]);
    expect(read.value.groups.map(([first = '']) => issueKind(first))).toEqual(['card', 'laboratory']);
  });

  it.for<[what: string, bytes: Uint8Array, of: typeof part, rows: number, error: RegExp]>([
    ['of another hour', plain, { ...part, hour: 1 }, 3, /another part/],
    ['of another day', plain, { ...part, day: 1 }, 3, /another part/],
    ['of another number', plain, { ...part, n: 0 }, 3, /another part/],
    ['of fewer rows', plain, part, 4, /end outside/],
    ['nothing', new Uint8Array(), part, 0, /end outside/],
    ['no JSON', layIssues(part, [], numbers).fill(0x20, 4, 8), part, 3, /no JSON/],
    ['of a group that is none', layIssues(part, [[card]], numbers), part, 3, /of no group/],
    ['of something else than ids', layIssues(part, [['lab-1']], new Uint8Array(GROUP_BYTES)), part, 1, /than ids/],
  ])('is refused: %s', ([, bytes, of, rows, error], { expect }) => {
    const read = readIssues(bytes, of, rows);
    expect(read.ok ? '' : read.error).toMatch(error);
  });
});
