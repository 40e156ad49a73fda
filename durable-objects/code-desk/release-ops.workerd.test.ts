/** @module Codes beyond a quota, in workerd: until when a request waits, and until when what is released holds. */
import { runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { describe, it } from 'vitest';
import type { CodeDesk } from './code-desk.ts';
import { bookTeleTan, forgetOldEntries, markRevoked, quotaOf, teleTansOf } from './desk-ops.ts';
import { askedBy, askForCodes, releaseCodes, releasedTo, waiting } from './release-ops.ts';

const desks = (env as unknown as { CODE_DESK: DurableObjectNamespace<CodeDesk> }).CODE_DESK;
const atDesk = <R>(name: string, work: (sql: SqlStorage) => R): Promise<R> =>
  runInDurableObject(desks.getByName(name), (_desk, state) => work(state.storage.sql));
const T = 1_790_000_000;
const HOUR = 3600;
const personOf = (issuer: string): string => `${issuer}@example.org`;
const request = (id: string, issuer: string, codes = 5, askedAt = T) => ({
  id,
  issuer,
  person: personOf(issuer),
  codes,
  askedAt,
});

describe('codes beyond a quota', () => {
  it('lapse unless somebody else releases them within an hour', async ({ expect }) => {
    await atDesk('lapse', (sql) => {
      askForCodes(sql, request('a', 'anna'));
      askForCodes(sql, request('b', 'anna', 7, T + 1));
      askForCodes(sql, request('c', 'ben'));
      expect(waiting(sql, T + 2)).toEqual([request('c', 'ben'), request('b', 'anna', 7, T + 1)]);
      expect([askedBy(sql, 'anna', T + HOUR), askedBy(sql, 'anna', T + 1 + HOUR)]).toEqual([7, 0]);
      expect(releaseCodes(sql, 'b', personOf('anna'), T + 2)).toEqual({ kind: 'own' });
      expect(releaseCodes(sql, 'b', 'berta', T + 1 + HOUR)).toEqual({ kind: 'gone' });
      expect(releaseCodes(sql, 'c', 'berta', T + HOUR)).toEqual({ kind: 'gone' });
    });
  });

  it('hold for an hour from their release, beside the quota', async ({ expect }) => {
    await atDesk('hold', (sql) => {
      sql.exec("INSERT INTO quota VALUES ('anna', 2)");
      askForCodes(sql, request('a', 'anna'));
      releaseCodes(sql, 'a', 'berta', T + 100);
      expect(quotaOf(sql, 'anna', T + 100).limit).toBe(7);
      expect(quotaOf(sql, 'anna', T + 99 + HOUR).limit).toBe(7);
      expect(quotaOf(sql, 'anna', T + 100 + HOUR).limit).toBe(2);
      // Whoever is stopped meanwhile stays stopped.
      sql.exec("UPDATE quota SET teletans_per_hour = 0 WHERE issuer = 'anna'");
      expect(quotaOf(sql, 'anna', T + 101)).toEqual({ used: 0, limit: 0 });
    });
  });

  it('are forgotten two hours later', async ({ expect }) => {
    await atDesk('forget', (sql) => {
      askForCodes(sql, request('a', 'anna'));
      releaseCodes(sql, 'a', 'berta', T + 100);
      forgetOldEntries(sql, T + 99 + 2 * HOUR);
      expect(sql.exec('SELECT id FROM quota_request').toArray()).toHaveLength(1);
      forgetOldEntries(sql, T + 100 + 2 * HOUR);
      expect(sql.exec('SELECT id FROM quota_request').toArray()).toEqual([]);
      expect(releasedTo(sql, 'anna', T + 101)).toBe(0);
    });
  });
});

it('a revoked teleTAN stays revoked since the first time, and is forgotten with its row', async ({ expect }) => {
  await atDesk('revoked', (sql) => {
    const order = { issuer: 'anna', orderId: 'o', session: 's', hint: 'ABC', issuedAt: T, expiresAt: T + HOUR };
    bookTeleTan(sql, order);
    expect(markRevoked(sql, 'o', 'ben', T + 1)).toBeNull();
    expect(markRevoked(sql, 'o', 'anna', T + 2)).toBe('s');
    expect(markRevoked(sql, 'o', 'anna', T + 9)).toBe('s');
    // The same order finds its entry, revoked as it is.
    expect(bookTeleTan(sql, { ...order, issuedAt: T + 10 })).toMatchObject({ issuedAt: T, revokedAt: T + 2 });
    expect(teleTansOf(sql, 'anna', T)).toHaveLength(1);
    forgetOldEntries(sql, T + 86_400);
    expect(teleTansOf(sql, 'anna', T)).toEqual([]);
  });
});
