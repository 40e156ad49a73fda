/**
 * @module Requests of apps of Google's dialect (docs/google-dialect.md), as the reference app makes them. k6 can't run that code, so load-tests/driver/prepare-google.ts writes them to a file beforehand (UPLOADS): uploads with a
 * certificate each, codes, chaff. Only what follows from an answer, the question for a certificate, is made here.
 */
import { SharedArray } from 'k6/data';
import exec from 'k6/execution';
import http, { type RefinedResponse } from 'k6/http';
import { Trend } from 'k6/metrics';
import { clientHeaders } from './client.ts';
import { anyEdge, REQUEST_TIMEOUT, TARGETS } from './settings.ts';
import { hex } from './verification.ts';

/** One prepared request. */
export interface Prepared {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

const FILE = __ENV['UPLOADS'] ?? '';
const part = <T>(name: string): T[] =>
  new SharedArray(name, () => (JSON.parse(open(FILE)) as Record<string, T[]>)[name] ?? []);
/** One for each iteration. */
const REAL = part<Prepared>('real');
const CHAFF = part<Prepared>('chaff');

/** Timers of Worker and k6 round differently. */
const EARLY_MILLISECONDS = 25;
/** From the last byte sent to the first byte of the answer: the deadline, whatever was sent. */
const answerAfter = new Trend('answer_after', true);

/** @returns what belongs to this iteration; the run ends where there is none */
export function ownRequest(): Prepared {
  const prepared = REAL[exec.scenario.iterationInTest];
  if (prepared !== undefined) return prepared;
  exec.test.abort(`only ${REAL.length} requests were prepared`);
  throw new Error('aborted');
}

/** @param path of the route @returns chaff for it; any may be sent again */
export function chaffFor(path: string): Prepared {
  const fitting = CHAFF.filter((prepared) => prepared.path === path);
  const prepared = fitting[Math.floor(Math.random() * fitting.length)];
  if (prepared === undefined) throw new Error(`no chaff was prepared for ${path}`);
  return prepared;
}

/** @param prepared what is sent @param kind for k6's metrics */
export function sendGoogle({ path, headers, body }: Prepared, kind: string): RefinedResponse<'text'> {
  const answer = http.post(`${anyEdge()}${path}`, body, {
    headers: { ...headers, ...clientHeaders() },
    tags: { name: `${kind} ${path}`, kind },
    responseType: 'text',
    timeout: REQUEST_TIMEOUT,
  });
  answerAfter.add(answer.timings.waiting, { kind });
  return answer;
}

/** Like another question of the app, as long as it: other fields, and padding that makes up for them. */
export function questionLike({ headers, body }: Prepared, path: string, fields: object): Prepared {
  const missing = body.length - JSON.stringify({ ...fields, padding: '' }).length;
  return { path, headers, body: JSON.stringify({ ...fields, padding: hex(missing) }) };
}

type Answer = RefinedResponse<'text'>;

/** k6 undoes encodings unseen: an answer that was encoded shows by its headers alone. @param bytes of every answer of the route */
export const inOneShape = (bytes: number) => ({
  'answer has its one size, not encoded': (r: Answer) =>
    r.headers['Content-Encoding'] === 'identity' && r.body?.length === bytes,
  'answer is not before the deadline': (r: Answer) =>
    r.timings.waiting >= TARGETS.upload.answerDeadlineMilliseconds - EARLY_MILLISECONDS,
});
