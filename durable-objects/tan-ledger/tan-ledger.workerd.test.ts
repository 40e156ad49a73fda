import { env } from 'cloudflare:workers';
import { evictDurableObject, reset, runDurableObjectAlarm, runInDurableObject } from 'cloudflare:test';
import { afterEach, describe, it } from 'vitest';
import { signPermit } from '../../domain/intake-permit.ts';
import { MAX_TAN_LIFETIME_SECONDS } from '../../domain/tan.ts';
import { fromBase64, toBase64, toHex } from '../../protocol/primitives/bytes.ts';
import { deathOf, reserveRequest } from '../../test/support/reserve-request.ts';
import { TanLedger } from './tan-ledger-do.ts';

const { TAN_LEDGER, PERMIT_KEY } = env as unknown as {
  TAN_LEDGER: DurableObjectNamespace<TanLedger>;
  PERMIT_KEY: string;
};
const HASH = 'a'.repeat(64);
const DIGEST = '1'.repeat(64);
const OTHER = '2'.repeat(64);
const LEASE = 60;
const LIFETIME = 86_400;
const GRACE = 7_200;
/** 2020-07-01T12:00:00Z: far from real time, so that a mistake between the two clocks shows. */
const START = 1_593_604_800;

const ledger = () => TAN_LEDGER.getByName('ta');
const setClock = (now: number) =>
  runInDurableObject(ledger(), (object) => {
    (object as unknown as { clock: () => number }).clock = () => now;
  });
const storedRows = () =>
  runInDurableObject(ledger(), (_object, state) => state.storage.sql.exec('SELECT * FROM held_tan').toArray());
const alarmIn = () =>
  runInDurableObject(ledger(), async (_object, state) => ((await state.storage.getAlarm()) ?? 0) - Date.now());

async function issued(now = START): Promise<DurableObjectStub<TanLedger>> {
  await setClock(now);
  await ledger().issue({ hashes: [HASH], issueId: 'cards-1', lifetimeSeconds: LIFETIME });
  return ledger();
}
async function reservedId(stub: DurableObjectStub<TanLedger>, digest = DIGEST): Promise<string> {
  const reply = await stub.reserve(HASH, reserveRequest(digest), LEASE);
  if (reply.kind !== 'reserved') throw new Error(`expected reserved, got ${reply.kind}`);
  return reply.reservationId;
}

afterEach(() => reset());

