import { describe, it } from 'vitest';
import { PAD_HEADER, levelAnswer, padFor, type LevelStatus } from './level-answer.ts';

const STATUSES: LevelStatus[] = [200, 201, 400, 401, 403, 404, 405, 412, 413, 415, 429, 500, 503];
/** RFC 9110 §15: the phrase is part of the status line in HTTP/1.1. */
const PHRASE_LENGTHS: Record<LevelStatus, number> = {
  200: 2,
  201: 7,
  400: 11,
  401: 12,
  403: 9,
  404: 9,
  405: 18,
  412: 19,
  413: 17,
  415: 22,
  429: 17,
  500: 21,
  503: 19,
};

describe('answers of one size', () => {
  it('phrase and pad are of one length together', ({ expect }) => {
    expect(new Set(STATUSES.map((status) => PHRASE_LENGTHS[status] + padFor(status, true).length)).size).toBe(1);
  });

  it('where no phrase is sent the pad is constant', ({ expect }) => {
    expect(new Set(STATUSES.map((status) => padFor(status, false))).size).toBe(1);
  });

  it('is never empty, since a header without a value may be dropped', ({ expect }) => {
    expect(Math.min(...STATUSES.map((status) => padFor(status, true).length))).toBe(1);
  });

  it('has no body, is never cached, and names the same headers whatever the status', async ({ expect }) => {
    const answers = STATUSES.map((status) => levelAnswer(status, true, { 'cwa-saved-checkins': '0' }));
    const names = ['cache-control', 'content-encoding', 'cwa-saved-checkins', PAD_HEADER];
    for (const [i, answer] of answers.entries()) {
      expect(answer.status).toBe(STATUSES[i]);
      expect([...answer.headers.keys()]).toEqual(names);
      expect(answer.headers.get('cache-control')).toBe('no-store, no-transform');
      expect(await answer.text()).toBe('');
    }
  });
});
