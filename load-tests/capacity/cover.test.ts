import { readFileSync } from 'node:fs';
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { CONFIG_CACHE, HEAD_META } from '../../domain/publication/head.ts';
import { type Parameters, parseParameters } from '../../protocol/parameters/document.ts';
import measured from '../measured.json' with { type: 'json' };
import targets from '../targets.json' with { type: 'json' };
import { type Assumptions, ours } from './assumptions.ts';
import { attackedSchedules, attackOn } from './attacked.ts';
import { monthlyBill, SERVING } from './bill.ts';
import { capacity } from './model.ts';
import { asPrivacyTable, privacyChart, weigh } from './privacy.ts';
import { type Schedule, scheduleOf } from './schedule.ts';
import { tcpIpOf } from './tcp-ip.ts';

const DEFAULT = defaults();
const RESULTS = readFileSync('benchmarks/results/attack-cover.md', 'utf8');
const ATTACKED = attackedSchedules(RESULTS, DEFAULT);
const SCHEDULE = scheduleOf(DEFAULT);

function defaults(): Parameters {
  const parsed = parseParameters(JSON.parse(readFileSync('parameters/default.json', 'utf8')));
  if (!parsed.ok) throw new Error('parameters/default.json is refused');
  return parsed.value;
}

function changed(cover: Partial<Parameters['coverTraffic']>, polling: Partial<Parameters['polling']> = {}): Parameters {
  return {
    ...DEFAULT,
    coverTraffic: { ...DEFAULT.coverTraffic, ...cover },
    polling: { ...DEFAULT.polling, ...polling },
  };
}

const by = (schedule: Schedule | null): Assumptions => ours(measured, 'manifest', 'hourly', schedule);
const total = (a: Assumptions, serving: (typeof SERVING)[number] = 'r2-for-all'): number =>
  monthlyBill(serving, a, capacity(a), targets.prices).total;

describe('what a document has a phone do', () => {
  it('is what the attack counted of the same schedules, to three hundredths', ({ expect }) => {
    const rows = [...RESULTS.matchAll(/^\| ([^|]+) \| AUC [^|;]+; ([\d.]+) requests/gm)];
    const counted = new Map(rows.map(([, name = '', requests]) => [name, Number(requests)]));
    expect(ATTACKED).toHaveLength(7);
    for (const { name, parameters } of ATTACKED) {
      const { coursesPerPhone, actionsPerCourse } = scheduleOf(parameters);
      // Written with one digit.
      expect(Math.abs(3 * coursesPerPhone * actionsPerCourse - (counted.get(name) ?? 0))).toBeLessThan(
        0.05 + 0.03 * (counted.get(name) ?? 0),
      );
    }
  });

  it('is 24 polls of each kind, as they are asked for each hour, and follows the document', ({ expect }) => {
    expect([SCHEDULE.keyPollsPerDay, SCHEDULE.parameterPollsPerDay]).toEqual([24, 24]);
    const parameters = { intervalSeconds: 21_600, spreadSeconds: 3_600 };
    const seldom = scheduleOf(changed({}, { parameters }));
    expect([seldom.keyPollsPerDay, seldom.parameterPollsPerDay]).toEqual([24, 4]);
    // Who is shut out asks once when the window opens.
    const atNight = scheduleOf(changed({}, { windows: [{ fromMinute: 0, toMinute: 360 }] }));
    expect(atNight.parameterPollsPerDay).toBeLessThan(8);
  });

  it('is twice as much with one follow-up', ({ expect }) => {
    const twice = scheduleOf(changed({ followUpPlaybooks: 1 }));
    expect(twice.actionsPerCourse / SCHEDULE.actionsPerCourse).toBeCloseTo(2, 1);
  });
});

describe('60 million phones, by hand', () => {
  /** Until decision 026: an action a phone and day. */
  const former = { ...by(SCHEDULE), coursesPerPhone: 0.1, actionsPerCourse: 10, questionCpuMilliseconds: 0 };
  const c = capacity(former);

  it('of one action a day are 694 uploads and 1,389 questions a second', ({ expect }) => {
    expect(c.uploadRequestsPerSecond).toBeCloseTo(60e6 / 86_400, 6);
    expect(c.verificationRequestsPerSecond).toBeCloseTo((2 * 60e6) / 86_400, 6);
  });

  it('and cost 1,700 to 1,900 dollars a month', ({ expect }) => {
    const bill = monthlyBill('r2-for-all', former, c, targets.prices);
    // 180 million requests a day, less 10 million a month; uploads' CPU, less 30 million ms.
    expect(bill.requests).toBeCloseTo(5 + (30 * 180 - 10) * 0.3, 6);
    const cpu = 30 * (59.998 * measured.dummyCpuMilliseconds + 0.002 * measured.uploadCpuMilliseconds) - 30;
    expect(bill.cpu).toBeCloseTo(cpu * 0.02, 6);
    expect(bill.total).toBeGreaterThan(1_700);
    expect(bill.total).toBeLessThan(1_900);
  });

  it('that poll parameters each hour are 1.44 billion requests a day, which cost nothing from the bucket', ({
    expect,
  }) => {
    const a = { ...by(SCHEDULE), retryShare: 0, parameterRefreshesPerDay: 0 };
    expect(capacity(a).configRequestsPerDay).toBe(1_440e6);
    const [worker, bucket] = [total(a, 'r2-custom-domain'), total(a, 'r2-for-all')];
    expect(worker - bucket).toBeCloseTo(30 * 1_440 * 0.3, 0);
  });

  it('pay for handshakes, bodies and headers of TCP and IP: the bytes are the sum of their parts', ({ expect }) => {
    const a = { ...by(SCHEDULE), retryShare: 0, parameterRefreshesPerDay: 0 };
    const bare = capacity({ ...by(null), retryShare: 0 });
    const { actionsPerPhone, bytesPerPhone, tcpIpBytesPerPhone, keyBytesPerPhone } = capacity(a);
    const polls = 24 * measured.bytesPerUnchangedPoll;
    expect(keyBytesPerPhone).toBe(bare.bytesPerPhone);
    expect(bytesPerPhone).toBeCloseTo(bare.bytesPerPhone + polls + actionsPerPhone * measured.bytesPerCoverAction, 6);
    // 52 bytes around each segment of 1,448, and around half as many acknowledgements; seven more a connection.
    const segments = Math.ceil(bytesPerPhone / 1_448) * 1.5 + 7 * (24 + 24 + 2 * actionsPerPhone);
    expect(tcpIpBytesPerPhone).toBeCloseTo(52 * segments, 6);
    expect(tcpIpOf([1_448, 1], 1)).toBe(52 * (3 + 7));
  });
});

