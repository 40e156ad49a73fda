import { env, exports } from 'cloudflare:workers';
import { reset } from 'cloudflare:test';
import { beforeEach, describe, it } from 'vitest';
import { hashGuid, parseCardCode } from '../../domain/derived-codes.ts';
import type { BatchCursor, CardBatch, CardBatchPage } from '../../domain/rpc.ts';
import { parseTeleTan } from '../../domain/teletan.ts';
import type { VerificationEnv } from './bindings.ts';
import { FAILED_GUESS_BUDGET, GUESSES_A_SAMPLE } from './desk.ts';
import type { BackOffice } from './entrypoints.ts';
import { tokenOf } from '../../test/support/token-of.ts';
import { reserveRequest as request } from '../../test/support/reserve-request.ts';
import { servicesOf } from './services.ts';

const bindings = env as unknown as VerificationEnv;
const desk = (exports as unknown as { BackOffice: InstanceType<typeof BackOffice> }).BackOffice;
const now = (): number => Math.floor(Date.now() / 1000);

const scan = (guid: string) =>
  servicesOf(bindings)
    .sessions.register({ keyType: 'GUID', key: hashGuid(guid), birthDateKey: null }, now())
    .then(tokenOf);
const type = (teleTan: string) =>
  servicesOf(bindings).sessions.register({ keyType: 'TELETAN', key: teleTan, birthDateKey: null }, now()).then(tokenOf);

beforeEach(() => reset());

describe('teleTANs', () => {
  it('opens one session; the book shows a hint and never the code', async ({ expect }) => {
    const issued = await desk.issueTeleTan('anna');
    expect(parseTeleTan(issued?.teleTan ?? '')).toBe(issued?.teleTan);
    const token = await type(issued?.teleTan ?? '');
    expect(token).toMatch(/^[0-9a-f-]{36}$/);
    const book = await desk.teleTanBook('anna');
    expect(book).toMatchObject({ used: 1, limit: 60, entries: [{ hint: issued?.teleTan.slice(0, 3) }] });
    expect(JSON.stringify(book)).not.toContain(issued?.teleTan);
  });

  it('a quota stops its issuer and nobody else, and keeps what was issued', async ({ expect }) => {
    await desk.setTeleTanQuota('anna', 2);
    const first = await desk.issueTeleTan('anna');
    expect(await desk.issueTeleTan('anna')).not.toBeNull();
    expect(await desk.issueTeleTan('anna')).toBeNull();
    expect(await desk.issueTeleTan('ben')).not.toBeNull();
    expect(await type(first?.teleTan ?? '')).not.toBeNull();
    expect(await desk.teleTanQuotas()).toEqual([{ issuer: 'anna', teleTansPerHour: 2 }]);
  });

  it('guesses over the budget raise an alarm, and a valid code still opens', async ({ expect }) => {
    const issued = await desk.issueTeleTan('anna');
    const object = bindings.CODE_DESK.getByName('desk');
    await object.countFailedGuesses(FAILED_GUESS_BUDGET);
    expect(await desk.guesses()).toEqual({ thisHour: FAILED_GUESS_BUDGET, lastHour: 0, alarm: false });
    await object.countFailedGuesses(GUESSES_A_SAMPLE);
    expect((await desk.guesses()).alarm).toBe(true);
    expect(await type(issued?.teleTan ?? '')).not.toBeNull();
  });
});

it('failed guesses are counted in samples: a flood of them is none of durable writes', async ({ expect }) => {
  const GUESSES = 4_000;
  const { desk: counter } = servicesOf(bindings);
  for (let i = 0; i < GUESSES; i++) await counter.countFailedGuess();
  const { thisHour, lastHour } = await desk.guesses();
  // Whole samples, 125 expected with a deviation of 11: six of them either way.
  expect((thisHour + lastHour) % GUESSES_A_SAMPLE).toBe(0);
  expect(thisHour + lastHour).toBeGreaterThan((125 - 66) * GUESSES_A_SAMPLE);
  expect(thisHour + lastHour).toBeLessThan((125 + 66) * GUESSES_A_SAMPLE);
});

