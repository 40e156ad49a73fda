/**
 * Question: are uploads of Google's dialect among twenty times as much chaff taken, each durably and once, and does every answer leave at the one deadline with one size?
 *
 * RATE_FACTOR 1 is 150 uploads and 3,000 pieces of chaff a second, as of the other dialect. Certificates are those of an authority of the run's own, so that nothing but `POST /v1/publish` is loaded
 * (verification-certificate.ts is the way to one). That each accepted upload is stored once, and no chaff made a call, load-tests/driver/stages.ts asserts from the counters of the objects.
 */
import { check } from 'k6';
import { Counter } from 'k6/metrics';
import { chaffFor, inOneShape, ownRequest, sendGoogle } from './lib/google.ts';
import { session } from './lib/session.ts';
import { arrival, RATE_FACTOR, TARGETS, options as loadOptions } from './lib/settings.ts';

export { handleSummary } from './lib/summary.ts';

const { realPerSecond, decoysPerReal, answerBytes } = TARGETS.publish;
const { answerDeadlineMilliseconds, deadlineSpreadMillisecondsP95 } = TARGETS.upload;
const latest = answerDeadlineMilliseconds + deadlineSpreadMillisecondsP95;
/** A session is its deadline long, and a little. */
const SESSION_SECONDS = answerDeadlineMilliseconds / 1000 + 0.5;
const PATH = '/v1/publish';

/** Uploads that were answered 200 with all of their keys: each must be found again, once. */
const accepted = new Counter('uploads_accepted');

export const options = loadOptions({
  scenarios: {
    real: arrival(realPerSecond * RATE_FACTOR, 'real', SESSION_SECONDS),
    chaff: arrival(realPerSecond * decoysPerReal * RATE_FACTOR, 'chaff', SESSION_SECONDS),
  },
  correctness: { http_req_failed: ['rate==0'] },
  times: { 'answer_after{kind:real}': [`p(95)<${latest}`], 'answer_after{kind:chaff}': [`p(95)<${latest}`] },
});

const shape = inOneShape(answerBytes);

export const real = session(() => {
  const answer = sendGoogle(ownRequest(), 'real');
  const good = check(answer, {
    'upload is 200': (r) => r.status === 200,
    'all keys are new, and a token is given': (r) =>
      r.status === 200 && r.json('insertedExposures') === 14 && typeof r.json('revisionToken') === 'string',
    ...shape,
  });
  if (good) accepted.add(1);
  return good;
});

export const chaff = session(() =>
  check(sendGoogle(chaffFor(PATH), 'chaff'), {
    'chaff is 200': (r) => r.status === 200,
    'chaff stores nothing': (r) => r.status === 200 && r.json('insertedExposures') === undefined,
    ...shape,
  }),
);
