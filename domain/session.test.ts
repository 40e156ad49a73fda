import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import {
  isLive,
  issuedSession,
  laboratorySession,
  MAX_TANS,
  nextTan,
  polled,
  register,
  REGISTRATION_REPEAT_SECONDS,
  SECOND_TAN_WITHIN_SECONDS,
  type Session,
  SESSION_LIFETIME_SECONDS,
  type TanStatus,
} from './session.ts';

const NOW = 1_790_000_000;
const fresh = laboratorySession('ab'.repeat(32), null, NOW);

describe('registration', () => {
  it('repeats for ten minutes, then refuses', ({ expect }) => {
    expect(register(null, fresh, NOW)).toEqual({ session: fresh, granted: true });
    expect(register(fresh, fresh, NOW + REGISTRATION_REPEAT_SECONDS - 1)?.granted).toBe(true);
    expect(register(fresh, fresh, NOW + REGISTRATION_REPEAT_SECONDS)?.granted).toBe(false);
  });

  it('refuses after the first poll, however soon', ({ expect }) => {
    expect(register(polled(fresh, null), fresh, NOW + 1)?.granted).toBe(false);
  });

  it('a teleTAN nobody issued opens nothing; an issued one opens once and not after its hour', ({ expect }) => {
    expect(register(null, null, NOW)).toBeNull();
    const issued = issuedSession('teletan', null, NOW + 3600);
    expect(isLive(issued, NOW)).toBe(false);
    const opened = register(issued, null, NOW + 3599);
    expect(opened?.granted).toBe(true);
    expect(isLive(opened?.session ?? null, NOW + 3599 + SESSION_LIFETIME_SECONDS - 1)).toBe(true);
    expect(register(issued, null, NOW + 3600)?.granted).toBe(false);
  });

  it('a deleted session is not opened again', ({ expect }) => {
    expect(register({ ...fresh, state: 'deleted' }, fresh, NOW)?.granted).toBe(false);
  });
});

describe('TANs', () => {
  it('the same one until it is committed, then one more, then none', ({ expect }) => {
    const first = nextTan(fresh, 'gone', NOW);
    expect(first?.tanNumber).toBe(0);
    const again = nextTan(first as Session, 'live', NOW + 60);
    expect(again?.tanNumber).toBe(0);
    const second = nextTan(again as Session, 'committed', NOW + 86_400) as Session;
    expect(second.tanNumber).toBe(1);
    expect(nextTan(second, 'live', NOW + 86_401)?.tanNumber).toBe(1);
    expect(nextTan(second, 'committed', NOW + 86_402)).toBeNull();
  });

  it('a TAN that expired uncommitted is replaced and does not count', ({ expect }) => {
    const first = nextTan(fresh, 'gone', NOW) as Session;
    const replaced = nextTan(first, 'gone', NOW + 90_000) as Session;
    expect(replaced.tanNumber).not.toBe(first.tanNumber);
    expect(replaced.tansCommitted).toBe(0);
  });

  it('none after 48 hours from the first', ({ expect }) => {
    const first = nextTan(fresh, 'gone', NOW) as Session;
    expect(nextTan(first, 'committed', NOW + SECOND_TAN_WITHIN_SECONDS - 1)).not.toBeNull();
    expect(nextTan(first, 'committed', NOW + SECOND_TAN_WITHIN_SECONDS)).toBeNull();
  });

  it('in any order of asking, committing and expiring: at most two committed TANs, and the same one while it lives', ({
    expect,
  }) => {
    const step = fc.constantFrom('ask', 'commit', 'expire');
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        let session = fresh;
        const ledger = new Map<number, TanStatus>();
        let commits = 0;
        for (const [i, action] of steps.entries()) {
          const n = session.tanNumber;
          const status = ledger.get(n) ?? 'gone';
          if (action === 'ask') {
            const next = nextTan(session, status, NOW + i);
            if (next === null) continue;
            if (status === 'live') expect(next.tanNumber).toBe(n);
            session = next;
            ledger.set(next.tanNumber, 'live');
          } else if (status === 'live') {
            ledger.set(n, action === 'expire' ? 'gone' : 'committed');
            if (action === 'commit') commits++;
          }
        }
        expect(commits).toBeLessThanOrEqual(MAX_TANS);
      }),
      { seed: 1, numRuns: 2000 },
    );
  });
});

it('a session lives at least as long as the result it may have to show', ({ expect }) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100 * 86_400 }), (later) => {
      const keptUntil = NOW + later + SESSION_LIFETIME_SECONDS;
      const session = polled(fresh, keptUntil);
      expect(isLive(session, keptUntil - 1)).toBe(true);
    }),
    { seed: 3 },
  );
});
