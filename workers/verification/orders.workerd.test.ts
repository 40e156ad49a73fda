/** @module Orders of codes (decision 033): the same form makes nothing twice, a teleTAN ends, a second person releases. */
import { env, exports } from 'cloudflare:workers';
import { reset } from 'cloudflare:test';
import { beforeEach, describe, it } from 'vitest';
import { parseTeleTan } from '../../domain/teletan.ts';
import { reserveRequest } from '../../test/support/reserve-request.ts';
import { tokenOf } from '../../test/support/token-of.ts';
import type { VerificationEnv } from './bindings.ts';
import { Desk, type DeskSessions } from './desk.ts';
import type { BackOffice } from './entrypoints.ts';
import { servicesOf } from './services.ts';

const bindings = env as unknown as VerificationEnv;
const office = (exports as unknown as { BackOffice: InstanceType<typeof BackOffice> }).BackOffice;
const now = (): number => Math.floor(Date.now() / 1000);
const ORDER = 'ab'.repeat(32);
const OTHER = 'cd'.repeat(32);

const type = (teleTan: string) =>
  servicesOf(bindings).sessions.register({ keyType: 'TELETAN', key: teleTan, birthDateKey: null }, now()).then(tokenOf);
const idOf = async (issuer: string): Promise<string> => (await office.teleTanBook(issuer)).entries[0]?.id ?? '';

beforeEach(() => reset());

describe('an order', () => {
  it('that comes twice, at once or later, is one teleTAN; another order or person gets another', async ({ expect }) => {
    const [first, second] = await Promise.all([office.issueTeleTan('anna', ORDER), office.issueTeleTan('anna', ORDER)]);
    expect(second).toEqual(first);
    expect(await office.issueTeleTan('anna', ORDER)).toEqual(first);
    expect(parseTeleTan(first?.teleTan ?? '')).toBe(first?.teleTan);
    expect((await office.teleTanBook('anna')).used).toBe(1);
    const codes = [first, await office.issueTeleTan('anna', OTHER), await office.issueTeleTan('ben', OTHER)];
    expect(new Set(codes.map((code) => code?.teleTan)).size).toBe(3);
  });

  it('is shown again to its issuer alone, and leads nobody else to the code', async ({ expect }) => {
    const issued = await office.issueTeleTan('anna', ORDER);
    expect(await office.orderedTeleTan('anna', ORDER)).toEqual(issued);
    expect(await office.orderedTeleTan('ben', ORDER)).toBeNull();
    expect(await office.orderedTeleTan('anna', OTHER)).toBeNull();
    expect(JSON.stringify(await office.teleTanBook('anna'))).not.toContain(ORDER);
  });

  it('counts once against a quota that is used up by it', async ({ expect }) => {
    await office.setTeleTanQuota('anna', 1);
    const issued = await office.issueTeleTan('anna', ORDER);
    expect(await office.issueTeleTan('anna', ORDER)).toEqual(issued);
    expect(await office.issueTeleTan('anna', OTHER)).toBeNull();
  });

  it('of cards is one batch with the same codes, as it was booked; withdrawn, it is shown no more', async ({
    expect,
  }) => {
    const first = await office.makeCards('practice', 'morning', 20, ORDER);
    const again = await office.makeCards('practice', 'evening', 30, ORDER);
    expect(again).toEqual(first);
    expect(await office.orderedCards('practice', ORDER)).toEqual(first);
    expect(await office.orderedCards('other', ORDER)).toBeNull();
    expect((await office.cardBatches('practice', null)).batches).toHaveLength(1);
    expect(new Set(first?.cards.map(({ code }) => code)).size).toBe(20);
    await office.withdrawBatch(first?.batch.batchId ?? '', 'practice', now());
    expect(await office.orderedCards('practice', ORDER)).toBeNull();
  });

  it.for(['', 'ab', 'AB'.repeat(32), `${'ab'.repeat(31)}zz`])('named %j is none', async (request, { expect }) => {
    await expect(servicesOf(bindings).desk.issueTeleTan('anna', request)).rejects.toThrow(/64 lowercase hex digits/);
  });

  it('whose Worker died after the booking is finished by the same order', async ({ expect }) => {
    const { sessions, ledger } = servicesOf(bindings);
    let alive = false;
    const dying: DeskSessions = Object.assign(Object.create(sessions) as DeskSessions, {
      issue: async (codes: Parameters<DeskSessions['issue']>[0]) => {
        if (!alive) throw new Error('killed');
        await sessions.issue(codes);
      },
      nameOf: sessions.nameOf.bind(sessions),
    });
    const desk = new Desk(bindings, dying, ledger);
    await expect(desk.issueTeleTan('anna', ORDER)).rejects.toThrow('killed');
    alive = true;
    const issued = await desk.issueTeleTan('anna', ORDER);
    expect(await type(issued?.teleTan ?? '')).toMatch(/^[0-9a-f-]{36}$/);
    expect((await office.teleTanBook('anna')).used).toBe(1);
  });
});