describe('the bill of cover', () => {
  it('grows as phones do, beyond what is included', ({ expect }) => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), (times) => {
        const at = (phones: number): number => total({ ...by(SCHEDULE), phones });
        const [one, two, many] = [at(2e8), at(4e8), at(2e8 * (times + 1))];
        expect(many).toBeCloseTo(one + times * (two - one), 4);
      }),
      { seed: 1, numRuns: 30 },
    );
  });

  it('without cover, tests and polls of parameters is what it was', ({ expect }) => {
    const none: Schedule = {
      ...SCHEDULE,
      coursesPerPhone: 0,
      testsPerPhone: 0,
      parameterPollsPerDay: 0,
      parameterRefreshesPerDay: 0,
    };
    const before = { ...by(null), decoysPerReal: 0 };
    for (const serving of SERVING.filter((way) => way !== 'cloud-egress')) {
      expect(total(by(none), serving)).toBeCloseTo(total(before, serving), 6);
    }
    expect(total(by(null), 'r2-custom-domain').toFixed(2)).toBe('74.65');
  });

  it('follows the document: a third of the courses is a third of the requests, and tests of people stay', ({
    expect,
  }) => {
    const third = by(scheduleOf(changed({ probabilityPerDay: 0.1 })));
    const [less, shipped] = [capacity(third), capacity(by(SCHEDULE))];
    expect(less.verificationRequestsPerDay / shipped.verificationRequestsPerDay).toBeCloseTo(1 / 3, 9);
    expect(total(third)).toBeLessThan(total(by(SCHEDULE)) / 2);
    // Nobody feigns: there are the courses of those who are tested.
    const people = capacity(by(scheduleOf(changed({ probabilityPerDay: 0 }))));
    expect(people.actionsPerPhone).toBeCloseTo(SCHEDULE.testsPerPhone * SCHEDULE.actionsPerCourse, 9);
  });

  it("takes lives of heads from what is served, CWA's lists' and the estimates' from theirs", ({ expect }) => {
    expect([HEAD_META.cacheControl, CONFIG_CACHE]).toEqual(['public, max-age=60', 'public, max-age=300']);
    const { headTtlSeconds, configTtlSeconds } = by(SCHEDULE);
    expect([headTtlSeconds, configTtlSeconds]).toEqual([60, 300]);
    expect(ours(measured, 'cwa', 'hourly').headTtlSeconds).toBe(300);
  });
});

describe('privacy against cost', () => {
  it('reads what was attacked: the default tells least of those that keep to 0.60', ({ expect }) => {
    expect(attackOn(DEFAULT, ATTACKED)?.name).toBe('parameters/default.json');
    expect(ATTACKED.filter(({ worstAuc }) => worstAuc <= 0.6).map(({ name }) => name)).toEqual([
      'parameters/default.json',
    ]);
    expect(attackOn(changed({ probabilityPerDay: 0.25 }), ATTACKED)).toBe(null);
    // The size of an upload is no time.
    expect(attackOn(changed({ uploadBodyBytes: 4_096 }), ATTACKED)).not.toBe(null);
    expect(() => attackedSchedules('# nothing', DEFAULT)).toThrow(/attack-cover\.md has no schedule/);
  });

  it('prices each schedule, the cheapest first, and marks the chosen one', ({ expect }) => {
    const weighed = weigh(by(SCHEDULE), DEFAULT, ATTACKED.slice(0, 3), targets.prices);
    const prices = weighed.map(({ dollarsPerMonth }) => dollarsPerMonth);
    expect(prices).toEqual(prices.toSorted((m, n) => m - n));
    const [chosen, ...others] = weighed.filter(({ isChosen }) => isChosen);
    expect(others).toEqual([]);
    // 0.0034 tests a phone and day among 0.3 courses (decision 026).
    expect(chosen?.realShare).toBeCloseTo(0.0115, 4);
    expect(chosen?.posterior).toBe(0.29);
    expect(asPrivacyTable(weighed)).toMatch(/^→ parameters\/default\.json .* 0\.58 +29 %$/m);
    expect(privacyChart(weighed)).not.toMatch(/NaN|Infinity|undefined/);
  });

  it('says so where nobody attacked the schedule given', ({ expect }) => {
    const mine = changed({ probabilityPerDay: 0.25 });
    const weighed = weigh(by(scheduleOf(mine)), mine, ATTACKED.slice(0, 1), targets.prices);
    expect(weighed).toHaveLength(2);
    expect(weighed.find(({ isChosen }) => isChosen)).toMatchObject({ posterior: null, worstAuc: null });
    expect(asPrivacyTable(weighed)).toContain('nobody attacked its schedule');
  });
});
