import { describe, it } from 'vitest';
import { utf8 } from '../protocol/primitives/bytes.ts';
import { sha256 } from '../protocol/primitives/hash.ts';
import { planDecoys, type SetToFill } from './decoy-plan.ts';
import type { RandomBytes } from './random.ts';
import { nothingReceived } from './received.ts';

const DAY = 20_619;

function seeded(seed: string): RandomBytes {
  let drawn = 0;
  return (n) => sha256(utf8(`${seed} ${(drawn += 1)}`)).subarray(0, n);
}
const received = nothingReceived(seeded('received'), DAY);

function plan(set: Partial<SetToFill> & Pick<SetToFill, 'first' | 'hour'>) {
  const next = planDecoys(received, { uploads: new Map(), decoyRests: 0, missing: 130, ...set });
  const random = seeded('plan');
  const planned = Array.from({ length: 2000 }, () => next(random));
  return { whole: planned.filter(({ rest }) => !rest), rests: planned.filter(({ rest }) => rest) };
}

describe('decoys of a padded set', () => {
  it('come as of the hours in which the real uploads came that wait, as often as these', ({ expect }) => {
    const [first, second] = [DAY * 24 + 22, (DAY + 1) * 24 + 2];
    const uploads = new Map([
      [first, 3],
      [second, 1],
    ]);
    const { whole } = plan({ first, hour: first + 6, uploads });
    expect(new Set(whole.map(({ asOf }) => asOf))).toEqual(new Set([first, second]));
    const share = whole.filter(({ asOf }) => asOf === first).length / whole.length;
    expect(share).toBeGreaterThan(0.7);
    expect(share).toBeLessThan(0.8);
  });

  it('are rests as often as is usual for the hours, whether an upload waits or not: else it would show', ({
    expect,
  }) => {
    const [first, hour] = [(DAY + 1) * 24 + 1, (DAY + 1) * 24 + 7];
    const without = plan({ first, hour });
    const with3 = plan({ first, hour, uploads: new Map([[first + 2, 3]]) });
    expect(without.rests.length).toBeGreaterThan(200);
    expect(Math.abs(without.rests.length - with3.rests.length)).toBeLessThan(100);
  });

  it('are few rests where decoys of the day before left as many', ({ expect }) => {
    const [first, hour] = [(DAY + 1) * 24 + 1, (DAY + 1) * 24 + 7];
    expect(plan({ first, hour, decoyRests: 130, missing: 10 }).rests).toEqual([]);
  });

  it('are no rests by day, when hardly any comes', ({ expect }) => {
    const first = DAY * 24 + 12;
    expect(plan({ first, hour: first + 6, uploads: new Map([[first, 1]]) }).rests.length).toBeLessThan(100);
  });

  it('come where nothing but decoys waits too', ({ expect }) => {
    const [first, hour] = [(DAY + 1) * 24 + 1, (DAY + 1) * 24 + 7];
    for (const { asOf } of plan({ first, hour, decoyRests: 9 }).whole) {
      expect(asOf).toBeGreaterThanOrEqual(first);
      expect(asOf).toBeLessThanOrEqual(hour);
    }
  });

  it('come in an hour of the night in which nobody ever came too: what is set aside there is whole', ({ expect }) => {
    const hour = (DAY + 1) * 24 + 1;
    const night = { ...received, counts: received.counts.map(() => 0) };
    const planned = planDecoys(night, { first: hour, hour, uploads: new Map(), decoyRests: 200, missing: 0 });
    expect(planned(seeded('night'))).toEqual({ asOf: hour, rest: false, leavesRest: false, isLast: false });
  });
});
