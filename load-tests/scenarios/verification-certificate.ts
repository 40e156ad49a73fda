/**
 * Question: do people with a code get a token and a certificate, each at the deadline, among twenty times as much chaff?
 *
 * A session is what an app of Google's dialect does before it uploads: a code for a token, the token for a certificate (docs/spec/google.md §5.3). RATE_FACTOR 1 is 150 sessions and 3,000 of chaff a second.
 * That each led to one claim and one certificate of `CodeStore`, and chaff to none, load-tests/driver/stages.ts asserts from its counters.
 */
import { check } from 'k6';
import { randomBytes } from 'k6/crypto';
import encoding from 'k6/encoding';
import { Counter } from 'k6/metrics';
import { chaffFor, inOneShape, ownRequest, questionLike, sendGoogle } from './lib/google.ts';
import { session } from './lib/session.ts';
import { arrival, RATE_FACTOR, TARGETS, options as loadOptions } from './lib/settings.ts';

export { handleSummary } from './lib/summary.ts';

const { realPerSecond, decoysPerReal, answerBytes } = TARGETS.certificate;
const { answerDeadlineMilliseconds, deadlineSpreadMillisecondsP95 } = TARGETS.upload;
/** Two answers. */
const SESSION_SECONDS = 2 * (answerDeadlineMilliseconds / 1000) + 0.5;
const [VERIFY, CERTIFICATE] = ['/api/verify', '/api/certificate'] as const;
/** Of an HMAC-SHA-256. */
const MAC_BYTES = 32;

const certificates = new Counter('certificates_given');

export const options = loadOptions({
  scenarios: {
    real: arrival(realPerSecond * RATE_FACTOR, 'real', SESSION_SECONDS),
    chaff: arrival(realPerSecond * decoysPerReal * RATE_FACTOR, 'chaff', SESSION_SECONDS),
  },
  correctness: { http_req_failed: ['rate==0'] },
  times: { answer_after: [`p(95)<${answerDeadlineMilliseconds + deadlineSpreadMillisecondsP95}`] },
});

const shape = inOneShape(answerBytes);

export const real = session(() => {
  const question = ownRequest();
  const verified = sendGoogle(question, 'real');
  const hasToken = check(verified, {
    'code is taken': (r) => r.status === 200,
    'a token is given': (r) => r.status === 200 && typeof r.json('token') === 'string',
    ...shape,
  });
  if (!hasToken) return false;
  const fields = { token: verified.json('token'), ekeyhmac: encoding.b64encode(randomBytes(MAC_BYTES), 'std') };
  const certified = sendGoogle(questionLike(question, CERTIFICATE, fields), 'real');
  const good = check(certified, {
    'token is taken': (r) => r.status === 200,
    'a certificate is given': (r) => r.status === 200 && /"certificate":"[\w-]+\.[\w-]+\.[\w-]{86}"/.test(r.body ?? ''),
    ...shape,
  });
  if (good) certificates.add(1);
  return good;
});

export const chaff = session(() =>
  [VERIFY, CERTIFICATE]
    .map((path) => check(sendGoogle(chaffFor(path), 'chaff'), { 'chaff is 200': (r) => r.status === 200, ...shape }))
    .every(Boolean),
);
