/**
 * Question: do phones that wait for a test result get an answer at the deadline, real ones and dummies alike?
 *
 * A phone registers its test once and then asks every few hours (docs/spec/cwa.md §3.1); the answer of a test without a result is
 * "pending". Questions are as CWA's apps send them: 250 bytes, `cwa-fake`, and what their HTTP libraries add. RATE_FACTOR 1 is 150 polls a second, 4.3 million waiting phones that ask every eight hours; a twentieth of the
 * requests are real.
 */
import { check } from 'k6';
import { randomBytes } from 'k6/crypto';
import http from 'k6/http';
import { Trend } from 'k6/metrics';
import { clientHeaders } from './lib/client.ts';
import { anyEdge, arrival, COMMON, RATE_FACTOR, TARGETS, thresholds } from './lib/settings.ts';
import { textOf } from './lib/phone.ts';

export { handleSummary } from './lib/summary.ts';

const { realPerSecond, decoysPerReal, answerDeadlineMilliseconds, deadlineSpreadMillisecondsP95 } = TARGETS.upload;
const POLLS_PER_SECOND = realPerSecond * RATE_FACTOR;
const SESSION_SECONDS = answerDeadlineMilliseconds / 1000 + 0.5;
const answerAfter = new Trend('answer_after', true);
/** A test without a result (docs/spec/cwa.md §3.1). */
const PENDING = 0;
const TESTS = 10;
/** Body of each question, and of each answer (docs/spec/cwa.md §1.3). */
const BODY_BYTES = 250;
/** Characters that make up for the length of a route's name (docs/spec/cwa.md §1.3). */
const HEADER_PADDING = { registrationToken: 0, testresult: 7 } as const;

const hex = (characters: number): string =>
  Array.from(new Uint8Array(randomBytes(Math.max(1, Math.ceil(characters / 2)))), (byte) =>
    byte.toString(16).padStart(2, '0'),
  )
    .join('')
    .slice(0, characters);

export const options = {
  ...COMMON,
  scenarios: {
    real: arrival(POLLS_PER_SECOND, 'real', SESSION_SECONDS),
    dummies: arrival(POLLS_PER_SECOND * decoysPerReal, 'dummy', SESSION_SECONDS),
  },
  thresholds: thresholds(
    { checks: ['rate==1'], http_req_failed: ['rate==0'] },
    { answer_after: [`p(95)<${answerDeadlineMilliseconds + deadlineSpreadMillisecondsP95}`] },
  ),
};

function post(route: keyof typeof HEADER_PADDING, question: object, fake: '0' | '1', kind: string) {
  const missing = BODY_BYTES - JSON.stringify({ ...question, requestPadding: '' }).length;
  const body = JSON.stringify({ ...question, requestPadding: hex(missing) });
  return http.post(`${anyEdge()}/version/v1/${route}`, body, {
    headers: {
      'Content-Type': 'application/json',
      'cwa-fake': fake,
      'cwa-header-padding': hex(HEADER_PADDING[route]),
      ...clientHeaders(),
    },
    tags: { name: kind, kind },
    timeout: '20s',
  });
}

/** Registers the tests that are asked for. */
export function setup(): { readonly tokens: string[] } {
  const tokens = Array.from({ length: TESTS }, () => {
    const answer = post('registrationToken', { key: hex(64), keyType: 'GUID' }, '0', 'registration');
    if (answer.status !== 201) throw new Error(`registration was answered ${answer.status}: ${textOf(answer)}`);
    const token = answer.json('registrationToken');
    if (typeof token !== 'string') throw new Error('registration was answered without a token');
    return token;
  });
  return { tokens };
}

/** k6 undoes encodings unseen: an answer that was encoded shows by its headers alone. */
const asItStands = {
  'answer has its one size, not encoded': (r: { readonly headers: Readonly<Record<string, string>> }) =>
    r.headers['Content-Encoding'] === 'identity' && r.headers['Content-Length'] === String(BODY_BYTES),
};

export function real({ tokens }: { readonly tokens: string[] }): void {
  const registrationToken = tokens[Math.floor(Math.random() * tokens.length)];
  const answer = post('testresult', { registrationToken }, '0', 'real');
  answerAfter.add(answer.timings.waiting, { kind: 'real' });
  check(answer, {
    'test result is 200': (r) => r.status === 200,
    'test is pending': (r) => r.status === 200 && r.json('testResult') === PENDING,
    ...asItStands,
  });
}

export function dummy({ tokens }: { readonly tokens: string[] }): void {
  const answer = post('testresult', { registrationToken: tokens[0] }, '1', 'dummy');
  answerAfter.add(answer.timings.waiting, { kind: 'dummy' });
  check(answer, { 'dummy is 200': (r) => r.status === 200, ...asItStands });
}