describe('a reservation', () => {
  it('gives one digest one upload id, across a restart of the object', async ({ expect }) => {
    const first = await reservedId(await issued());
    await evictDurableObject(ledger());
    await setClock(START + 10 * LEASE);
    expect(await reservedId(ledger())).toBe(first);
    expect(first).toMatch(/^[0-9a-f-]{36}$/);
  });

  it('names its code batch', async ({ expect }) => {
    const stub = await issued();
    expect(await stub.reserve(HASH, reserveRequest(DIGEST), LEASE)).toMatchObject({
      kind: 'reserved',
      issueId: 'cards-1',
    });
  });

  it('holds another digest off while its lease runs, then names the old upload', async ({ expect }) => {
    const reservationId = await reservedId(await issued());
    expect(await ledger().reserve(HASH, reserveRequest(OTHER), LEASE)).toEqual({ kind: 'busy' });
    await setClock(START + LEASE);
    expect(await ledger().reserve(HASH, reserveRequest(OTHER), LEASE)).toMatchObject({ kind: 'held', reservationId });
  });

  it('released, is open to another digest under a new id', async ({ expect }) => {
    const reservationId = await reservedId(await issued());
    await ledger().release(HASH, reservationId, deathOf(PERMIT_KEY, reservationId));
    expect(await reservedId(ledger(), OTHER)).not.toBe(reservationId);
    await ledger().commit(HASH, reservationId);
    expect(await ledger().reserve(HASH, reserveRequest(OTHER), LEASE)).toMatchObject({ kind: 'reserved' });
  });

  it("is not released without origin's word that its own upload is dead", async ({ expect }) => {
    const reservationId = await reservedId(await issued());
    const other = reserveRequest().reservationId;
    const otherKey = `${'A'.repeat(43)}=`;
    for (const receipt of ['', '0'.repeat(64), deathOf(PERMIT_KEY, other), deathOf(otherKey, reservationId)]) {
      await ledger().release(HASH, reservationId, receipt);
    }
    expect(await ledger().reserve(HASH, reserveRequest(OTHER), LEASE)).toEqual({ kind: 'busy' });
  });

  it('gets a permit for what is uploaded now, bound to the hour, the reservation and the batch', async ({ expect }) => {
    const stub = await issued();
    const asked = reserveRequest(DIGEST);
    const reply = await stub.reserve(HASH, asked, LEASE);
    const again = { ...reserveRequest(DIGEST), payloadCommitment: 'ef'.repeat(32) };
    const second = await stub.reserve(HASH, again, LEASE);
    const permit = (payloadCommitment: string) => {
      const hour = START / 3600;
      const facts = { hour, idCommitment: asked.idCommitment, payloadCommitment, issueId: 'cards-1' };
      return { hour, mac: signPermit(fromBase64(PERMIT_KEY), facts) };
    };
    expect(reply).toMatchObject({ kind: 'reserved', permit: permit(asked.payloadCommitment) });
    expect(second).toMatchObject({ reservationId: asked.reservationId, permit: permit(again.payloadCommitment) });
  });

  it('committed, knows no digest any longer; a release comes too late', async ({ expect }) => {
    const reservationId = await reservedId(await issued());
    await ledger().commit(HASH, reservationId);
    await ledger().release(HASH, reservationId, deathOf(PERMIT_KEY, reservationId));
    expect(await ledger().reserve(HASH, reserveRequest(DIGEST), LEASE)).toEqual({
      kind: 'committed',
      reservationId: null,
    });
    expect(await ledger().reserve(HASH, reserveRequest(OTHER), LEASE)).toEqual({
      kind: 'committed',
      reservationId: null,
    });
  });

  it('asked for by many digests at once, goes to exactly one', async ({ expect }) => {
    const stub = await issued();
    const replies = await Promise.all(
      Array.from({ length: 20 }, (_, i) => stub.reserve(HASH, reserveRequest(String(i).padStart(64, '0')), LEASE)),
    );
    const kinds = Object.groupBy(replies, (reply) => reply.kind);
    expect({ reserved: kinds.reserved?.length, busy: kinds.busy?.length }).toEqual({ reserved: 1, busy: 19 });
  });
});

describe('a certificate', () => {
  const first = {
    issueId: 'a-1',
    expiresAt: START + 900,
    certified: { authorityId: 'de', reportType: 'confirmed', expiresAt: START + 900 },
  } as const;
  const ask = (digest: string, change: object = {}) =>
    ledger().reserveCertificate(HASH, { ...first, ...change }, reserveRequest(digest), LEASE);

  it('has a row from its first reservation on, across a restart; the first writes whose it is', async ({ expect }) => {
    await setClock(START);
    const reserved = await ask(DIGEST);
    await evictDurableObject(ledger());
    await setClock(START + LEASE);
    expect(await ask(DIGEST, { issueId: 'a-2', expiresAt: START + 9_000 })).toMatchObject({
      kind: 'reserved',
      issueId: 'a-1',
      reservationId: (reserved as { reservationId: string }).reservationId,
    });
    expect(await storedRows()).toMatchObject([{ issue_id: 'a-1', expires_at: START + 3_600 }]);
  });

  it('committed, leads to its upload until it is forgotten, by the alarm that its first use set', async ({
    expect,
  }) => {
    await setClock(START);
    const { reservationId } = (await ask(DIGEST)) as { reservationId: string };
    await ledger().commit(HASH, reservationId, true);
    await evictDurableObject(ledger());
    await setClock(START + 3_600 + GRACE - 1);
    expect(await ask(OTHER)).toEqual({ kind: 'committed', reservationId });
    await setClock(START + 3_600 + GRACE);
    expect(await runDurableObjectAlarm(ledger())).toBe(true);
    expect(await storedRows()).toEqual([]);
  });

  it('of an authority whose day was rolled back begins no row, and what had begun is unknown', async ({ expect }) => {
    await setClock(START);
    expect([await ask(DIGEST, { issueId: null }), await storedRows()]).toEqual([{ kind: 'unknown' }, []]);
    await ask(DIGEST);
    await ledger().withdrawIssues(['a-1']);
    expect([await ask(DIGEST), await storedRows()]).toEqual([{ kind: 'unknown' }, []]);
  });
});

