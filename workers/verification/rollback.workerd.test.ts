/**
 * @module A rollback of code cards in `verification`, in workerd: of its days and no others. Cards that were used before or after go on, and those
 * that nobody has used unless the running day is one of the days.
 */
import { reset, runInDurableObject } from 'cloudflare:test';
import { env, exports } from 'cloudflare:workers';
import { beforeEach, describe, it } from 'vitest';
import { hashGuid } from '../../domain/derived-codes.ts';
import { reserveRequest } from '../../test/support/reserve-request.ts';
import { tokenOf } from '../../test/support/token-of.ts';
import type { VerificationEnv } from './bindings.ts';
import type { BackOffice } from './entrypoints.ts';
import { servicesOf } from './services.ts';
import { Shards } from './shards.ts';

const bindings = env as unknown as VerificationEnv;
const office = (exports as unknown as { BackOffice: InstanceType<typeof BackOffice> }).BackOffice;
const services = () => servicesOf(bindings);
const DAY = 86_400;
const TODAY = Math.floor(Date.now() / 1000 / DAY);

beforeEach(() => reset());

/** Sessions live by this day, a second after its midnight or before its end. */
async function isDay(day: number, second = 1): Promise<void> {
  const at = day * DAY + second;
  for (const shard of new Shards(bindings.TEST_SESSION).all()) {
    await runInDurableObject(shard, (object) => void Object.assign(object, { clock: () => at }));
  }
}

interface Used {
  readonly token: string;
  readonly tan: string;
}

const open = async (guid: string): Promise<string | null> =>
  tokenOf(await services().sessions.register({ keyType: 'GUID', key: hashGuid(guid), birthDateKey: null }, 0));

async function use(guid: string): Promise<Used> {
  const token = (await open(guid)) ?? '';
  return { token, tan: (await services().sessions.tan(token)) ?? '' };
}

/** A batch, of which a card was used on each of four days, at its first or last second; the fifth card is unused. */
async function batchInUse(): Promise<{ id: string; used: Used[]; unused: string }> {
  const sheet = await office.makeCards('practice', 'a', 20);
  const guids = (sheet?.cards ?? []).map(({ guid }) => guid);
  const used: Used[] = [];
  for (const [n, [day, second]] of [
    [TODAY - 3, DAY - 1],
    [TODAY - 2, 0],
    [TODAY - 1, DAY - 1],
    [TODAY, 0],
  ].entries() as IterableIterator<[number, [number, number]]>) {
    await isDay(day, second);
    used.push(await use(guids[n] ?? ''));
  }
  await isDay(TODAY);
  return { id: sheet?.batch.batchId ?? '', used, unused: guids[10] ?? '' };
}

/** Whether a session gives TANs, and whether the one it gave is still good. */
async function lives({ token, tan }: Used): Promise<[gives: boolean, given: boolean]> {
  const { kind } = await services().ledger.reserve(tan, reserveRequest());
  return [(await services().sessions.tan(token)) !== null, kind === 'reserved'];
}

describe.for(['batch', 'provider'] as const)('a rollback of a %s', (kind) => {
  const nameOf = (id: string): string => (kind === 'batch' ? id : 'practice');

  it('ends what was used on its days, and nothing before or after', async ({ expect }) => {
    const { id, used, unused } = await batchInUse();
    const target = { kind, name: nameOf(id), fromDay: TODAY - 2, toDay: TODAY - 1 };
    await office.endIssues(target, TODAY);
    await office.endIssues(target, TODAY);
    const found: [boolean, boolean][] = [];
    for (const one of used) found.push(await lives(one));
    expect(found).toEqual([
      [true, true],
      [false, false],
      [false, false],
      [true, true],
    ]);
    expect((await office.cardBatch(id, null))?.withdrawnFrom).toBeNull();
    expect((await use(unused)).tan).not.toBe('');
  });

  it('that reaches the day on which it was asked for ends unused cards too, whenever it is confirmed', async ({
    expect,
  }) => {
    const { id, used, unused } = await batchInUse();
    const target = { kind, name: nameOf(id), fromDay: TODAY - 1, toDay: TODAY };
    await isDay(TODAY + 1);
    await office.endIssues(target, TODAY);
    const found: [boolean, boolean][] = [];
    for (const one of used) found.push(await lives(one));
    expect(found).toEqual([
      [true, true],
      [true, true],
      [false, false],
      [false, false],
    ]);
    expect(await open(unused)).toBeNull();
    expect((await office.cardBatch(id, null))?.withdrawnFrom).toBe((TODAY - 1) * DAY);
  });
});