describe('a revoked teleTAN', () => {
  it('opens nothing: a phone is answered as for one that never was', async ({ expect }) => {
    const issued = await office.issueTeleTan('anna', ORDER);
    expect(await office.revokeTeleTan(await idOf('anna'), 'anna')).toBe(true);
    expect(await type(issued?.teleTan ?? '')).toBeNull();
    expect(await office.orderedTeleTan('anna', ORDER)).toBeNull();
    expect((await office.teleTanBook('anna')).entries[0]?.revokedAt).toBeGreaterThan(0);
    // Nor does the same form bring it back.
    await office.issueTeleTan('anna', ORDER);
    expect(await type(issued?.teleTan ?? '')).toBeNull();
  });

  it('that a phone has used already gives no TAN any more, and the one it gave is void', async ({ expect }) => {
    const { sessions, ledger } = servicesOf(bindings);
    const issued = await office.issueTeleTan('anna', ORDER);
    const token = (await type(issued?.teleTan ?? '')) ?? '';
    const tan = (await sessions.tan(token)) ?? '';
    expect(tan).not.toBe('');
    expect(await office.revokeTeleTan(await idOf('anna'), 'anna')).toBe(true);
    expect(await sessions.tan(token)).toBeNull();
    expect(await sessions.poll(token)).toBeNull();
    expect(await ledger.reserve(tan, reserveRequest())).toEqual({ kind: 'unknown' });
    // Again changes nothing, and says the same.
    const before = (await office.teleTanBook('anna')).entries;
    expect(await office.revokeTeleTan(await idOf('anna'), 'anna')).toBe(true);
    expect((await office.teleTanBook('anna')).entries).toEqual(before);
  });

  it('whose keys are in leaves them, and tells nobody that they are', async ({ expect }) => {
    const { sessions, ledger } = servicesOf(bindings);
    const issued = await office.issueTeleTan('anna', ORDER);
    const tan = (await sessions.tan((await type(issued?.teleTan ?? '')) ?? '')) ?? '';
    const request = reserveRequest();
    await ledger.reserve(tan, request);
    await ledger.commit(tan, request.reservationId);
    expect(await office.revokeTeleTan(await idOf('anna'), 'anna')).toBe(true);
    expect(await ledger.status([tan])).toBe('committed');
  });

  it('is its issuer’s; one that never was is none', async ({ expect }) => {
    await office.issueTeleTan('anna', ORDER);
    expect(await office.revokeTeleTan(await idOf('anna'), 'ben')).toBe(false);
    expect(await office.revokeTeleTan('00'.repeat(16), 'anna')).toBe(false);
    expect((await office.teleTanBook('anna')).entries[0]?.revokedAt).toBeNull();
  });
});

describe('codes beyond a quota', () => {
  it('are asked for when it is used up, and released by somebody else, for an hour', async ({ expect }) => {
    await office.setTeleTanQuota('anna', 1);
    expect(await office.askBeyondQuota('anna', 'anna@example.org', 2)).toBe(false);
    await office.issueTeleTan('anna', ORDER);
    expect(await office.askBeyondQuota('anna', 'anna@example.org', 5)).toBe(true);
    expect(await office.askBeyondQuota('anna', 'anna@example.org', 2)).toBe(true);
    const requests = await office.quotaRequests();
    expect(requests).toMatchObject([{ issuer: 'anna', codes: 2 }]);
    expect(await office.teleTanBook('anna')).toMatchObject({ used: 1, limit: 1, asked: 2 });
    const id = requests[0]?.id ?? '';
    expect(await office.releaseQuota(id, 'anna@example.org')).toEqual({ kind: 'own' });
    expect(await office.issueTeleTan('anna', OTHER)).toBeNull();
    expect(await office.releaseQuota(id, 'berta')).toEqual({ kind: 'released', issuer: 'anna', codes: 2 });
    expect(await office.releaseQuota(id, 'berta')).toEqual({ kind: 'gone' });
    expect(await office.teleTanBook('anna')).toMatchObject({ used: 1, limit: 3, asked: 0 });
    expect(await office.issueTeleTan('anna', OTHER)).not.toBeNull();
    expect((await office.teleTanBook('ben')).limit).toBe(60);
  });

  it('are for nobody who was stopped: with a quota of 0 there is nothing to ask for', async ({ expect }) => {
    await office.setTeleTanQuota('anna', 0);
    expect(await office.askBeyondQuota('anna', 'anna@example.org', 1)).toBe(false);
    expect((await office.teleTanBook('anna')).mayAsk).toBe(false);
  });
});
