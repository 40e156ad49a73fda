/** @module Issue ids: their form, and that the form tells the kind. */
import { it } from 'vitest';
import { ISSUE_KINDS, isIssueId, issueKind, newIssueId } from './issue.ts';

it('an id is a letter of its kind and 128 bits, and tells nothing else', ({ expect }) => {
  const random = (n: number) => new Uint8Array(n).fill(0xa5);
  const ids = ISSUE_KINDS.map((kind) => newIssueId(kind, random));
  expect(ids).toEqual(['c', 'l', 'h', 's', 'r', 'a'].map((letter) => letter + 'a5'.repeat(16)));
  expect(ids.map((id) => issueKind(id))).toEqual(ISSUE_KINDS);
});

it.for([['x' + 'a5'.repeat(16)], ['c' + 'a5'.repeat(15)], ['c' + 'A5'.repeat(16)], [''], [null], [7], [['c']]])(
  '%j is none',
  ([text], { expect }) => {
    expect(isIssueId(text)).toBe(false);
    expect(issueKind(String(text))).toBeNull();
  },
);
