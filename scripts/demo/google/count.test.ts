/** @module The figures of the story of Google's dialect: none that is wrong goes by. */
import { describe, it } from 'vitest';
import { type Figures, wrongIn } from './count.ts';

const RIGHT: Figures = {
  inserted: { is: 10, wanted: 10 },
  published: { is: 10, wanted: 10 },
  nextDay: { is: 2, wanted: 2 },
  revised: { is: 3, wanted: 3 },
  takenBack: { is: 4, wanted: 4 },
  newWhenRevised: 0,
  stillThere: 0,
  saidTwice: 0,
  withdrawn: 1,
  looks: [{ expected: 5, found: 5, missed: 0, wrong: 0 }],
  sizes: new Map([['/v1/publish', { requests: 2, sent: new Set([8]), answered: new Set([5]) }]]),
};

const sizes = (sent: readonly number[], answered: readonly number[]) =>
  new Map([['/v1/publish', { requests: 2, sent: new Set(sent), answered: new Set(answered) }]]);

describe('figures', () => {
  it('that are as they were to be are right', ({ expect }) => {
    expect(wrongIn(RIGHT)).toEqual([]);
  });

  it.for<[string, Partial<Figures>]>([
    ['keys that were new to the server: 9, 10 were to be', { inserted: { is: 9, wanted: 10 } }],
    ['keys published of those sent: 9, 10 were to be', { published: { is: 9, wanted: 10 } }],
    ['keys of the next day that were new: 3, 2 were to be', { nextDay: { is: 3, wanted: 2 } }],
    ['keys revised: 0, 3 were to be', { revised: { is: 0, wanted: 3 } }],
    ['keys taken back: 5, 4 were to be', { takenBack: { is: 5, wanted: 4 } }],
    ['keys that were new when something else was said of them: 1, 0 were to be', { newWhenRevised: 1 }],
    ['keys taken back that a new phone gets: 1, 0 were to be', { stillThere: 1 }],
    ['keys of which something was said anew twice: 1, 0 were to be', { saidTwice: 1 }],
    ['no warning was taken back: the negative tests show nothing', { withdrawn: 0 }],
    ['sizes of requests to /v1/publish: 2, 1 were to be', { sizes: sizes([8, 9], [5]) }],
    ['sizes of answers of /v1/publish: 2, 1 were to be', { sizes: sizes([8], [5, 6]) }],
    [
      'look 1: no phone was to find anything: it shows nothing',
      { looks: [{ expected: 0, found: 0, missed: 0, wrong: 0 }] },
    ],
    ['look 1: 1 encounters were missed', { looks: [{ expected: 5, found: 4, missed: 1, wrong: 0 }] }],
    [
      'look 1: 1 encounters were found that never happened, or were taken back',
      { looks: [{ expected: 5, found: 5, missed: 0, wrong: 1 }] },
    ],
  ])('that are wrong are said: %s', ([line, wrong], { expect }) => {
    expect(wrongIn({ ...RIGHT, ...wrong })).toEqual([line]);
  });
});
