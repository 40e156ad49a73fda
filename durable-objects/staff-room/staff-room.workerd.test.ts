/** @module StaffRoom in workerd: when sessions end, and that the audit log cannot be changed. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, it } from 'vitest';
import { toHex, utf8 } from '../../protocol/primitives/bytes.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import {
  appendAudit,
  AUDIT_PAGE,
  AUDIT_SEARCHED,
  AUDIT_SLICE,
  auditChain,
  searchAudit,
  verifyNextSlice,
} from './audit-ops.ts';
import { SCHEMA } from './schema.ts';
import {
  admitCommand,
  COMMANDS_PER_MINUTE,
  countAction,
  endSession,
  forgetSessions,
  IDLE_SECONDS,
  LONGEST_SECONDS,
  openSession,
  revokeSessions,
  runningSessions,
  signInByCard,
} from './session-ops.ts';
import type { StaffRoom } from './staff-room.ts';

const rooms = (env as unknown as { STAFF_ROOM: DurableObjectNamespace<StaffRoom> }).STAFF_ROOM;
/** Runs on the storage of an object of its own. */
const inRoom = <R>(name: string, work: (sql: SqlStorage) => R): Promise<R> =>
  runInDurableObject(rooms.getByName(name), (_room, state) => work(state.storage.sql));

/** Changes an entry and hashes it and all that follow anew, as whoever had the storage would. */
function rewriteFrom(sql: SqlStorage, id: number): void {
  const rows = sql
    .exec<{ id: number; at: number; who: string; what: string; detail: string }>('SELECT * FROM audit')
    .toArray();
  let chain = '';
  for (const row of rows) {
    const who = row.id === id ? 'other' : row.who;
    chain = toHex(sha256(utf8(JSON.stringify([chain, row.at, who, row.what, row.detail]))));
    sql.exec('UPDATE audit SET who = ?, chain = ? WHERE id = ?', who, chain, row.id);
  }
}

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

  it('of a card ends without the cookie too: its holder says that they are back, and only then begins another', async ({
    expect,
  }) => {
    await inRoom('card', (sql) => {
      const card = { authenticatedAt: null };
      openSession(sql, claim(card), T);
      const late = T + IDLE_SECONDS;
      for (const idHash of ['one', null, 'another']) {
        expect(openSession(sql, claim({ ...card, idHash, newIdHash: 'two' }), late)).toEqual({ kind: 'ended' });
      }
      expect(signInByCard(sql, 'anna', late)).toBe(true);
      expect(openSession(sql, claim({ ...card, newIdHash: 'two' }), late).kind).toBe('begun');
      // Ended in the very second of the sign-in: the sign-in is ended with it.
      endSession(sql, 'two', late);
      expect(openSession(sql, claim({ ...card, newIdHash: 'three' }), late)).toEqual({ kind: 'ended' });
    });
  });

  it('revoking ends a person’s sessions, those they could begin, and nobody else’s; a month later it is forgotten', async ({
    expect,
  }) => {
    await inRoom('revoke', (sql) => {
      openSession(sql, claim(), T);
      openSession(sql, claim({ newIdHash: 'two' }), T + 1);
      openSession(sql, claim({ newIdHash: 'three', subject: 'berta' }), T + 1);
      expect(revokeSessions(sql, 'anna', T + 2)).toBe(2);
      expect(runningSessions(sql, T + 3).map(({ subject }) => subject)).toEqual(['berta']);
      expect(openSession(sql, claim({ newIdHash: 'four' }), T + 3)).toEqual({ kind: 'ended' });
      // Somebody without a session has an end too.
      expect(revokeSessions(sql, 'carla', T + 2)).toBe(0);
      expect(openSession(sql, claim({ subject: 'carla', newIdHash: 'five' }), T + 3)).toEqual({ kind: 'ended' });
      const people = (): number => sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM person').one().n;
      const sessions = (): number => sql.exec<{ n: number }>('SELECT COUNT(*) AS n FROM session').one().n;
      forgetSessions(sql, T + 1 + IDLE_SECONDS);
      expect([people(), sessions()]).toEqual([3, 0]);
      expect(openSession(sql, claim({ subject: 'berta' }), T + 1 + IDLE_SECONDS)).toEqual({ kind: 'ended' });
      forgetSessions(sql, T + 32 * 86_400);
      expect(people()).toBe(0);
    });
  });

  it('is said to be new once: with the first request that brings its cookie back', async ({ expect }) => {
    await inRoom('first', (sql) => {
      openSession(sql, claim(), T);
      const reply = () => openSession(sql, claim({ idHash: 'one' }), T);
      expect([reply(), reply()]).toMatchObject([{ first: true }, { first: false }]);
    });
  });

  it('is begun thirty times a minute at most, whatever becomes of the cookies', async ({ expect }) => {
    await inRoom('pace', (sql) => {
      const begin = (n: number, at: number) => openSession(sql, claim({ newIdHash: `n${n}` }), at).kind;
      expect(Array.from({ length: 32 }, (_, n) => begin(n, T)).slice(-3)).toEqual(['begun', 'many', 'many']);
      expect(countAction(sql, 'anna', T)).toBe(false);
      expect(countAction(sql, 'berta', T)).toBe(true);
      expect(begin(40, T + 60)).toBe('begun');
    });
  });
});

