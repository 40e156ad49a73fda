/**
 * @module From the code to the second upload, with a network that loses whatever it likes.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, it } from 'vitest';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { type OpeningCode, scanQrCode } from '../verification/codes.ts';
import { withOnset } from '../upload/onset.ts';
import { fileStore, memoryStore } from '../store.ts';
import { currentKey, endedKeys, type TekHistory } from '../radio/tek-schedule.ts';
import {
  type Advice,
  consentToFollowUp,
  type CoursePorts,
  deleteTest,
  isTestState,
  openTest,
  pollTest,
  resumeTest,
  shareKeys,
  shareLastKey,
  type TestState,
} from './test-course.ts';
import { GRACE_SECONDS, type SharingSettings } from './grace.ts';
import parameters from '../../parameters/default.json' with { type: 'json' };
import { testRandom } from '../testing/random.ts';
import { type Fate, VerificationEdge } from '../../test/support/verification-edge.ts';
import type { UploadContent } from '../upload/upload-request.ts';

const NOON = Date.UTC(2026, 5, 15, 12) / 1000;
const DAY = 86_400;
const SEED = 20_260_614;
const GUID = '3D6D08-9AB3CD10-1F2E-4D5C-8B7A-0123456789AB';
const HOTLINE: OpeningCode = { keyType: 'TELETAN', key: 'ABCDEFGHJK', keyDob: null };

class Person {
  readonly random = testRandom('person');
  readonly edge = new VerificationEdge(this.random, NOON);
  readonly store = memoryStore<TestState>();
  history: TekHistory = [];
  result = 2;
  settings: SharingSettings = parameters;

  constructor() {
    for (let day = 14; day >= 0; day--) this.live(NOON - day * DAY);
    this.edge.issue(this.code, () => this.result);
  }

  get code(): OpeningCode {
    const scanned = scanQrCode(`https://localhost/?${GUID}`);
    if (!scanned.ok) throw new Error('no code');
    return scanned.value;
  }

  get ports(): CoursePorts {
    const { fetch } = this.edge;
    const url = 'http://edge.test';
    const clock = (): number => this.edge.now;
    const { random, store, settings } = this;
    return { fetch, baseUrl: url, verificationUrl: url, random, clock, store, settings };
  }

  live(now: number): void {
    this.edge.now = now;
    this.history = currentKey(this.history, now, this.random).history;
  }

  get content(): UploadContent {
    const keys = withOnset(endedKeys(this.history, this.edge.now), { kind: 'not-said' }, this.edge.now);
    return { keys, visitedCountries: ['DE'], consentToFederation: true, submissionType: 0 };
  }

  share() {
    return shareKeys(this.content, this.ports);
  }

  shareLast() {
    const share = (keys: Parameters<typeof withOnset>[0]) => withOnset(keys, { kind: 'not-said' }, this.edge.now);
    return shareLastKey(share, this.history, this.ports);
  }
}

const refusedWith = (kind: Advice['kind']) => ({ ok: false, error: { kind } });
const namesOf = (keys: readonly { keyData: Uint8Array }[]): string[] => keys.map(({ keyData }) => toHex(keyData));

describe('a course', () => {
  it('scans, polls until the result is there, shares, and shares the day’s key on the next day', async ({ expect }) => {
    const person = new Person();
    person.result = 0;
    expect(await openTest(person.code, person.ports)).toEqual({ ok: true, value: 'pending' });
    expect(await person.share()).toEqual(refusedWith('ask-hotline'));
    expect(await pollTest(person.ports)).toEqual({ ok: true, value: 'pending' });
    person.result = 2;
    expect(await pollTest(person.ports)).toEqual({ ok: true, value: 'positive' });
    const past = namesOf(endedKeys(person.history, NOON));
    expect(await person.share()).toEqual({ ok: true, value: null });
    expect(person.edge.stored).toEqual(past);
    // Today's key has not ended yet.
    expect(await person.shareLast()).toEqual(refusedWith('not-now'));
    const today = currentKey(person.history, NOON, person.random).key;
    person.live(NOON + DAY);
    expect(await person.shareLast()).toEqual({ ok: true, value: null });
    expect(person.edge.stored).toEqual([...past, toHex(today.keyData)]);
    expect(await person.shareLast()).toEqual(refusedWith('not-now'));
  });

  it.for([
    { code: 0, result: 'pending' },
    { code: 1, result: 'negative' },
    { code: 3, result: 'invalid' },
    { code: 4, result: 'redeemed' },
    { code: 6, result: 'negative' },
    { code: 7, result: 'positive' },
  ])('reads result $code as $result', async ({ code, result }, { expect }) => {
    const person = new Person();
    person.result = code;
    expect(await openTest(person.code, person.ports)).toEqual({ ok: true, value: result });
  });

  it('on a phone that was installed anew ends at the hotline, whose teleTAN opens it again', async ({ expect }) => {
    const person = new Person();
    await openTest(person.code, person.ports);
    const again = { ...person.ports, store: memoryStore<TestState>() };
    expect(await openTest(person.code, again)).toEqual(refusedWith('ask-hotline'));
    person.edge.issue(HOTLINE, () => 2);
    expect(await openTest(HOTLINE, again)).toEqual({ ok: true, value: 'positive' });
    expect(await shareKeys(person.content, again)).toEqual({ ok: true, value: null });
    expect(person.edge.stored).toHaveLength(14);
  });

  it('tells "try again" from "ask the hotline"', async ({ expect }) => {
    const person = new Person();
    const offline: Fate[] = ['lost', 'answer-lost', 'busy'];
    for (const fate of offline) {
      person.edge.fate = () => fate;
      expect(await openTest(person.code, person.ports), fate).toEqual(refusedWith('try-again'));
    }
    person.edge.fate = () => 'delivered';
    expect(await openTest({ ...person.code, key: '0'.repeat(64) }, person.ports)).toEqual(refusedWith('ask-hotline'));
    expect(await pollTest(person.ports)).toEqual(refusedWith('not-now'));
  });

  it('makes up for an upload whose end the server lost, and then uses the second TAN', async ({ expect }) => {
    const person = new Person();
    await openTest(person.code, person.ports);
    person.edge.losesCommits = true;
    expect(await person.share()).toEqual({ ok: true, value: null });
    person.live(NOON + DAY);
    expect(await person.shareLast()).toEqual(refusedWith('try-again'));
    expect(await person.shareLast()).toEqual({ ok: true, value: null });
    expect(new Set(person.edge.stored).size).toBe(15);
    expect(person.edge.stored).toHaveLength(15);
  });

  it('gets another TAN when the first expired before the upload came through', async ({ expect }) => {
    const person = new Person();
    await openTest(person.code, person.ports);
    // The TAN arrives, the upload doesn't.
    const script: Fate[] = ['delivered', 'delivered', 'lost'];
    person.edge.fate = () => script.shift() ?? 'delivered';
    expect(await person.share()).toEqual(refusedWith('try-again'));
    person.edge.expireTans();
    expect(await person.share()).toEqual(refusedWith('try-again'));
    expect(await person.share()).toEqual({ ok: true, value: null });
    expect(person.edge.stored).toHaveLength(14);
  });

  it('shares the day’s key too when the first upload came through only after midnight', async ({ expect }) => {
    const person = new Person();
    await openTest(person.code, person.ports);
    const script: Fate[] = ['delivered', 'delivered', 'lost'];
    person.edge.fate = () => script.shift() ?? 'delivered';
    expect(await person.share()).toEqual(refusedWith('try-again'));
    person.live(NOON + DAY);
    expect(await person.share()).toEqual({ ok: true, value: null });
    expect(await person.shareLast()).toEqual({ ok: true, value: null });
    const ended = namesOf(endedKeys(person.history, NOON + DAY));
    expect(person.edge.stored.slice(1)).toEqual(ended);
  });

  it('waits with the day’s key for the time that was drawn with the consent, and not past the 24 hours of grace', async ({
    expect,
  }) => {
    const person = new Person();
    await openTest(person.code, person.ports);
    await person.share();
    const loaded = await person.store.load();
    const state = loaded.ok ? loaded.value : null;
    const keyAt = (state?.stage === 'shared' && state.keyAt) || 0;
    expect(keyAt).toBeGreaterThanOrEqual(NOON + DAY / 2);
    person.live(keyAt - 1);
    expect(await person.shareLast()).toEqual(refusedWith('not-now'));
    person.live(NOON + GRACE_SECONDS + 1);
    expect(await person.shareLast()).toEqual(refusedWith('not-now'));
    person.live(keyAt);
    expect(await person.shareLast()).toEqual({ ok: true, value: null });
  });

  it('shares keys of follow-up days where they are configured: a consent, a TAN and a key a day', async ({
    expect,
  }) => {
    const person = new Person();
    person.settings = { ...parameters, coverTraffic: { followUpDays: 2 } };
    person.edge.followUpDays = 2;
    await openTest(person.code, person.ports);
    await person.share();
    expect(await consentToFollowUp(person.ports)).toEqual(refusedWith('not-now'));
    for (let day = 1; day <= 3; day++) {
      person.live(NOON + day * DAY);
      expect(await person.shareLast()).toEqual({ ok: true, value: null });
      expect(person.edge.stored).toHaveLength(14 + day);
      expect(await person.shareLast()).toEqual(refusedWith('not-now'));
      const agreed = await consentToFollowUp(person.ports);
      expect(agreed).toEqual(day < 3 ? { ok: true, value: null } : refusedWith('not-now'));
      expect(await consentToFollowUp(person.ports)).toEqual(refusedWith('not-now'));
    }
    expect(new Set(person.edge.stored).size).toBe(17);
  });

  it('goes on after a restart, from its state on disk', async ({ expect }) => {
    const folder = await mkdtemp(join(tmpdir(), 'phone-course-'));
    try {
      const person = new Person();
      const ports = () => ({ ...person.ports, store: fileStore(join(folder, 'test.json'), isTestState) });
      const script: Fate[] = ['answer-lost'];
      person.edge.fate = () => script.shift() ?? 'delivered';
      expect(await openTest(person.code, ports())).toEqual(refusedWith('try-again'));
      expect(await resumeTest(ports())).toEqual({ ok: true, value: 'positive' });
      script.push('delivered', 'delivered', 'answer-lost');
      expect(await shareKeys(person.content, ports())).toEqual(refusedWith('try-again'));
      expect(await shareKeys({ ...person.content, consentToFederation: false }, ports())).toEqual({
        ok: true,
        value: null,
      });
      expect(person.edge.stored).toHaveLength(14);
      const loaded = await ports().store.load();
      expect(loaded).toMatchObject({ ok: true, value: { stage: 'shared', content: { consentToFederation: true } } });
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('can be deleted by the person, on the phone and at the server', async ({ expect }) => {
    const person = new Person();
    await openTest(person.code, person.ports);
    person.edge.fate = () => 'lost';
    expect(await deleteTest(person.ports)).toEqual(refusedWith('try-again'));
    person.edge.fate = () => 'delivered';
    expect(await deleteTest(person.ports)).toEqual({ ok: true, value: null });
    expect(await person.share()).toEqual(refusedWith('not-now'));
    expect(await openTest(person.code, person.ports)).toEqual(refusedWith('ask-hotline'));
  });
});

describe('whatever the network loses', () => {
  const fates = fc.array(fc.constantFrom<Fate>('delivered', 'lost', 'answer-lost', 'busy'), { maxLength: 60 });

  it('nobody’s authorisation is lost, and each key is stored exactly once', async ({ expect }) => {
    await fc.assert(
      fc.asyncProperty(fates, fc.boolean(), async (script, losesCommits) => {
        const person = new Person();
        person.edge.losesCommits = losesCommits;
        let request = 0;
        person.edge.fate = () => script[request++] ?? 'delivered';
        const persist = async (attempt: () => Promise<{ ok: boolean; error?: Advice }>): Promise<void> => {
          for (let tries = 0; tries < 70; tries++) {
            const outcome = await attempt();
            if (outcome.ok) return;
            expect(outcome.error).toEqual({ kind: 'try-again' });
          }
          throw new Error('never came through');
        };
        await persist(async () => {
          const loaded = await person.store.load();
          const isBegun = loaded.ok && loaded.value?.stage === 'registering';
          return isBegun ? resumeTest(person.ports) : openTest(person.code, person.ports);
        });
        await persist(() => person.share());
        person.live(NOON + DAY);
        await persist(() => person.shareLast());
        expect(person.edge.stored).toHaveLength(15);
        expect(new Set(person.edge.stored).size).toBe(15);
      }),
      { seed: SEED, numRuns: 150 },
    );
  });
});
