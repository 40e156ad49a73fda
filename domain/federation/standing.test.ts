/** @module What an operator is told of a peer: whether it is late, and what went over by the hour. */
import { describe, it } from 'vitest';
import { hoursOf, isLate, lagOf, type ReadHour, sumHours } from './standing.ts';
import { PEER_START, type PeerState } from './peer.ts';

const HOUR = 500_000;
const peer = (lastSuccessHour: number | null, state: Partial<PeerState> = {}) => ({
  lastSuccessHour,
  state: { ...PEER_START, ...state },
});

describe('a peer is late', () => {
  it('when more than two hours brought no answer that held', ({ expect }) => {
    expect([HOUR, HOUR - 1, HOUR - 2, HOUR - 3].map((last) => isLate(peer(last), HOUR))).toEqual([
      false,
      false,
      false,
      true,
    ]);
    // Whatever the clock says of the hour to come.
    expect(lagOf(peer(HOUR + 1), HOUR)).toBe(0);
  });

  it('when it never answered and was asked three times, and not before it was asked', ({ expect }) => {
    expect([0, 2, 3].map((failures) => isLate(peer(null, { failures }), HOUR))).toEqual([false, false, true]);
  });

  it('never while we don’t ask', ({ expect }) => {
    const stopped = { in: true, out: false };
    expect(isLate(peer(HOUR - 100, { stopped }), HOUR)).toBe(false);
    expect(isLate(peer(null, { stopped, failures: 9 }), HOUR)).toBe(false);
    expect(lagOf(peer(HOUR - 100, { stopped }), HOUR)).toBeNull();
    expect(isLate(peer(HOUR - 100, { stopped: { in: false, out: true } }), HOUR)).toBe(true);
  });
});

describe('hours', () => {
  const line = (hour: number, change: Partial<ReadHour> = {}): ReadHour => ({
    hour,
    keys: 100,
    imported: 90,
    revoked: 1,
    dropped: { future: 2 },
    ...change,
  });

  it('have what was imported, dropped by rule, and given', ({ expect }) => {
    const read = [line(HOUR - 1, { keys: 90, dropped: {} }), line(HOUR, { dropped: { future: 3, level: 4 } })];
    const hours = hoursOf(read, [
      { hour: HOUR - 2, keys: 70 },
      { hour: HOUR, keys: 5 },
    ]);
    expect(hours).toEqual([
      { hour: HOUR, in: 90, revoked: 1, out: 5, dropped: { future: 3, level: 4, known: 10 } },
      { hour: HOUR - 1, in: 90, revoked: 1, out: 0, dropped: {} },
      { hour: HOUR - 2, in: 0, revoked: 0, out: 70, dropped: {} },
    ]);
    expect(sumHours(hours)).toEqual({ in: 180, revoked: 2, out: 75, dropped: { future: 3, level: 4, known: 10 } });
    expect(sumHours([])).toEqual({ in: 0, revoked: 0, out: 0, dropped: {} });
  });
});
