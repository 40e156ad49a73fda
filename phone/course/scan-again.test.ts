/**
 * @module An attempt to open a test leaves the one that runs alone until it has succeeded, wherever the phone dies.
 */
import { describe, it } from 'vitest';
import parameters from '../../parameters/default.json' with { type: 'json' };
import { LivedPhone } from '../../test/support/lived-phone.ts';
import { type Fate, VerificationEdge } from '../../test/support/verification-edge.ts';
import { currentKey, endedKeys, type TekHistory } from '../radio/tek-schedule.ts';
import { memoryStore, type Store } from '../store.ts';
import { testRandom } from '../testing/random.ts';
import { withOnset } from '../upload/onset.ts';
import type { OpeningCode } from '../verification/codes.ts';
import { open, wake } from './cover-traffic.ts';
import { type CoursePorts, deleteTest, openTest, pollTest, resumeTest, shareKeys, stateOf } from './test-course.ts';
import { isTestState, type TestState } from './test-state.ts';

const NOON = Date.UTC(2026, 5, 15, 12) / 1000;
const DAY = 86_400;
const A: OpeningCode = { keyType: 'GUID', key: 'aa'.repeat(32), keyDob: null };
const B: OpeningCode = { keyType: 'GUID', key: 'bb'.repeat(32), keyDob: null };
const C: OpeningCode = { keyType: 'GUID', key: 'cc'.repeat(32), keyDob: null };

class Person {
  readonly random = testRandom('scan again');
  readonly edge = new VerificationEdge(this.random, NOON);
  store: Store<TestState> = memoryStore<TestState>();
  history: TekHistory = [];
  results: Record<string, number> = {};

  constructor(...issued: OpeningCode[]) {
    for (let day = 3; day >= 0; day--) this.history = currentKey(this.history, NOON - day * DAY, this.random).history;
    for (const code of issued) this.edge.issue(code, () => this.results[code.key] ?? 0);
  }

  get ports(): CoursePorts {
    const { fetch } = this.edge;
    const [url, clock] = ['http://edge.test', (): number => this.edge.now];
    const { random, store } = this;
    return { fetch, baseUrl: url, verificationUrl: url, random, clock, store, settings: parameters };
  }

  get content() {
    const keys = withOnset(endedKeys(this.history, NOON), { kind: 'not-said' }, NOON);
    return { keys, visitedCountries: [], consentToFederation: true, submissionType: 0 } as const;
  }

  network(...script: Fate[]): void {
    this.edge.fate = () => script.shift() ?? 'delivered';
  }

  async onDisk(): Promise<TestState | null> {
    const loaded = await this.store.load();
    return loaded.ok ? loaded.value : null;
  }
}

/** Writes, then no more: the phone is off. */
function dying(store: Store<TestState>, writes: number, isLastKept: boolean): Store<TestState> {
  let left = writes;
  return {
    load: () => store.load(),
    save: async (state) => {
      left -= 1;
      if (left > 0 || (left === 0 && isLastKept)) await store.save(state);
      if (left <= 0) throw new Error('power lost');
    },
  };
}

const PENDING = { ok: true, value: 'pending' };
const refusedWith = (kind: string) => ({ ok: false, error: { kind } });