describe('what is stored', () => {
  it('a committed row has no digest, no id and no time but its expiry', async ({ expect }) => {
    const reservationId = await reservedId(await issued());
    await ledger().commit(HASH, reservationId);
    expect(await storedRows()).toEqual([
      {
        hash: HASH,
        state: 'c',
        reservation: new Uint8Array(88).buffer,
        issue_id: 'cards-1',
        expires_at: START + LIFETIME,
      },
    ]);
  });

  it('tells no time finer than the hour: a TAN lives to the full hour after its end', async ({ expect }) => {
    await issued(START + 1);
    expect(await storedRows()).toMatchObject([{ expires_at: START + LIFETIME + 3_600 }]);
  });

  it('a hash issued twice keeps its first row', async ({ expect }) => {
    const reservationId = await reservedId(await issued());
    await issued(START + 3_605);
    expect(await reservedId(ledger())).toBe(reservationId);
    expect(await storedRows()).toMatchObject([{ expires_at: START + LIFETIME }]);
  });
});

describe('forgetting', () => {
  it('an unused TAN ends at its expiry, a reserved one answers its own digest two hours longer', async ({ expect }) => {
    const reservationId = await reservedId(await issued());
    await setClock(START + LIFETIME + GRACE - 1);
    expect(await reservedId(ledger())).toBe(reservationId);
    expect(await ledger().reserve(HASH, reserveRequest(OTHER), LEASE)).toEqual({ kind: 'unknown' });
    await setClock(START + LIFETIME + GRACE);
    expect(await ledger().reserve(HASH, reserveRequest(DIGEST), LEASE)).toEqual({ kind: 'unknown' });
  });

  it('the alarm deletes what is over and sleeps until the next is', async ({ expect }) => {
    await issued();
    await setClock(START + 3_600);
    await ledger().issue({ hashes: ['a1'], issueId: null, lifetimeSeconds: LIFETIME });
    await setClock(START + LIFETIME + GRACE);
    expect(await runDurableObjectAlarm(ledger())).toBe(true);
    expect(await storedRows()).toMatchObject([{ hash: 'a1' }]);
    const wait = await alarmIn();
    expect(wait).toBeGreaterThan(3_590_000);
    expect(wait).toBeLessThanOrEqual(3_600_000);
  });

  it('with nothing left there is no alarm either', async ({ expect }) => {
    await issued();
    await setClock(START + LIFETIME + GRACE);
    await runDurableObjectAlarm(ledger());
    expect(await storedRows()).toEqual([]);
    expect(await runDurableObjectAlarm(ledger())).toBe(false);
  });

  it.for([
    ['years behind', START],
    ['a month ahead', Date.now() / 1000 + 30 * 86_400],
    ['five centuries ahead', Date.now() / 1000 + 500 * 365 * 86_400],
  ] as const)('alarms are set on real time, whatever our clock says: %s', async ([, now], { expect }) => {
    await issued(now);
    const wait = await alarmIn();
    expect(wait).toBeGreaterThan((LIFETIME + GRACE) * 1000 - 5_000);
    // A life ends with a full hour.
    expect(wait).toBeLessThanOrEqual((LIFETIME + GRACE + 3_600) * 1000);
  });

  it('a clock that jumped back does not make the alarm loop', async ({ expect }) => {
    await issued();
    await setClock(START - 365 * 86_400);
    await runDurableObjectAlarm(ledger());
    expect(await alarmIn()).toBeGreaterThan(29 * 86_400_000);
    expect(await storedRows()).toHaveLength(1);
  });

  it('a clock that jumped ahead forgets nothing until a second source confirms it, and the alarm doesn’t loop', async ({
    expect,
  }) => {
    await issued();
    await ledger().clockStatus('ledger', START);
    await setClock(START + 2 * LIFETIME);
    await runDurableObjectAlarm(ledger());
    expect(await storedRows()).toHaveLength(1);
    expect(await alarmIn()).toBeGreaterThan(50_000);
    expect(await ledger().clockStatus('ledger', START + 60)).toMatchObject({ confirmed: START, held: true });
    await evictDurableObject(ledger());
    await setClock(START + 2 * LIFETIME);
    expect(await ledger().forgetExpired()).toBe(0);
    expect(await ledger().clockStatus('ledger', START + 2 * LIFETIME)).toMatchObject({ held: false });
    expect(await ledger().forgetExpired()).toBe(1);
  });

  it('a clean-up that throws is repeated: the alarm was armed before it began', async ({ expect }) => {
    await issued();
    await runInDurableObject(ledger(), async (object) => {
      (object as unknown as { clock: () => number }).clock = () => {
        throw new Error('no clock');
      };
      await expect(object.alarm()).rejects.toThrow('no clock');
    });
    const wait = await alarmIn();
    expect(wait).toBeGreaterThan(0);
    expect(wait).toBeLessThanOrEqual(60_000);
  });
});

