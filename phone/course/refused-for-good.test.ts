/**
 * @module What can never be accepted is neither kept nor sent for ever; what may be is.
 */
import { describe, it } from 'vitest';
import parameters from '../../parameters/default.json' with { type: 'json' };
import { VerificationEdge } from '../../test/support/verification-edge.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import { decodeSubmissionPayload } from '../../protocol/submission-payload.ts';
import { LivedPhone } from '../../test/support/lived-phone.ts';
import { currentKey, endedKeys, type TekHistory } from '../radio/tek-schedule.ts';
import { memoryStore } from '../store.ts';
import { testRandom } from '../testing/random.ts';
import { withOnset } from '../upload/onset.ts';
import type { UploadContent } from '../upload/upload-request.ts';
import type { OpeningCode } from '../verification/codes.ts';
import { share } from './cover-traffic.ts';
import {
  type CoursePorts,
  openTest,
  pollTest,
  shareKeys,
  shareLastKey,
  stateOf,
  type TestState,
} from './test-course.ts';

const NOON = Date.UTC(2026, 5, 15, 12) / 1000;
const DAY = 86_400;
const CODE: OpeningCode = { keyType: 'TELETAN', key: 'ABCDEFGHJK', keyDob: null };
const DONE = { ok: true, value: null };
const refusedWith = (kind: string) => ({ ok: false, error: { kind } });

/** What a request says of itself (docs/decisions/025). */
function isReal(body: unknown): boolean {
  if (typeof body === 'string') return !(JSON.parse(body) as { cover: boolean }).cover;
  const payload = body instanceof Uint8Array ? decodeSubmissionPayload(body) : null;
  return payload?.ok === true && payload.value.cover !== true;
}

/** A phone that was installed today: it has no ended key until tomorrow. */
class Newcomer {
  readonly random = testRandom('newcomer');
  readonly edge = new VerificationEdge(this.random, NOON);
  readonly store = memoryStore<TestState>();
  /** Real requests to a route, by the end of its path, that are answered with this status instead. */
  refuses: { route: string; status: number } | null = null;
  history: TekHistory = currentKey([], NOON, this.random).history;

  live(now: number): void {
    this.edge.now = now;
    this.history = currentKey(this.history, now, this.random).history;
  }

  get ports(): CoursePorts {
    const [url, clock] = ['http://edge.test', (): number => this.edge.now];
    const fetch: CoursePorts['fetch'] = async (to, init) => {
      const isRefused = this.refuses !== null && to.endsWith(this.refuses.route) && isReal(init?.body);
      return isRefused ? new Response(null, { status: this.refuses?.status ?? 0 }) : this.edge.fetch(to, init);
    };
    const { random, store } = this;
    return { fetch, baseUrl: url, verificationUrl: url, random, clock, store, settings: parameters };
  }

  content(
    keys = withOnset(endedKeys(this.history, this.edge.now), { kind: 'not-said' }, this.edge.now),
  ): UploadContent {
    return { keys, visitedCountries: ['DE'], consentToFederation: true, submissionType: 0 };
  }

  async sharing() {
    const state = await stateOf(this.ports);
    return state !== null && 'sharing' in state ? state.sharing : undefined;
  }

  async positive(): Promise<void> {
    this.edge.issue(CODE, () => 2);
    await openTest(CODE, this.ports);
  }
}

/** Routes that may refuse an upload, and what the person is told then. */
const REFUSALS = [
  { route: '/tan', status: 400, advice: 'ask-hotline' },
  { route: '/tan', status: 403, advice: 'ask-hotline' },
  { route: '/diagnosis-keys', status: 403, advice: 'ask-hotline' },
  { route: '/diagnosis-keys', status: 400, advice: 'report-a-fault' },
  { route: '/diagnosis-keys', status: 413, advice: 'report-a-fault' },
] as const;

describe('an upload without a key', () => {
  it('is not kept and asks nobody; the key of the next day is stored', async ({ expect }) => {
    const phone = new Newcomer();
    await phone.positive();
    const before = phone.edge.seen.length;
    expect(await shareKeys(phone.content(), phone.ports)).toEqual(refusedWith('not-now'));
    expect([await phone.sharing(), phone.edge.seen.length]).toEqual([null, before]);
    phone.live(NOON + DAY);
    expect(await shareKeys(phone.content(), phone.ports)).toEqual(DONE);
    expect(phone.edge.stored).toEqual(phone.content().keys.map(({ keyData }) => toHex(keyData)));
    expect(phone.edge.stored).toHaveLength(1);
  });

  it('that an older phone kept is forgotten', async ({ expect }) => {
    const phone = new Newcomer();
    await phone.positive();
    const state = await stateOf(phone.ports);
    if (state?.stage !== 'registered') throw new Error('not registered');
    await phone.store.save({ ...state, sharing: { content: phone.content([]), consentedAt: NOON, tan: null } });
    phone.live(NOON + DAY);
    expect(await shareKeys(phone.content(), phone.ports)).toEqual(DONE);
    expect(phone.edge.stored).toHaveLength(1);
  });

  it('is no step of a course', async ({ expect }) => {
    const phone = new LivedPhone(NOON, parameters, testRandom('no step'));
    await phone.scan('typed', () => 2);
    const before = await phone.ports.timetable.load();
    const empty = { keys: [], visitedCountries: [], consentToFederation: true, submissionType: 0 } as const;
    expect(await share(empty, phone.ports)).toEqual(refusedWith('not-now'));
    expect(await phone.ports.timetable.load()).toEqual(before);
  });
});