describe('code cards', () => {
  it('each card opens once, scanned or typed; the provider sees how many, never which', async ({ expect }) => {
    const sheet = await desk.makeCards('dr-visser', 'Practice, March', 20);
    expect(new Set(sheet?.cards.map((card) => card.code)).size).toBe(20);
    for (const { code, guid } of sheet?.cards ?? []) {
      expect(parseCardCode(code.toLowerCase())).toBe(code);
      expect(guid).toMatch(/^[0-9A-F]{6}-[0-9A-F]{8}-[0-9A-F]{4}-4[0-9A-F]{3}-[89AB][0-9A-F]{3}-[0-9A-F]{12}$/);
    }
    const [first, second] = sheet?.cards ?? [];
    const token = (await scan(first?.guid ?? '')) ?? '';
    const { sessions, ledger } = servicesOf(bindings);
    expect(await sessions.poll(token)).toMatchObject({ result: 2, labId: null });
    const tan = (await sessions.tan(token)) ?? '';
    expect(await ledger.reserve(tan, request())).toMatchObject({
      kind: 'reserved',
      issueId: expect.stringMatching(/^c[0-9a-f]{32}$/),
    });
    await scan(second?.guid ?? '');
    const [batch] = (await desk.cardBatches('dr-visser', null)).batches;
    expect(batch).toMatchObject({ size: 20, used: 2, withdrawnFrom: null });
    expect(await desk.cardBatch(batch?.batchId ?? '', 'dr-visser')).toEqual(batch);
    expect(await desk.cardBatches('somebody-else', null)).toEqual({ batches: [], older: false, newer: false });
    expect(await desk.cardBatch(batch?.batchId ?? '', 'somebody-else')).toBeNull();
    for (const card of sheet?.cards ?? []) expect(JSON.stringify(batch)).not.toContain(card.code);
  });

  it('withdrawn from now on: unused cards are dead, opened ones stay; TANs that were out are asked anew', async ({
    expect,
  }) => {
    const sheet = await desk.makeCards('dr-visser', 'Practice', 20);
    const { sessions } = servicesOf(bindings);
    const token = (await scan(sheet?.cards[0]?.guid ?? '')) ?? '';
    const before = await sessions.tan(token);
    expect(await desk.withdrawBatch(sheet?.batch.batchId ?? '', 'dr-visser', now() + 1)).not.toBeNull();
    expect(await scan(sheet?.cards[1]?.guid ?? '')).toBeNull();
    const after = await sessions.tan(token);
    expect(after).not.toBeNull();
    expect(after).not.toBe(before);
  });

  it('withdrawn back to a date: sessions since then end, in the middle of an upload too', async ({ expect }) => {
    const sheet = await desk.makeCards('dr-visser', 'Practice', 20);
    const { sessions, ledger } = servicesOf(bindings);
    const token = (await scan(sheet?.cards[0]?.guid ?? '')) ?? '';
    const tan = (await sessions.tan(token)) ?? '';
    const held = await ledger.reserve(tan, request());
    const batchId = sheet?.batch.batchId ?? '';
    const from = now() - 60;
    expect(await desk.withdrawBatch(batchId, null, from)).toBe(from);
    expect(await sessions.poll(token)).toBeNull();
    expect(await sessions.tan(token)).toBeNull();
    expect(await ledger.reserve(tan, request())).toEqual({ kind: 'unknown' });
    if (held.kind === 'reserved') await ledger.commit(tan, held.reservationId);
    expect(await ledger.status([tan])).toBe('expired');
  });

  it("another provider can't withdraw; a later date never brings codes back", async ({ expect }) => {
    const sheet = await desk.makeCards('dr-visser', 'Practice', 20);
    const batchId = sheet?.batch.batchId ?? '';
    expect(await desk.withdrawBatch(batchId, 'dr-other', 1000)).toBeNull();
    expect(await desk.withdrawBatch(batchId, 'dr-visser', 1000)).toBe(1000);
    expect(await desk.withdrawBatch(batchId, 'dr-visser', 2000)).toBe(1000);
  });

  it('700 batches are turned over page by page, each counted, none twice and none left out', async ({ expect }) => {
    const object = bindings.CODE_DESK.getByName('desk');
    for (let i = 0; i < 700; i++) {
      const provider = i % 7 === 0 ? 'dr-visser' : 'dr-jansen';
      await object.bookBatch({ provider, label: `b${i}`, size: 1 }, `order-${i}`, 86_400);
    }
    const used = await desk.makeCards('dr-visser', 'used', 20);
    await scan(used?.cards[0]?.guid ?? '');
    const turn = async (provider: string | null) => {
      const seen: CardBatch[] = [];
      for (let from: BatchCursor | null = null; ;) {
        const page: CardBatchPage = await desk.cardBatches(provider, from);
        expect(page.newer).toBe(from !== null);
        seen.push(...page.batches);
        const last = page.batches.at(-1);
        if (!page.older || last === undefined) return seen;
        from = { direction: 'older', createdAt: last.createdAt, batchId: last.batchId };
      }
    };
    const [all, own] = [await turn(null), await turn('dr-visser')];
    expect([all.length, new Set(all.map(({ batchId }) => batchId)).size]).toEqual([701, 701]);
    expect(own.length).toBe(101);
    expect(all.filter((batch) => batch.used > 0)).toMatchObject([{ label: 'used', size: 20, used: 1 }]);
    // Back again: the page before one is the page one came from.
    const second = { direction: 'newer', createdAt: own[25]?.createdAt ?? 0, batchId: own[25]?.batchId ?? '' } as const;
    const back = await desk.cardBatches('dr-visser', second);
    expect(back.batches.map(({ batchId }) => batchId)).toEqual(own.slice(0, 25).map(({ batchId }) => batchId));
    expect([back.newer, back.older]).toEqual([false, true]);
  });

  it('10,000 in a batch, 20,000 in a day, no more', async ({ expect }) => {
    expect((await desk.makeCards('dr-visser', 'a', 10_000))?.cards.length).toBe(10_000);
    expect((await desk.makeCards('dr-visser', 'b', 10_000))?.cards.length).toBe(10_000);
    expect(await desk.makeCards('dr-visser', 'c', 20)).toBeNull();
    for (const count of [10_001, 19, 1]) {
      await expect(servicesOf(bindings).desk.makeCards('dr-jansen', 'd', count)).rejects.toThrow(/20\.\.10000/);
    }
  });
});
