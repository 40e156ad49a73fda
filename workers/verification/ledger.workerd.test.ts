/** @module TANs from issue to use, over the real ledger. */
import { listDurableObjectIds, reset, runInDurableObject } from 'cloudflare:test';
import { env } from 'cloudflare:workers';
import { afterEach, describe, it } from 'vitest';
import { authenticateTan, composeTan, lastDayOfTan } from '../../domain/tan.ts';
import { deathOf, reserveRequest as request } from '../../test/support/reserve-request.ts';
import { parseVerificationConfig, type VerificationEnv } from './bindings.ts';
import { Ledger } from './ledger.ts';

const ENV = env as unknown as VerificationEnv;
const CONFIG = parseVerificationConfig(ENV);
const ledger = new Ledger(ENV, CONFIG);
const DIGEST = 'd'.repeat(64);

const inLedger = <T>(read: (sql: SqlStorage) => T): Promise<T> =>
  runInDurableObject(ENV.TAN_LEDGER.getByName('ledger'), (_object, state) => read(state.storage.sql));

/** Every row of every object, as text. */
async function everythingStored(): Promise<string[]> {
  const ids = await listDurableObjectIds(ENV.TAN_LEDGER);
  return Promise.all(
    ids.map((id) =>
      runInDurableObject(ENV.TAN_LEDGER.get(id), (_object, state) =>
        JSON.stringify(state.storage.sql.exec('SELECT * FROM held_tan').toArray()),
      ),
    ),
  );
}

afterEach(() => reset());

describe('issued TANs', () => {
  it('are distinct, authenticate themselves, and are all recorded', async ({ expect }) => {
    const tans = await ledger.issue(200, null);
    expect(new Set(tans).size).toBe(200);
    expect(tans.every((tan) => authenticateTan(tan, CONFIG.tanMacKeys.current, Date.now() / 1000) === tan)).toBe(true);
    const rows = (await everythingStored()).flatMap((text) => JSON.parse(text) as unknown[]);
    expect(rows).toHaveLength(200);
  });

  it('are stored as keyed hashes alone: no TAN and no part of one is in any object', async ({ expect }) => {
    const tans = await ledger.issue(50, 'cards-3');
    for (const tan of tans.slice(0, 10)) await ledger.reserve(tan, request(DIGEST));
    const stored = (await everythingStored()).join();
    expect(stored).toContain('cards-3');
    for (const part of tans.flatMap((tan) => [tan, tan.replaceAll('-', ''), tan.slice(24)])) {
      expect(stored).not.toContain(part);
    }
  });

  it("never give a digest to be stored as it came: two Workers' secrets are needed to find it again", async ({
    expect,
  }) => {
    const [one = '', two = ''] = await ledger.issue(2, null);
    await ledger.reserve(one, request(DIGEST));
    await ledger.reserve(two, request(DIGEST));
    const kept = await inLedger((sql) =>
      sql.exec<{ digest: string }>(`SELECT hex(substr(reservation, 1, 32)) AS digest FROM held_tan`).toArray(),
    );
    expect(kept).toHaveLength(2);
    expect(kept[0]?.digest).not.toBe(kept[1]?.digest);
    for (const { digest } of kept) expect(digest.toLowerCase()).not.toBe(DIGEST);
  });

  it.for<[name: string, change: object]>([
    ['a digest that is no hash', { digest: 'x' }],
    ['a commitment of another length', { idCommitment: 'ab' }],
    ['a payload commitment that is a number', { payloadCommitment: 7 }],
    ['an id that is no UUID', { reservationId: 'r'.repeat(1000) }],
  ])('are not reserved with %s', async ([, change], { expect }) => {
    const [tan = ''] = await ledger.issue(1, null);
    await expect(ledger.reserve(tan, { ...request(), ...change })).rejects.toThrow(/three hashes and a UUID/);
  });

  it('live a reservation through to its commit', async ({ expect }) => {
    const [tan = ''] = await ledger.issue(1, 'cards-3');
    const reply = await ledger.reserve(tan, request(DIGEST));
    if (reply.kind !== 'reserved') throw new Error(`expected reserved, got ${reply.kind}`);
    expect(reply.issueId).toBe('cards-3');
    await ledger.release(tan, reply.reservationId, deathOf(ENV.PERMIT_KEY, reply.reservationId));
    const again = await ledger.reserve(tan, request('e'.repeat(64)));
    if (again.kind !== 'reserved') throw new Error(`expected reserved, got ${again.kind}`);
    await ledger.commit(tan, again.reservationId);
    expect(await ledger.reserve(tan, request('e'.repeat(64)))).toEqual({ kind: 'committed', reservationId: null });
    expect(await ledger.reserve(tan, request(DIGEST))).toEqual({ kind: 'committed', reservationId: null });
  });

  it('an authentic TAN that nobody issued is unknown, and asking stores nothing', async ({ expect }) => {
    const tan = composeTan(new Uint8Array(10), lastDayOfTan(Date.now() / 1000), CONFIG.tanMacKeys.current);
    expect(await ledger.reserve(tan, request(DIGEST))).toEqual({ kind: 'unknown' });
    await ledger.commit(tan, 'u');
    await ledger.release(tan, 'u', 'r');
    expect((await everythingStored()).every((rows) => rows === '[]')).toBe(true);
  });

  it.for([0, -1, 1.5, 1001, Number.NaN])('a count of %s is refused', async (count, { expect }) => {
    await expect(ledger.issue(count, null)).rejects.toThrow(/count: an integer 1\.\.1000 is expected/);
  });

  it('are forgotten two hours after their expiry', async ({ expect }) => {
    const short = new Ledger(ENV, { ...CONFIG, tanLifetimeSeconds: -7_201 - 3_600 });
    await short.issue(40, null);
    const [kept = ''] = await ledger.issue(1, null);
    expect(await ledger.forgetExpired()).toBe(40);
    expect(await ledger.forgetExpired()).toBe(0);
    expect((await ledger.reserve(kept, request(DIGEST))).kind).toBe('reserved');
  });
});
