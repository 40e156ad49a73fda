import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import {
  ended,
  isLive,
  issuedSession,
  keptFor,
  laboratorySession,
  nextTan,
  polled,
  register,
  REGISTRATION_REPEAT_SECONDS,
  type Session,
  SESSION_KNOWN_SECONDS,
  SESSION_LIFETIME_SECONDS,
  TANS_WITHIN_SECONDS,
  TANS_WITHOUT_FOLLOW_UPS,
} from './session.ts';
import { MAX_TAN_LIFETIME_SECONDS, longestAnswerOfTan } from './tan.ts';

const NOW = 1_790_000_000;
const TOMORROW = Math.ceil(NOW / 86_400) * 86_400;
const RULES = { lifetimeSeconds: 86_400, followUpDays: 0 } as const;
const SHORT = { lifetimeSeconds: 3_600, followUpDays: 0 } as const;
const fresh = laboratorySession('ab'.repeat(32), null, NOW);

describe('registration', () => {
  it('repeats for ten minutes, then refuses', ({ expect }) => {
    expect(register(null, fresh, NOW)).toEqual({ session: fresh, granted: true });
    expect(register(fresh, fresh, NOW + REGISTRATION_REPEAT_SECONDS - 1)?.granted).toBe(true);
    expect(register(fresh, fresh, NOW + REGISTRATION_REPEAT_SECONDS)?.granted).toBe(false);
  });

  it('refuses after the first poll, however soon', ({ expect }) => {
    expect(register(polled(fresh), fresh, NOW + 1)?.granted).toBe(false);
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

it('is known to be over for as long as the keys that named it are kept, whatever it was', ({ expect }) => {
  // Posted as late as it waits, shown for as long, deleted in the last moment.
  const lastSeen = NOW + 2 * SESSION_LIFETIME_SECONDS;
  const test = ended(keptFor(fresh, lastSeen), 'deleted');
  const card = register(issuedSession('card', 'batch', NOW + 90 * 86_400), null, NOW + 90 * 86_400 - 1)?.session;
  const ends = [test, ended(card ?? fresh, 'deleted')].map(({ expiresAt }) => expiresAt - NOW);
  expect(Math.max(...ends)).toBe(SESSION_KNOWN_SECONDS);
});

describe('TANs', () => {
  it('the same one until it is committed, one more from the next UTC day on, then none', ({ expect }) => {
    const first = nextTan(fresh, 'gone', NOW, RULES) as Session;
    expect(first.tanNumber).toBe(0);
    expect(nextTan(first, 'live', NOW + 60, RULES)).toBe(first);
    expect(nextTan(first, 'committed', TOMORROW - 1, RULES)).toBeNull();
    const second = nextTan(first, 'committed', TOMORROW, RULES) as Session;
    expect(second).toMatchObject({ tanNumber: 1, tansCommitted: 1 });
    expect(nextTan(second, 'live', TOMORROW + 1, RULES)).toBe(second);
    expect(nextTan(second, 'committed', TOMORROW + 2, RULES)).toBeNull();
  });

  it('a number that is being issued is the same number again, however many ask before the ledger knows it', ({
    expect,
  }) => {
    let session = nextTan(fresh, 'gone', NOW, RULES) as Session;
    for (let i = 0; i < 20; i++) session = nextTan(session, 'gone', NOW + i, RULES) as Session;
    expect(session).toMatchObject({ tanNumber: 0, tansCommitted: 0 });
  });

  it('one whose fate the ledger has forgotten counts as used: there is no third after 26 hours', ({ expect }) => {
    const first = nextTan(fresh, 'gone', NOW, RULES) as Session;
    const after26Hours = NOW + RULES.lifetimeSeconds + 2 * 3600;
    const second = nextTan(first, 'gone', after26Hours, RULES) as Session;
    expect(second).toMatchObject({ tanNumber: 1, tansCommitted: 1 });
    expect(nextTan(second, 'committed', after26Hours + 60, RULES)).toBeNull();
  });

  it('one that lives is the same for its life, days after no new one is given', ({ expect }) => {
    const rules = { ...RULES, lifetimeSeconds: MAX_TAN_LIFETIME_SECONDS };
    const first = nextTan(fresh, 'gone', NOW, rules) as Session;
    for (const later of [60, 3 * 86_400, MAX_TAN_LIFETIME_SECONDS - 1]) {
      for (const status of ['live', 'gone'] as const) expect(nextTan(first, status, NOW + later, rules)).toBe(first);
    }
    expect(nextTan(first, 'expired', NOW + MAX_TAN_LIFETIME_SECONDS, rules)).toBeNull();
  });

  it('one that expired unused is replaced at once, and does not count', ({ expect }) => {
    const first = nextTan(fresh, 'gone', NOW, SHORT) as Session;
    const replaced = nextTan(first, 'expired', NOW + SHORT.lifetimeSeconds, SHORT) as Session;
    expect(replaced).toMatchObject({ tanNumber: 1, tansCommitted: 0 });
  });

  it('none after 48 hours from the first', ({ expect }) => {
    const first = nextTan(fresh, 'gone', NOW, RULES) as Session;
    expect(nextTan(first, 'committed', NOW + TANS_WITHIN_SECONDS - 1, RULES)).not.toBeNull();
    expect(nextTan(first, 'committed', NOW + TANS_WITHIN_SECONDS, RULES)).toBeNull();
  });

  it('of follow-up days, one a day more, when a deployment has them', ({ expect }) => {
    const rules = { ...RULES, followUpDays: 2 };
    let session = nextTan(fresh, 'gone', NOW, rules) as Session;
    for (let day = 1; day <= 3; day++) {
      const midnight = TOMORROW + (day - 1) * 86_400;
      expect(nextTan(session, 'committed', midnight - 1, rules)).toBeNull();
      session = nextTan(session, 'committed', midnight, rules) as Session;
      expect(session.tanNumber).toBe(day);
    }
    expect(nextTan(session, 'committed', NOW + 3 * 86_400, rules)).toBeNull();
  });

  it('in any order of asking, recording, committing, expiring and forgetting: two committed at most', ({ expect }) => {
    type Row = 'issued' | 'committed' | 'expired' | 'forgotten';
    const action = fc.constantFrom('ask', 'record', 'commit', 'wait', 'forget');
    const wait = fc.integer({ min: 1, max: 40_000 });
    fc.assert(
      fc.property(fc.array(fc.tuple(action, wait), { maxLength: 60 }), (steps) => {
        let [session, now] = [fresh, NOW];
        const ledger = new Map<number, { state: Row; until: number }>();
        const commits: number[] = [];
        for (const [what, seconds] of steps) {
          if (what === 'wait') now += seconds;
          for (const row of ledger.values()) if (row.state === 'issued' && now >= row.until) row.state = 'expired';
          const row = ledger.get(session.tanNumber);
          const wasGiven = session.firstTanAt !== null;
          if (what === 'ask') {
            const known = row === undefined || row.state === 'forgotten' ? 'gone' : row.state;
            session = nextTan(session, known === 'issued' ? 'live' : known, now, SHORT) ?? session;
          } else if (what === 'record' && wasGiven && row === undefined) {
            ledger.set(session.tanNumber, { state: 'issued', until: now + SHORT.lifetimeSeconds });
          } else if (what === 'commit' && row?.state === 'issued') {
            row.state = 'committed';
            commits.push(Math.floor(now / 86_400));
          } else if (what === 'forget' && row !== undefined && now >= row.until + 7200) row.state = 'forgotten';
        }
        expect(commits.length).toBeLessThanOrEqual(TANS_WITHOUT_FOLLOW_UPS);
      }),
      { seed: 1, numRuns: 5000 },
    );
  });
});

it('a session lives at least as long as the TAN it gave answers, whenever it was asked', ({ expect }) => {
  fc.assert(
    fc.property(fc.nat(SESSION_LIFETIME_SECONDS - 1), fc.integer({ min: 1, max: 14 * 86_400 }), (asked, lifetime) => {
      const rules = { ...RULES, lifetimeSeconds: lifetime };
      const session = nextTan(fresh, 'gone', NOW + asked, rules) as Session;
      expect(session.expiresAt).toBeGreaterThanOrEqual(NOW + asked + longestAnswerOfTan(lifetime));
      expect(session.expiresAt).toBeGreaterThanOrEqual(fresh.expiresAt);
    }),
    { seed: 1 },
  );
});

it('a session lives at least as long as the result it may have to show', ({ expect }) => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 100 * 86_400 }), (later) => {
      const keptUntil = NOW + later + SESSION_LIFETIME_SECONDS;
      expect(isLive(keptFor(fresh, keptUntil), keptUntil - 1)).toBe(true);
      expect(keptFor(keptFor(fresh, keptUntil), null).expiresAt).toBe(keptUntil);
    }),
    { seed: 3 },
  );
});

it('a session that ended has nothing that leads to a test', ({ expect }) => {
  const session = laboratorySession('ab'.repeat(32), `x${'c'.repeat(63)}`, NOW);
  for (const state of ['deleted', 'void'] as const) {
    const over = ended(session, state);
    expect(JSON.stringify(over)).not.toMatch(/abab|cccc/);
    expect(register(over, fresh, NOW)?.granted).toBe(false);
  }
});
