import { describe, it } from 'vitest';
import type { Fetch } from '../http.ts';
import { withOnset } from './onset.ts';
import { currentKey, endedKeys, type TekHistory } from '../radio/tek-schedule.ts';
import { testRandom } from '../testing/random.ts';
import { sendDummy, upload } from './upload.ts';
import { uploadRequest, type UploadContent } from './upload-request.ts';

const NOON = Date.UTC(2026, 5, 15, 12) / 1000;
const TAN = '8ad7be4f-8c43-4d4f-9f5c-3b2a1c0d9e8f';
const random = testRandom('upload');

function historyOf(days: number): TekHistory {
  let history: TekHistory = [];
  for (let day = days; day >= 0; day--) history = currentKey(history, NOON - day * 86_400, random).history;
  return history;
}

const keys = withOnset(endedKeys(historyOf(14), NOON), { kind: 'not-said' }, NOON);
const content: UploadContent = { keys, visitedCountries: ['FR'], consentToFederation: true, submissionType: 0 };
const ports = (fetch: Fetch) => ({ fetch, baseUrl: 'http://edge.test', random });
const answer =
  (status: number): Fetch =>
  () =>
    Promise.resolve(new Response(null, { status }));

describe('what an answer means for the person', () => {
  it.for([
    { status: 200, outcome: { ok: true, value: null } },
    { status: 400, outcome: { ok: false, error: { kind: 'refused', status: 400 } } },
    { status: 403, outcome: { ok: false, error: { kind: 'ask-hotline', status: 403 } } },
    { status: 404, outcome: { ok: false, error: { kind: 'refused', status: 404 } } },
    { status: 429, outcome: { ok: false, error: { kind: 'try-again', status: 429 } } },
    { status: 500, outcome: { ok: false, error: { kind: 'try-again', status: 500 } } },
    { status: 503, outcome: { ok: false, error: { kind: 'try-again', status: 503 } } },
  ])('$status', async ({ status, outcome }, { expect }) => {
    expect(await upload(TAN, content, ports(answer(status)))).toEqual(outcome);
  });

  it('no answer', async ({ expect }) => {
    const offline: Fetch = () => Promise.reject(new TypeError('fetch failed'));
    const error = { kind: 'try-again', status: null };
    expect(await upload(TAN, content, ports(offline))).toEqual({ ok: false, error });
    expect(await sendDummy(ports(offline))).toBeNull();
  });
});

describe('what is never sent', () => {
  const send = (tan: string, change: Partial<UploadContent>) => uploadRequest(tan, { ...content, ...change }, random);

  it('no key, or more than 30', ({ expect }) => {
    const [first] = keys;
    if (first === undefined) throw new Error('no key');
    for (const wrong of [[], Array(31).fill(first)]) {
      const error = { kind: 'key-count', count: wrong.length, limit: 30 };
      expect(send(TAN, { keys: wrong })).toEqual({ ok: false, error });
    }
  });

  it('a TAN of another length, which would show in the size', ({ expect }) => {
    expect(send('short', {})).toMatchObject({ ok: false, error: { kind: 'tan-length', length: 5 } });
  });

  it('more than fits into the one size', ({ expect }) => {
    const countries = Array.from({ length: 480 }, () => 'FR');
    expect(send(TAN, { visitedCountries: countries })).toMatchObject({ ok: false, error: { kind: 'too-large' } });
  });
});

describe('symptoms (docs/spec/cwa.md §2.2, "client rule")', () => {
  it.for([
    { symptoms: { kind: 'days-ago', days: 3 }, newest: 2, oldest: -11 },
    { symptoms: { kind: 'days-ago', days: 0 }, newest: -1, oldest: -14 },
    { symptoms: { kind: 'last-seven-days' }, newest: 700, oldest: 687 },
    { symptoms: { kind: 'one-to-two-weeks' }, newest: 707, oldest: 694 },
    { symptoms: { kind: 'more-than-two-weeks' }, newest: 714, oldest: 701 },
    { symptoms: { kind: 'no-date' }, newest: 1999, oldest: 1986 },
    { symptoms: { kind: 'none' }, newest: 2999, oldest: 2986 },
    { symptoms: { kind: 'not-said' }, newest: 3999, oldest: 3986 },
  ] as const)('$symptoms.kind', ({ symptoms, newest, oldest }, { expect }) => {
    const shared = withOnset(endedKeys(historyOf(14), NOON), symptoms, NOON);
    expect(shared.at(-1)?.daysSinceOnsetOfSymptoms).toBe(newest);
    expect(shared[0]?.daysSinceOnsetOfSymptoms).toBe(oldest);
  });
});