it('content past a limit is a fault of the app, asks nobody and is not kept', async ({ expect }) => {
  const phone = new Newcomer();
  await phone.positive();
  const before = phone.edge.seen.length;
  const [key] = withOnset(phone.history, { kind: 'none' }, NOON);
  const keys = Array.from({ length: 100 }, () => ({ ...key!, keyData: phone.random(16) }));
  expect(await shareKeys(phone.content(keys), phone.ports)).toEqual(refusedWith('report-a-fault'));
  expect([await phone.sharing(), phone.edge.seen.length]).toEqual([null, before]);
});

describe('an upload that is refused for good', () => {
  it.for(REFUSALS)('by $route with $status is forgotten: $advice', async ({ advice, ...refusal }, { expect }) => {
    const phone = new Newcomer();
    await phone.positive();
    phone.live(NOON + DAY);
    phone.refuses = refusal;
    expect(await shareKeys(phone.content(), phone.ports)).toEqual(refusedWith(advice));
    expect(await phone.sharing()).toBeNull();
    // What has ended by then is shared anew, not what was refused.
    phone.refuses = null;
    phone.live(NOON + 2 * DAY);
    const { keys } = phone.content();
    expect(keys).toHaveLength(2);
    expect(await shareKeys(phone.content(), phone.ports)).toEqual(DONE);
    expect(phone.edge.stored).toHaveLength(2);
  });

  it('under a TAN of an earlier attempt asks once for another TAN, and no more', async ({ expect }) => {
    const phone = new Newcomer();
    await phone.positive();
    phone.live(NOON + DAY);
    const script = ['delivered', 'delivered', 'lost'] as const;
    let request = 0;
    phone.edge.fate = () => script[request++] ?? 'delivered';
    expect(await shareKeys(phone.content(), phone.ports)).toEqual(refusedWith('try-again'));
    phone.refuses = { route: '/diagnosis-keys', status: 403 };
    expect(await shareKeys(phone.content(), phone.ports)).toEqual(refusedWith('try-again'));
    expect(await phone.sharing()).toMatchObject({ tan: null });
    expect(await shareKeys(phone.content(), phone.ports)).toEqual(refusedWith('ask-hotline'));
    expect(await phone.sharing()).toBeNull();
  });

  it.for(REFUSALS)(
    'of the key of the day, by $route with $status, is not sent again',
    async ({ advice, ...refusal }, { expect }) => {
      const phone = new Newcomer();
      await phone.positive();
      phone.live(NOON + DAY);
      expect(await shareKeys(phone.content(), phone.ports)).toEqual(DONE);
      const state = await stateOf(phone.ports);
      phone.live(state?.stage === 'shared' ? (state.keyAt ?? 0) : 0);
      phone.refuses = refusal;
      const last = () =>
        shareLastKey((keys) => withOnset(keys, { kind: 'none' }, phone.edge.now), phone.history, phone.ports);
      expect(await last()).toEqual(refusedWith(advice));
      const before = phone.edge.seen.length;
      expect(await last()).toEqual(refusedWith('not-now'));
      expect(phone.edge.seen).toHaveLength(before);
    },
  );
});

describe('what may still be accepted', () => {
  it.for([408, 429, 500, 503])('is kept after %i, and sent as it was', async (status, { expect }) => {
    const phone = new Newcomer();
    await phone.positive();
    phone.live(NOON + DAY);
    phone.refuses = { route: '/diagnosis-keys', status };
    expect(await shareKeys(phone.content(), phone.ports)).toEqual(refusedWith('try-again'));
    const kept = await phone.sharing();
    expect(kept?.content).toEqual(phone.content());
    phone.refuses = null;
    phone.live(NOON + 2 * DAY);
    expect(await shareKeys(phone.content(), phone.ports)).toEqual(DONE);
    expect(phone.edge.stored).toHaveLength(1);
  });

  it('a test whose poll is refused keeps its token', async ({ expect }) => {
    const phone = new Newcomer();
    await phone.positive();
    phone.refuses = { route: '/testresult', status: 403 };
    expect(await pollTest(phone.ports)).toEqual(refusedWith('ask-hotline'));
    phone.refuses = null;
    expect(await pollTest(phone.ports)).toEqual({ ok: true, value: 'positive' });
  });
});
