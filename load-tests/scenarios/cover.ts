/**
 * Question: are the actions that every phone feigns answered as real ones are, each at the one deadline and of one size, without a call of an object?
 *
 * An action is two questions to verification on one connection, one after the other, then an upload on another (phone/course/playbook.ts). RATE_FACTOR 1 is what parameters/default.json has 30 million phones
 * play, so a change of the schedule is a change of the load; beside it chaff of Google's dialect. Requests are the reference phone's own (load-tests/driver/prepare-cover.ts).
 * Count and time are bounded: DURATION, and `mostSessionsPerSecond` of targets.json. That none made a call of an object, load-tests/driver/stages.ts asserts.
 */
import { check } from 'k6';
import { SharedArray } from 'k6/data';
import encoding from 'k6/encoding';
import http from 'k6/http';
import { Trend } from 'k6/metrics';
import { clientHeaders } from './lib/client.ts';
import { chaffFor, inOneShape, type Prepared, sendGoogle } from './lib/google.ts';
import { session } from './lib/session.ts';
import { arrival, edgeAt, RATE_FACTOR, REQUEST_TIMEOUT, TARGETS, options as loadOptions } from './lib/settings.ts';
import { postDummy } from './lib/uploads.ts';
import { asItStands } from './lib/verification.ts';

export { handleSummary } from './lib/summary.ts';

const FILE = __ENV['UPLOADS'] ?? '';
const part = <T>(name: string): T[] =>
  new SharedArray(`cover ${name}`, () => (JSON.parse(open(FILE)) as Record<string, T[]>)[name] ?? []);
/** The two of an action. */
const QUESTIONS = part<readonly [Prepared, Prepared]>('questions');
const [ACTIONS_PER_PHONE = 0] = part<number>('actionsPerPhone');

const SECONDS_PER_DAY = 86_400;
const { chaffPerAction, mostSessionsPerSecond } = TARGETS.cover;
const { answerDeadlineMilliseconds, deadlineSpreadMillisecondsP95 } = TARGETS.upload;
const latest = answerDeadlineMilliseconds + deadlineSpreadMillisecondsP95;
const perSecond = (TARGETS.rates.phones30Million.phones * ACTIONS_PER_PHONE * RATE_FACTOR) / SECONDS_PER_DAY;
const bounded = (rate: number): number => Math.min(rate, mostSessionsPerSecond);
/** Three answers, and a little. */
const SESSION_SECONDS = 3 * (answerDeadlineMilliseconds / 1000) + 0.5;
const answerAfter = new Trend('answer_after', true);

/** ONLY=questions, actions or chaff: one kind alone, to tell what each costs. */
const ONLY = __ENV['ONLY'] ?? '';
const ALL = {
  actions: arrival(bounded(perSecond), 'action', SESSION_SECONDS),
  chaff: arrival(bounded(perSecond * chaffPerAction), 'chaff', SESSION_SECONDS),
};
const ALONE = { ...ALL, questions: arrival(bounded(perSecond), 'questions', SESSION_SECONDS) };

export const options = loadOptions({
  scenarios: ONLY === '' ? ALL : Object.fromEntries(Object.entries(ALONE).filter(([name]) => name === ONLY)),
  correctness: { http_req_failed: ['rate==0'] },
  times: { answer_after: [`p(95)<${latest}`] },
});

/** Asks both, the second when the first is answered, since the phone waits. @returns whether both were answered as they must be */
function askBoth(edge: string): boolean {
  const both = QUESTIONS[Math.floor(Math.random() * QUESTIONS.length)];
  if (both === undefined) throw new Error('no question was prepared');
  for (const { path, headers, body } of both) {
    const answer = http.post(`${edge}${path}`, encoding.b64decode(body, 'std'), {
      headers: { ...headers, ...clientHeaders() },
      tags: { name: `dummy ${path}`, kind: 'question' },
      responseType: 'text',
      timeout: REQUEST_TIMEOUT,
    });
    answerAfter.add(answer.timings.waiting, { kind: 'question' });
    const good = check(answer, {
      'question is 200 or 201': (r) => r.status === 200 || r.status === 201,
      ...asItStands,
    });
    if (!good) return false;
  }
  return true;
}

/** Verification's host and upload's are two. */
const hosts = (): readonly [string, string] => {
  const first = Math.floor(Math.random() * 3);
  return [edgeAt(first), edgeAt(first + 1)];
};

export const action = session(() => {
  const [verification, upload] = hosts();
  return askBoth(verification) && postDummy(upload);
});

export const questions = session(() => askBoth(hosts()[0]));

const shape = inOneShape(TARGETS.publish.answerBytes);

export const chaff = session(() =>
  check(sendGoogle(chaffFor('/v1/publish'), 'chaff'), {
    'chaff is 200': (r) => r.status === 200,
    'chaff stores nothing': (r) => r.status === 200 && r.json('insertedExposures') === undefined,
    ...shape,
  }),
);