it('a TAN takes at most 300 bytes for its life, hash, reservation, index and pages', async ({ expect }) => {
  const hashes = Array.from({ length: 10_000 }, () => toHex(crypto.getRandomValues(new Uint8Array(32))));
  await setClock(START);
  const size = () => runInDurableObject(ledger(), (_object, state) => state.storage.sql.databaseSize);
  const before = await size();
  await ledger().issue({ hashes, issueId: null, lifetimeSeconds: MAX_TAN_LIFETIME_SECONDS });
  const bytes = ((await size()) - before) / hashes.length;
  expect(bytes).toBeGreaterThan(150);
  expect(bytes).toBeLessThanOrEqual(300);
});

it('a ring of permit keys: the first makes permits, a receipt by any of them gives a TAN back', async ({ expect }) => {
  const next = toBase64(new Uint8Array(32).fill(7));
  await issued();
  await runInDurableObject(ledger(), async (_object, state) => {
    const withRing = (ring: string): TanLedger =>
      Object.assign(new TanLedger(state, { PERMIT_KEY: ring }), { clock: () => START });
    for (const [ring, receipts] of [
      [`${PERMIT_KEY},${next}`, PERMIT_KEY],
      [`${PERMIT_KEY},${next}`, next],
      [`${next},${PERMIT_KEY}`, PERMIT_KEY],
      [next, next],
    ] as const) {
      const held = withRing(ring);
      const request = reserveRequest(DIGEST);
      const reply = await held.reserve(HASH, request, LEASE);
      if (reply.kind !== 'reserved') throw new Error(reply.kind);
      const { idCommitment, payloadCommitment } = request;
      const facts = { hour: reply.permit.hour, idCommitment, payloadCommitment, issueId: 'cards-1' };
      expect(reply.permit.mac).toBe(signPermit(fromBase64(ring.split(',')[0] ?? ''), facts));
      await held.release(HASH, reply.reservationId, deathOf(receipts, reply.reservationId));
      expect(await storedRows()).toMatchObject([{ state: 'i' }]);
    }
    expect(() => withRing('AAEC')).toThrow('PERMIT_KEY: base64 of 32 bytes is expected, got 3 bytes');
  });
});