describe('a test that runs', () => {
  it('stays when its own code is scanned again, and nobody is asked', async ({ expect }) => {
    const person = new Person(A);
    expect(await openTest(A, person.ports)).toEqual(PENDING);
    expect(await pollTest(person.ports)).toEqual(PENDING);
    const before = person.edge.seen.length;
    expect(await openTest(A, person.ports)).toEqual(PENDING);
    expect(person.edge.seen).toHaveLength(before);
    expect(await pollTest(person.ports)).toEqual(PENDING);
    person.results[A.key] = 2;
    expect(await pollTest(person.ports)).toEqual({ ok: true, value: 'positive' });
    expect((await shareKeys(person.content, person.ports)).ok).toBe(true);
    expect(await openTest(A, person.ports)).toEqual({ ok: true, value: 'positive' });
    expect(await stateOf(person.ports)).toMatchObject({ stage: 'shared' });
  });

  it('stays when another code is refused', async ({ expect }) => {
    const person = new Person(A);
    await openTest(A, person.ports);
    await pollTest(person.ports);
    expect(await openTest(B, person.ports)).toEqual(refusedWith('ask-hotline'));
    expect(await pollTest(person.ports)).toEqual(PENDING);
    // The refused code is not asked about again.
    expect(await resumeTest(person.ports)).toEqual(refusedWith('not-now'));
  });

  it.for<Fate>(['lost', 'answer-lost', 'busy'])(
    'stays while another is %s, and can be shared',
    async (fate, { expect }) => {
      const person = new Person(A, B);
      await openTest(A, person.ports);
      person.network(fate);
      expect(await openTest(B, person.ports)).toEqual(refusedWith('try-again'));
      person.results[A.key] = 2;
      expect(await pollTest(person.ports)).toEqual({ ok: true, value: 'positive' });
      expect(isTestState(JSON.parse(JSON.stringify(await person.onDisk())))).toBe(true);
      // The other one goes on beside it.
      expect(await resumeTest(person.ports)).toEqual(PENDING);
      expect(await stateOf(person.ports)).toMatchObject({ stage: 'registered', codeKey: B.key });
    },
  );

  it('gives way to another whose token is there', async ({ expect }) => {
    const person = new Person(A, B);
    await openTest(A, person.ports);
    expect(await openTest(B, person.ports)).toEqual(PENDING);
    person.results[B.key] = 1;
    expect(await pollTest(person.ports)).toEqual({ ok: true, value: 'negative' });
  });

  it('does not give way while its keys are being shared', async ({ expect }) => {
    const person = new Person(A, B);
    person.results[A.key] = 2;
    await openTest(A, person.ports);
    person.network('delivered', 'delivered', 'lost');
    expect(await shareKeys(person.content, person.ports)).toEqual(refusedWith('try-again'));
    expect(await openTest(B, person.ports)).toEqual(refusedWith('finish-sharing'));
    expect((await shareKeys(person.content, person.ports)).ok).toBe(true);
    expect(await openTest(B, person.ports)).toEqual(PENDING);
  });

  it('that can’t be read is not written over, but by a person who deletes it', async ({ expect }) => {
    const person = new Person(A);
    const saved: TestState[] = [];
    for (const kind of ['unreadable', 'corrupt'] as const) {
      const error = kind === 'corrupt' ? { kind, path: 'test.json' } : { kind, path: 'test.json', code: 'EIO' };
      person.store = {
        load: () => Promise.resolve({ ok: false, error }),
        save: (state) => Promise.resolve(void saved.push(state)),
      };
      expect(await openTest(A, person.ports)).toEqual(refusedWith('state-unreadable'));
      expect(await pollTest(person.ports)).toEqual(refusedWith('state-unreadable'));
      expect(await shareKeys(person.content, person.ports)).toEqual(refusedWith('state-unreadable'));
      expect([saved, person.edge.seen]).toEqual([[], []]);
    }
    expect((await deleteTest(person.ports)).ok).toBe(true);
    expect(saved).toEqual([{ stage: 'finished' }]);
  });
});

describe('an attempt without an answer', () => {
  it('outlives a newer one that is refused', async ({ expect }) => {
    const person = new Person(A);
    person.network('answer-lost');
    expect(await openTest(A, person.ports)).toEqual(refusedWith('try-again'));
    expect(await openTest(C, person.ports)).toEqual(refusedWith('ask-hotline'));
    expect(await resumeTest(person.ports)).toEqual(PENDING);
    expect(await stateOf(person.ports)).toMatchObject({ codeKey: A.key });
  });

  it('never takes the place of a newer one that succeeded', async ({ expect }) => {
    const person = new Person(A, B);
    person.network('lost');
    await openTest(A, person.ports);
    expect(await openTest(B, person.ports)).toEqual(PENDING);
    expect(await resumeTest(person.ports)).toEqual(refusedWith('not-now'));
    expect(await stateOf(person.ports)).toMatchObject({ codeKey: B.key });
  });
});

