/**
 * Question: do real uploads succeed while somebody without TANs sends ten times as much?
 *
 * Forged and formless TANs, no TAN, noise, bodies past the limit (lib/flood.ts). None may be answered 200, and none may
 * reach verification or origin: load-tests/driver/cli.ts asserts from the counters that only real uploads did.
 */
import { check } from 'k6';
import http from 'k6/http';
import { badUpload } from './lib/flood.ts';
import { session } from './lib/session.ts';
import { anyEdge, arrival, REQUEST_TIMEOUT, RATE_FACTOR, TARGETS, options as loadOptions } from './lib/settings.ts';
import { sampleBody, sendDummy, sendReal } from './lib/uploads.ts';

export { handleSummary } from './lib/summary.ts';

const { realPerSecond, decoysPerReal, floodFactor, answerDeadlineMilliseconds } = TARGETS.upload;
const honestPerSecond = realPerSecond * RATE_FACTOR;
const SESSION_SECONDS = answerDeadlineMilliseconds / 1000 + 0.5;

export const options = loadOptions({
  scenarios: {
    real: arrival(honestPerSecond, 'real', SESSION_SECONDS),
    dummies: arrival(honestPerSecond * decoysPerReal, 'dummy', SESSION_SECONDS),
    flood: arrival(honestPerSecond * (1 + decoysPerReal) * floodFactor, 'flood', SESSION_SECONDS),
  },
});

export const real = sendReal;
export const dummy = sendDummy;

export const flood = session(() => {
  const { kind, headers, body } = badUpload(sampleBody());
  const answer = http.post(`${anyEdge()}/version/v1/diagnosis-keys`, body, {
    headers: { ...headers },
    tags: { name: `flood: ${kind}` },
    responseType: 'none',
    responseCallback: http.expectedStatuses({ min: 400, max: 499 }),
    timeout: REQUEST_TIMEOUT,
  });
  return check(answer, { [`${kind} is refused`]: (r) => r.status >= 400 && r.status < 500 });
});
