/**
 * Question: do phones that wait for a test result get an answer at the deadline, real ones and dummies alike?
 *
 * A phone registers its test once and then asks every few hours (docs/spec/cwa.md §3.1); the answer of a test without a result is
 * "pending". Questions are as CWA's apps send them: 250 bytes, `cwa-fake`, and what their HTTP libraries add. RATE_FACTOR 1 is 150 polls a second, 4.3 million waiting phones that ask every eight hours; a twentieth of the
 * requests are real.
 */
import { check } from 'k6';
import { Trend } from 'k6/metrics';
import { session } from './lib/session.ts';
import { arrival, RATE_FACTOR, TARGETS, options as loadOptions } from './lib/settings.ts';
import { ask, asItStands, PENDING, registerTests } from './lib/verification.ts';

export { handleSummary } from './lib/summary.ts';

const { realPerSecond, decoysPerReal, answerDeadlineMilliseconds, deadlineSpreadMillisecondsP95 } = TARGETS.upload;
const POLLS_PER_SECOND = realPerSecond * RATE_FACTOR;
const SESSION_SECONDS = answerDeadlineMilliseconds / 1000 + 0.5;
const answerAfter = new Trend('answer_after', true);
const TESTS = 10;

export const options = loadOptions({
  scenarios: {
    real: arrival(POLLS_PER_SECOND, 'real', SESSION_SECONDS),
    dummies: arrival(POLLS_PER_SECOND * decoysPerReal, 'dummy', SESSION_SECONDS),
  },
  correctness: { http_req_failed: ['rate==0'] },
  times: { answer_after: [`p(95)<${answerDeadlineMilliseconds + deadlineSpreadMillisecondsP95}`] },
});

interface Registered {
  readonly tokens: readonly string[];
}

/** Registers the tests that are asked for. */
export function setup(): Registered {
  return { tokens: registerTests(TESTS) };
}

export const real = session<Registered>(({ tokens }) => {
  const registrationToken = tokens[Math.floor(Math.random() * tokens.length)];
  const answer = ask('testresult', { registrationToken }, { kind: 'real' });
  answerAfter.add(answer.timings.waiting, { kind: 'real' });
  return check(answer, {
    'test result is 200': (r) => r.status === 200,
    'test is pending': (r) => r.status === 200 && r.json('testResult') === PENDING,
    ...asItStands,
  });
});

export const dummy = session<Registered>(({ tokens }) => {
  const answer = ask('testresult', { registrationToken: tokens[0] }, { fake: '1', kind: 'dummy' });
  answerAfter.add(answer.timings.waiting, { kind: 'dummy' });
  return check(answer, { 'dummy is 200': (r) => r.status === 200, ...asItStands });
});
