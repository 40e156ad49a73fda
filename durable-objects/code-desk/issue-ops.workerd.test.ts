/** @module The books of issue ids, in workerd: how long they are kept, and for whom an end holds. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { it } from 'vitest';
import type { CodeDesk } from './code-desk.ts';
import { endIssues, forgetIssues, issueOf, issuesOf, isIssueOver, sourcesOf } from './issue-ops.ts';

const desks = (env as unknown as { CODE_DESK: DurableObjectNamespace<CodeDesk> }).CODE_DESK;
const atDesk = <R>(name: string, work: (sql: SqlStorage) => R): Promise<R> =>
  runInDurableObject(desks.getByName(name), (_desk, state) => work(state.storage.sql));
const random = (n: number) => crypto.getRandomValues(new Uint8Array(n));
const DAY = 20_800;
const lab = (day: number, source = 'lab-1') => ({ kind: 'laboratory', source, day }) as const;

it('an id stays 31 days after it was last given out: 14 of a TAN, 14 of keys, 3 to spare', async ({ expect }) => {
  await atDesk('kept', (sql) => {
    const id = issueOf(sql, lab(DAY), DAY, random) ?? '';
    expect(issueOf(sql, lab(DAY), DAY + 5, random)).toBe(id);
    expect(forgetIssues(sql, DAY + 36)).toBe(false);
    expect(isIssueOver(sql, id)).toBe(false);
    expect(forgetIssues(sql, DAY + 37)).toBe(true);
    expect([isIssueOver(sql, id), sourcesOf(sql, [id])]).toEqual([true, []]);
    // Whoever comes that late has another id, which leads nowhere back.
    expect(issueOf(sql, lab(DAY), DAY + 37, random)).not.toBe(id);
  });
});

it('an end holds for its sources and days, also for ids that are yet to be drawn', async ({ expect }) => {
  await atDesk('ended', (sql) => {
    const before = issueOf(sql, lab(DAY - 1), DAY, random) ?? '';
    const within = issueOf(sql, lab(DAY), DAY, random) ?? '';
    const other = issueOf(sql, lab(DAY, 'lab-2'), DAY, random) ?? '';
    const selection = { kind: 'laboratory', sources: ['lab-1', 'lab-3'], fromDay: DAY, toDay: DAY + 1 } as const;
    endIssues(sql, selection);
    endIssues(sql, selection);
    expect([before, within, other].map((id) => isIssueOver(sql, id))).toEqual([false, true, false]);
    expect(issuesOf(sql, selection).map(({ issueId }) => issueId)).toEqual([within]);
    expect([0, 1, 2].map((n) => issueOf(sql, lab(DAY + n), DAY + n, random) === null)).toEqual([true, true, false]);
    expect(issueOf(sql, lab(DAY, 'lab-3'), DAY, random)).toBeNull();
    // As long as a session of such a test can live.
    forgetIssues(sql, DAY + 1 + 150);
    expect(issueOf(sql, lab(DAY), DAY + 151, random)).toBeNull();
    forgetIssues(sql, DAY + 2 + 150);
    expect(issueOf(sql, lab(DAY), DAY + 152, random)).not.toBeNull();
  });
});