describe('a command', () => {
  it('needs no session, and is refused after an end until the next sign-in', async ({ expect }) => {
    await inRoom('command', (sql) => {
      const anna = { subject: 'anna', authenticatedAt: T };
      expect(admitCommand(sql, anna, T)).toBe('admitted');
      openSession(sql, claim(), T);
      expect(admitCommand(sql, anna, T + IDLE_SECONDS)).toBe('ended');
      expect(admitCommand(sql, { ...anna, authenticatedAt: T + IDLE_SECONDS + 1 }, T + IDLE_SECONDS + 1)).toBe(
        'admitted',
      );
      revokeSessions(sql, 'script', T);
      expect(admitCommand(sql, { subject: 'script', authenticatedAt: null }, T + 1)).toBe('ended');
    });
  });

  it('has a pace of its own, by person', async ({ expect }) => {
    await inRoom('command pace', (sql) => {
      const give = (subject: string) => admitCommand(sql, { subject, authenticatedAt: T }, T);
      const given = Array.from({ length: COMMANDS_PER_MINUTE + 1 }, () => give('anna'));
      expect([given.at(-2), given.at(-1), give('berta')]).toEqual(['admitted', 'many', 'admitted']);
      expect(countAction(sql, 'anna', T)).toBe(true);
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
      expect(searchAudit(sql, { text: null, from: null, to: null, before: null }).entries).toHaveLength(3);
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
      expect(auditChain(sql).broken).toBe(first);
      while (verifyNextSlice(sql, T));
      expect(auditChain(sql)).toEqual({ broken: first, wholeAt: T });
    });
  });

  it('is verified from checkpoints: what came since at once, all of it in slices, once a day', async ({ expect }) => {
    await inRoom('checkpoints', (sql) => {
      write(sql, 2 * AUDIT_SLICE + 10);
      expect(auditChain(sql)).toEqual({ broken: null, wholeAt: null });
      const slices = (now: number): number => {
        let n = 0;
        while (verifyNextSlice(sql, now)) n++;
        return n;
      };
      expect([slices(T), slices(T + 86_399)]).toEqual([3, 0]);
      expect(auditChain(sql)).toEqual({ broken: null, wholeAt: T });
      // An old entry and everything after it, hashed anew: the checkpoint tells.
      sql.exec('DROP TRIGGER audit_no_update');
      rewriteFrom(sql, 3);
      expect(auditChain(sql).broken).toBe(2 * AUDIT_SLICE + 1);
      expect(slices(T + 86_400)).toBe(0);
      expect(auditChain(sql).broken).toBe(AUDIT_SLICE);
    });
  });

  it('that was cut off at its end is found by the checkpoint that is left', async ({ expect }) => {
    await inRoom('cut', (sql) => {
      write(sql, AUDIT_SLICE + 5);
      sql.exec('DROP TRIGGER audit_no_delete');
      sql.exec('DELETE FROM audit WHERE id >= ?', AUDIT_SLICE);
      expect(auditChain(sql).broken).toBe(AUDIT_SLICE);
      while (verifyNextSlice(sql, T));
      expect(auditChain(sql)).toEqual({ broken: AUDIT_SLICE, wholeAt: T });
      expect(() => sql.exec('DELETE FROM audit_checkpoint')).toThrow(/append-only/);
    });
  });

  it('a search looks at so many entries and says where to go on', async ({ expect }) => {
    await inRoom('bounded search', (sql) => {
      // Straight into the table: the chain is not what is asked about here.
      sql.exec(
        `WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < ?)
         INSERT INTO audit (at, who, what, detail, chain) SELECT i, IIF(i = 10, 'needle', 'w'), 'x', '', '' FROM n`,
        AUDIT_SEARCHED + 10,
      );
      const all = { text: null, from: null, to: null, before: null };
      const first = searchAudit(sql, { ...all, text: 'needle' });
      expect(first).toEqual({ entries: [], before: 11 });
      expect(searchAudit(sql, { ...all, text: 'needle', before: 11 })).toMatchObject({
        entries: [{ id: 10 }],
        before: null,
      });
    });
  });

  it('is searched by text, by time and page by page', async ({ expect }) => {
    await inRoom('search', (sql) => {
      write(sql, AUDIT_PAGE + 5);
      const all = { text: null, from: null, to: null, before: null };
      const page = searchAudit(sql, all).entries;
      expect(page).toHaveLength(AUDIT_PAGE);
      const rest = searchAudit(sql, { ...all, before: page.at(-1)?.id ?? 0 }).entries;
      expect(rest.map(({ who }) => who)).toEqual(['w4', 'w3', 'w2', 'w1', 'w0']);
      expect(searchAudit(sql, { ...all, text: 'NUMBER 54' }).entries.map(({ who }) => who)).toEqual(['w54']);
      expect(searchAudit(sql, { ...all, text: '%' }).entries).toEqual([]);
      expect(searchAudit(sql, { ...all, from: T + 1, to: T + 3 }).entries.map(({ who }) => who)).toEqual(['w2', 'w1']);
    });
  });
});

