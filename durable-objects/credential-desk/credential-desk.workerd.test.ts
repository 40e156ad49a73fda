/** @module Places of our status list and others' lists, in real storage. */
import { reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { beforeEach, describe, it } from 'vitest';
import { statusBits } from '../../protocol/credential/status-list.ts';
import type { CredentialDesk } from './credential-desk.ts';
import { peerList, revokedPlaces, takePlace } from './status-ops.ts';

const NAMESPACE = (env as unknown as { readonly CREDENTIAL_DESK: DurableObjectNamespace<CredentialDesk> })
  .CREDENTIAL_DESK;
const NOW = Math.floor(Date.now() / 1000);
const LATER = NOW + 8 * 86_400;
const desk = () => NAMESPACE.getByName('desk');
const within = <T>(work: (sql: SqlStorage) => T): Promise<T> =>
  runInDurableObject(desk() as unknown as DurableObjectStub, (_object, { storage }) => work(storage.sql));

beforeEach(() => reset());

describe('a place', () => {
  it('is nobody else’s, whatever is drawn, and none is given beyond half of them', async ({ expect }) => {
    await desk().take({ issueId: null, expiresAt: LATER });
    await within((sql) => {
      const drawn = [5, 5, 5, 131_072 + 5, 9];
      const next = (): number => drawn.shift() ?? 0;
      const wanted = { issueId: null, expiresAt: LATER };
      sql.exec('DELETE FROM credential_status');
      expect([takePlace(sql, wanted, next), takePlace(sql, wanted, next)]).toEqual([5, 9]);
      expect(takePlace(sql, wanted, () => 5)).toBeNull();
      // With the two there are, one less than half of all.
      sql.exec(`WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 65532)
        INSERT INTO credential_status SELECT 2 * i, NULL, ${LATER}, 0 FROM n`);
      expect(takePlace(sql, wanted, () => 131_071)).toBe(131_071);
      expect(takePlace(sql, wanted, () => 131_069)).toBeNull();
    });
  });

  it('is taken back by itself, or with all that one source vouched for', async ({ expect }) => {
    const issueId = `l${'a'.repeat(32)}`;
    const own = await desk().take({ issueId, expiresAt: LATER });
    const other = await desk().take({ issueId: `l${'b'.repeat(32)}`, expiresAt: LATER });
    const third = await desk().take({ issueId: null, expiresAt: LATER });
    expect(await desk().revoked()).toEqual([]);
    await desk().revokeIssues([issueId]);
    await desk().revoke([third ?? -1]);
    expect(new Set(await desk().revoked())).toEqual(new Set([own, third]));
    expect(other).not.toBeNull();
  });

  it('is free again when its credential has ended, and not before', async ({ expect }) => {
    await desk().take({ issueId: null, expiresAt: NOW - 60 });
    await desk().take({ issueId: null, expiresAt: LATER });
    await desk().clockStatus('desk', NOW);
    await runDurableObjectAlarm(desk());
    expect(await within((sql) => sql.exec('SELECT expires_at FROM credential_status').toArray())).toEqual([
      { expires_at: LATER },
    ]);
  });
});

describe('another region’s list', () => {
  const listOf = (issuedAt: number, issuer = 'https://nl.example') => ({
    issuer,
    bits: statusBits([3]),
    issuedAt,
    expiresAt: issuedAt + 86_400,
    askedHour: 1,
  });

  it('is replaced by a newer one, never by an older one of the same issuer', async ({ expect }) => {
    expect(await desk().keepPeerList('NL', listOf(NOW))).toBe(true);
    expect(await desk().keepPeerList('NL', listOf(NOW - 3_600))).toBe(false);
    expect(await within((sql) => peerList(sql, 'NL')?.issuedAt)).toBe(NOW);
    expect(await desk().keepPeerList('NL', listOf(NOW - 3_600, 'https://other.example'))).toBe(true);
    expect((await desk().peerList('NL'))?.bits).toEqual(statusBits([3]));
    expect(await desk().peerList('IT')).toBeNull();
  });

  it('goes when it holds no more', async ({ expect }) => {
    await desk().keepPeerList('NL', listOf(NOW - 90_000));
    await desk().clockStatus('desk', NOW);
    await runDurableObjectAlarm(desk());
    expect(await desk().peerList('NL')).toBeNull();
  });
});

it('after the end gives no place, and goes on saying what was taken back', async ({ expect }) => {
  const place = await desk().take({ issueId: null, expiresAt: LATER });
  await desk().stopForGood(1);
  expect(await desk().take({ issueId: null, expiresAt: LATER })).toBeNull();
  await desk().revoke([place ?? -1]);
  expect(await within(revokedPlaces)).toEqual([place]);
  await desk().purgeForGood(2);
  expect(await desk().revoked()).toEqual([]);
});