describe('a phone that dies at any of its writes', () => {
  const deaths = [1, 2, 3].flatMap((writes) => [true, false].map((isKept) => ({ writes, isKept })));
  it.for(deaths)(
    'write $writes of another scan, kept: $isKept: has one of the two, and its result',
    async (death, { expect }) => {
      const person = new Person(A, B);
      Object.assign(person.results, { [A.key]: 1, [B.key]: 3 });
      await openTest(A, person.ports);
      const store = dying(person.store, death.writes, death.isKept);
      await expect(openTest(B, { ...person.ports, store })).rejects.toThrow('power lost');
      const alive = await stateOf(person.ports);
      const isNew = death.writes > 2 || (death.writes === 2 && death.isKept);
      expect(alive).toMatchObject({ stage: 'registered', codeKey: isNew ? B.key : A.key });
      expect(await pollTest(person.ports)).toEqual({ ok: true, value: isNew ? 'invalid' : 'negative' });
    },
  );

  it.for([true, false])('of a refused scan, kept: %s: has the test that runs', async (isKept, { expect }) => {
    for (const writes of [1, 2]) {
      const person = new Person(A);
      await openTest(A, person.ports);
      const store = dying(person.store, writes, isKept);
      await expect(openTest(B, { ...person.ports, store })).rejects.toThrow('power lost');
      expect(await pollTest(person.ports)).toEqual(PENDING);
      // What is left of the attempt ends with the same answer.
      const resumed = await resumeTest(person.ports);
      expect([refusedWith('ask-hotline'), refusedWith('not-now')]).toContainEqual(resumed);
      expect(await pollTest(person.ports)).toEqual(PENDING);
    }
  });
});

describe('the timetable', () => {
  const alone = { ...parameters, coverTraffic: { ...parameters.coverTraffic, probabilityPerDay: 0 } };
  const courseOfTest = async (phone: LivedPhone) => {
    const loaded = await phone.ports.timetable.load();
    return loaded.ok ? loaded.value : null;
  };

  it('goes on with the course of the test that runs while another code is refused, which is feigned to its end', async ({
    expect,
  }) => {
    const phone = new LivedPhone(NOON, alone, testRandom('refused'));
    await phone.scan('scanned', () => 0);
    const before = await courseOfTest(phone);
    expect(await open(B, 'scanned', phone.ports)).toEqual(refusedWith('ask-hotline'));
    const after = await courseOfTest(phone);
    expect(after?.real).toEqual(before?.real);
    expect([after?.opening, after?.feigned.length]).toEqual([null, 1]);
    // The same code again is nothing on the wire, and no course.
    const seen = phone.edge.seen.length;
    expect(await open({ keyType: 'GUID', key: 'ab'.repeat(32), keyDob: null }, 'scanned', phone.ports)).toEqual(
      PENDING,
    );
    expect(phone.edge.seen).toHaveLength(seen);
    expect(await courseOfTest(phone)).toEqual(after);
  });

  it('tries an attempt without an answer again, beside the test that runs, which then gives way', async ({
    expect,
  }) => {
    const phone = new LivedPhone(NOON, alone, testRandom('busy'));
    await phone.scan('scanned', () => 0);
    const running = (await courseOfTest(phone))?.real;
    phone.edge.issue(B, () => 1);
    phone.edge.fate = () => 'busy';
    expect(await open(B, 'scanned', phone.ports)).toEqual(refusedWith('try-again'));
    const waiting = await courseOfTest(phone);
    expect([waiting?.real, waiting?.opening?.failures]).toEqual([running, 1]);
    phone.edge.fate = () => 'delivered';
    phone.at(waiting?.opening?.next.at ?? 0);
    await phone.wake();
    expect(await stateOf(phone.ports)).toMatchObject({ codeKey: B.key, result: 'negative' });
    expect(await courseOfTest(phone)).toMatchObject({ opening: null, feigned: [{ course: { startedAt: NOON } }] });
  });

  it('finds the test of a phone that died between the token and what comes next', async ({ expect }) => {
    const phone = new LivedPhone(NOON, alone, testRandom('died'));
    phone.edge.issue(B, () => 0);
    let saves = 0;
    const { timetable } = phone.ports;
    const save = (value: Parameters<typeof timetable.save>[0]) => {
      saves += 1;
      return saves === 2 ? Promise.reject(new Error('power lost')) : timetable.save(value);
    };
    await expect(open(B, 'scanned', { ...phone.ports, timetable: { ...timetable, save } })).rejects.toThrow(
      'power lost',
    );
    await wake(() => Promise.resolve({ ok: true, value: null }), phone.ports);
    const kept = await courseOfTest(phone);
    expect(kept).toMatchObject({ opening: null, real: { startedAt: NOON } });
    expect(await stateOf(phone.ports)).toMatchObject({ codeKey: B.key, result: 'pending' });
  });
});
