/** @module StaffRoom in workerd: when sessions end, and that the audit log cannot be changed. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, it } from 'vitest';
import { appendAudit, AUDIT_PAGE, firstBrokenLink, searchAudit } from './audit-ops.ts';
import {
  forgetSessions,
  IDLE_SECONDS,
  LONGEST_SECONDS,
  openSession,
  revokeSessions,
  runningSessions,
} from './session-ops.ts';
import type { StaffRoom } from './staff-room.ts';

const rooms = (env as unknown as { STAFF_ROOM: DurableObjectNamespace<StaffRoom> }).STAFF_ROOM;
/** Runs on the storage of an object of its own. */
const inRoom = <R>(name: string, work: (sql: SqlStorage) => R): Promise<R> =>
  runInDurableObject(rooms.getByName(name), (_room, state) => work(state.storage.sql));

const T = 1_790_000_000;
const claim = (given: Partial<Parameters<typeof openSession>[1]> = {}) => ({
  idHash: null,
  subject: 'anna',
  authenticatedAt: T,
  newIdHash: 'one',
  ...given,
});

describe('a session', () => {
  it('ends when it was idle for 15 minutes, and one second earlier goes on', async ({ expect }) => {
    await inRoom('idle', (sql) => {
      expect(openSession(sql, claim(), T + 1)).toMatchObject({ kind: 'begun' });
      const idHash = 'one';
      expect(openSession(sql, claim({ idHash }), T + IDLE_SECONDS)).toMatchObject({ kind: 'open' });
      expect(openSession(sql, claim({ idHash }), T + 2 * IDLE_SECONDS)).toEqual({ kind: 'ended' });
      // Without the cookie neither: it takes an authentication that is younger than the end.
      expect(openSession(sql, claim({ newIdHash: 'two' }), T + 2 * IDLE_SECONDS)).toEqual({ kind: 'ended' });
      const fresh = claim({ newIdHash: 'two', authenticatedAt: T + 2 * IDLE_SECONDS + 1 });
      expect(openSession(sql, fresh, T + 2 * IDLE_SECONDS + 2)).toMatchObject({ kind: 'begun' });
    });
  });

  it('ends after twelve hours, however busy', async ({ expect }) => {
    await inRoom('busy', (sql) => {
      openSession(sql, claim(), T);
      const kinds: string[] = [];
      for (let t = T; t <= T + LONGEST_SECONDS; t += 600)
        kinds.push(openSession(sql, claim({ idHash: 'one' }), t).kind);
      expect(kinds.pop()).toBe('ended');
      expect(new Set(kinds)).toEqual(new Set(['open']));
    });
  });

  it('a card’s holder signs in again by coming back, once told', async ({ expect }) => {
    await inRoom('card', (sql) => {
      const card = { authenticatedAt: null };
      openSession(sql, claim(card), T);
      const late = T + IDLE_SECONDS;
      expect(openSession(sql, claim({ ...card, idHash: 'one', newIdHash: 'two' }), late)).toEqual({ kind: 'ended' });
      expect(openSession(sql, claim({ ...card, idHash: 'one', newIdHash: 'two' }), late).kind).toBe('begun');
    });
  });

  it('revoking ends a person’s sessions and nobody else’s; ended ones are forgotten a day later', async ({
    expect,
  }) => {
    await inRoom('revoke', (sql) => {
      openSession(sql, claim(), T);
      openSession(sql, claim({ newIdHash: 'two' }), T + 1);
      openSession(sql, claim({ newIdHash: 'three', subject: 'berta' }), T + 1);
      expect(revokeSessions(sql, 'anna', T + 2)).toBe(2);
      expect(runningSessions(sql, T + 3).map(({ subject }) => subject)).toEqual(['berta']);
      const rows = (): number => sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM session').one().n;
      forgetSessions(sql, T + 86_401);
      expect(rows()).toBe(3);
      forgetSessions(sql, T + 86_402);
      expect(rows()).toBe(1);
      forgetSessions(sql, T + 1 + IDLE_SECONDS + 86_400);
      expect(rows()).toBe(0);
    });
  });
});

describe('the audit log', () => {
  const write = (sql: SqlStorage, n: number): void => {
    for (let i = 0; i < n; i++) appendAudit(sql, { who: `w${i}`, what: 'test.act', detail: `number ${i}` }, T + i);
  };

  it('can be appended to, and neither changed nor shortened by any statement', async ({ expect }) => {
    await inRoom('log', (sql) => {
      write(sql, 3);
      expect(() => sql.exec("UPDATE audit SET who = 'other'")).toThrow(/append-only/);
      expect(() => sql.exec('DELETE FROM audit')).toThrow(/append-only/);
      expect(searchAudit(sql, { text: null, from: null, to: null, before: null })).toHaveLength(3);
    });
  });

  it.for<[name: string, tamper: string, first: number | null]>([
    ['untouched', 'SELECT 1', null],
    ['a changed entry', "UPDATE audit SET who = 'other' WHERE id = 2", 2],
    ['a missing entry', 'DELETE FROM audit WHERE id = 2', 3],
    ['a changed time', 'UPDATE audit SET at = at + 1 WHERE id = 3', 3],
  ])('finds %s by the chain, should somebody get round the triggers', async ([name, tamper, first], { expect }) => {
    await inRoom(`chain ${name}`, (sql) => {
      write(sql, 3);
      sql.exec('DROP TRIGGER audit_no_update; DROP TRIGGER audit_no_delete;');
      sql.exec(tamper);
      expect(firstBrokenLink(sql)).toBe(first);
    });
  });

  it('is searched by text, by time and page by page', async ({ expect }) => {
    await inRoom('search', (sql) => {
      write(sql, AUDIT_PAGE + 5);
      const all = { text: null, from: null, to: null, before: null };
      const page = searchAudit(sql, all);
      expect(page).toHaveLength(AUDIT_PAGE);
      const rest = searchAudit(sql, { ...all, before: page.at(-1)?.id ?? 0 });
      expect(rest.map(({ who }) => who)).toEqual(['w4', 'w3', 'w2', 'w1', 'w0']);
      expect(searchAudit(sql, { ...all, text: 'NUMBER 54' }).map(({ who }) => who)).toEqual(['w54']);
      expect(searchAudit(sql, { ...all, text: '%' })).toEqual([]);
      expect(searchAudit(sql, { ...all, from: T + 1, to: T + 3 }).map(({ who }) => who)).toEqual(['w2', 'w1']);
    });
  });
});
