import { describe, it } from 'vitest';
import { AGAIN_MS, KEPT_SECONDS, LastGood } from './last-good.ts';

const NOW = 1_790_000_000;
const answer = (version: number) => () => Promise.resolve({ version });
const away = () => Promise.reject(new Error('away'));

describe('the last good answer', () => {
  it('is asked for once a minute, and again when the clock goes back', async ({ expect }) => {
    const kept = new LastGood<{ version: number }>();
    let asked = 0;
    const ask = () => answer((asked += 1))();
    const at = async (now: number) => (await kept.get(ask, now)).version;
    expect([await at(NOW), await at(NOW + KEPT_SECONDS - 1), await at(NOW + KEPT_SECONDS)]).toEqual([1, 1, 2]);
    expect([await at(NOW), asked]).toEqual([3, 3]);
  });

  it('stays when the neighbour is away, for as long as it is', async ({ expect }) => {
    const kept = new LastGood<{ version: number }>();
    await kept.get(answer(4), NOW);
    for (const minutes of [1, 2, 3]) {
      expect(await kept.get(away, NOW + minutes * KEPT_SECONDS)).toEqual({ version: 4 });
    }
    expect(await kept.get(answer(5), NOW + 4 * KEPT_SECONDS)).toEqual({ version: 5 });
  });

  it('is none at a cold start with the neighbour away: the caller hears of it, and the next one asks again', async ({
    expect,
  }) => {
    const kept = new LastGood<{ version: number }>();
    await expect(kept.get(away, NOW)).rejects.toThrow('away');
    expect(await kept.get(answer(1), NOW)).toEqual({ version: 1 });
  });

  it('is the higher version of two asked for at once, whichever answer comes last', async ({ expect }) => {
    const kept = new LastGood<{ version: number }>();
    const answers: ((value: { version: number }) => void)[] = [];
    const ask = () => new Promise<{ version: number }>((done) => answers.push(done));
    const [first, second] = [kept.get(ask, NOW), kept.get(ask, NOW)];
    answers[1]?.({ version: 2 });
    expect(await second).toEqual({ version: 2 });
    answers[0]?.({ version: 1 });
    expect(await first).toEqual({ version: 2 });
    expect(await kept.get(away, NOW + 1)).toEqual({ version: 2 });
  });

  it('is asked for at once where it must be, and kept from then on', async ({ expect }) => {
    const kept = new LastGood<{ version: number }>();
    await kept.get(answer(1), NOW);
    expect(await kept.renewed(answer(2), NOW)).toEqual({ version: 2 });
    expect(await kept.get(away, NOW + 1)).toEqual({ version: 2 });
  });
});

describe('a question out of turn', () => {
  it('is asked once in two seconds, however often one is wanted; the neighbour may be away', async ({ expect }) => {
    const kept = new LastGood<{ version: number }>();
    await expect(kept.again(away, NOW, 0)).rejects.toThrow('away');
    const at = async (version: number, nowMs: number) => (await kept.again(answer(version), NOW, nowMs)).version;
    expect([await at(1, 1), await at(2, 1), await at(3, AGAIN_MS)]).toEqual([1, 1, 1]);
    expect([await at(4, AGAIN_MS + 1), await at(5, AGAIN_MS + 2)]).toEqual([4, 4]);
    expect(await kept.again(away, NOW, 3 * AGAIN_MS)).toEqual({ version: 4 });
    expect((await kept.get(answer(6), NOW + KEPT_SECONDS - 1)).version).toBe(4);
  });
});
