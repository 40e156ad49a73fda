/**
 * Question: are real uploads among twenty times as many dummies taken, each durably and once, and does every answer leave
 * at the one deadline, whatever it answers?
 *
 * RATE_FACTOR 1 is 150 real uploads and 3,000 dummies a second (docs/architecture.md §12), 13 million cases a day. TANs are
 * verification's own. That each accepted upload is stored once, and no dummy made a call, load-tests/driver/cli.ts asserts from the
 * counters of the objects.
 */
import { arrival, RATE_FACTOR, TARGETS, options as loadOptions } from './lib/settings.ts';
import { sendDummy, sendReal } from './lib/uploads.ts';

export { handleSummary } from './lib/summary.ts';

const { realPerSecond, decoysPerReal, answerDeadlineMilliseconds, deadlineSpreadMillisecondsP95 } = TARGETS.upload;
const latest = answerDeadlineMilliseconds + deadlineSpreadMillisecondsP95;
/** A session is its deadline long, and a little. */
const SESSION_SECONDS = answerDeadlineMilliseconds / 1000 + 0.5;

/** ONLY=real or ONLY=dummies: one kind alone, to tell what each costs in CPU. */
const ONLY = __ENV['ONLY'];

export const options = loadOptions({
  scenarios: {
    ...(ONLY === 'dummies' ? {} : { real: arrival(realPerSecond * RATE_FACTOR, 'real', SESSION_SECONDS) }),
    ...(ONLY === 'real'
      ? {}
      : { dummies: arrival(realPerSecond * decoysPerReal * RATE_FACTOR, 'dummy', SESSION_SECONDS) }),
  },
  correctness: { http_req_failed: ['rate==0'] },
  times: { 'answer_after{kind:real}': [`p(95)<${latest}`], 'answer_after{kind:dummy}': [`p(95)<${latest}`] },
});

export const real = sendReal;
export const dummy = sendDummy;
