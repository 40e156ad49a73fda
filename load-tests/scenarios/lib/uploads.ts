/**
 * @module Uploads and dummies as the reference phone makes them. k6 can't run its protobuf code, so load-tests/driver/cli.ts writes the
 * requests to a file beforehand (UPLOADS), each with a TAN of its own; a real upload is sent once.
 */
import { check } from 'k6';
import { SharedArray } from 'k6/data';
import encoding from 'k6/encoding';
import exec from 'k6/execution';
import http from 'k6/http';
import { Counter, Trend } from 'k6/metrics';
import { clientHeaders } from './client.ts';
import { session } from './session.ts';
import { anyEdge, REQUEST_TIMEOUT, TARGETS } from './settings.ts';

/** One prepared request: headers as they are, body in base64. */
interface Prepared {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const FILE = __ENV['UPLOADS'] ?? '';
/** Real uploads, one for each iteration. */
const REAL = new SharedArray('uploads', () => (JSON.parse(open(FILE)) as { real: Prepared[] }).real);
/** Dummies; any may be sent again. */
const DUMMIES = new SharedArray('dummies', () => (JSON.parse(open(FILE)) as { dummies: Prepared[] }).dummies);

/** TANs of this system whose life is over. */
const EXPIRED = new SharedArray('expired', () => (JSON.parse(open(FILE)) as { expired: string[] }).expired);

/** Real uploads that were answered 200: each must be found again, once. */
const accepted = new Counter('uploads_accepted');
/** From the last byte sent to the first byte of the answer: the deadline, whatever was sent. */
const answerAfter = new Trend('answer_after', true);

const UPLOAD_PATH = '/version/v1/diagnosis-keys';
/** Timers of Worker and k6 round differently. */
const EARLY_MILLISECONDS = 25;

/** Body of a real upload, for the flood to copy. */
export const sampleBody = (): string => REAL[0]?.body ?? '';

/** @returns a TAN with a right MAC that is over */
export const expiredTan = (): string => EXPIRED[Math.floor(Math.random() * EXPIRED.length)] ?? '';

function send(prepared: Prepared, kind: string, edge = anyEdge()) {
  const answer = http.post(`${edge}${UPLOAD_PATH}`, encoding.b64decode(prepared.body, 'std'), {
    headers: { ...prepared.headers, ...clientHeaders() },
    tags: { name: kind, kind },
    timeout: REQUEST_TIMEOUT,
  });
  answerAfter.add(answer.timings.waiting, { kind });
  return answer;
}

const common = {
  'answer has no body': (r: { readonly body: unknown }) => r.body === null || r.body === '',
  'answer is not before the deadline': (r: { readonly timings: { readonly waiting: number } }) =>
    r.timings.waiting >= TARGETS.upload.answerDeadlineMilliseconds - EARLY_MILLISECONDS,
};

/** A session: sends the real upload that belongs to this iteration. */
export const sendReal = session(() => {
  const prepared = REAL[exec.scenario.iterationInTest];
  if (prepared === undefined) {
    exec.test.abort(`only ${REAL.length} uploads were prepared`);
    return false;
  }
  const good = check(send(prepared, 'real'), { 'real upload is 200': (r) => r.status === 200, ...common });
  if (good) accepted.add(1);
  return good;
});

/** @param edge where it is sent @returns whether a dummy was answered as it must be */
export function postDummy(edge?: string): boolean {
  const prepared = DUMMIES[Math.floor(Math.random() * DUMMIES.length)];
  if (prepared === undefined) throw new Error('no dummy was prepared');
  return check(send(prepared, 'dummy', edge), { 'dummy is 200': (r) => r.status === 200, ...common });
}

/** A session: sends a dummy. */
export const sendDummy = session(() => postDummy());