describe('the schema', () => {
  it('keeps ends, languages and blocks of its first version', async ({ expect }) => {
    await inRoom('migration', (sql) => {
      for (const { name } of sql
        .exec<{ name: string }>(
          "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite%' AND name NOT LIKE '\\_%' ESCAPE '\\'",
        )
        .toArray())
        sql.exec(`DROP TABLE ${name}`);
      sql.exec(SCHEMA[0] ?? '');
      const row = (id: string, subject: string, ended: number | null) =>
        sql.exec("INSERT INTO session VALUES (?, ?, ?, ?, ?, 'nl', 0, 0)", id, subject, T, T + 5, ended);
      row('one', 'anna', T + 9);
      row('two', 'berta', null);
      sql.exec('INSERT INTO revoked_certificate VALUES (?, ?)', 'ab'.repeat(32), T);
      appendAudit1(sql);
      sql.exec(SCHEMA[1] ?? '');
      expect(openSession(sql, claim({ idHash: 'one' }), T + 10)).toEqual({ kind: 'ended' });
      const again = openSession(sql, claim({ authenticatedAt: T + 10, newIdHash: 'three' }), T + 11);
      expect(again).toEqual({ kind: 'begun', language: 'nl' });
      expect(sql.exec('SELECT mark FROM blocked_certificate').one()).toEqual({
        mark: `fingerprint:${'ab'.repeat(32)}`,
      });
      expect(auditChain(sql)).toEqual({ broken: null, wholeAt: null });
    });
  });

  it('keeps of a confirmed rollback no exact count that an earlier version had of its dry run', async ({ expect }) => {
    await inRoom('coarse', (sql) => {
      const plan = JSON.stringify({ days: [{ day: 1, region: 'DE', published: 14 }], others: [{ source: 'lab-2' }] });
      const insert = 'INSERT INTO rollback VALUES (?, ?, ?, ?, ?, ?, ?, NULL)';
      sql.exec(insert, 'one', '{}', plan, 'anna', T, 'berta', T);
      sql.exec(insert, 'two', '{}', plan, 'anna', T, null, null);
      sql.exec(SCHEMA.find((migration) => migration.includes('json_set(plan')) ?? '');
      expect(sql.exec('SELECT id, plan FROM rollback').toArray()).toEqual([
        { id: 'one', plan: JSON.stringify({ days: [], others: [{ source: 'lab-2' }] }) },
      ]);
    });
  });
});

/** An entry as the first version wrote it. */
function appendAudit1(sql: SqlStorage): void {
  const chain = toHex(sha256(utf8(JSON.stringify(['', T, 'a', 'b', 'c']))));
  sql.exec('INSERT INTO audit (at, who, what, detail, chain) VALUES (?, ?, ?, ?, ?)', T, 'a', 'b', 'c', chain);
}
