/**
 * Question: do honest phones notice that somebody sends ten times their requests, made so that no cache helps?
 *
 * Queries, unknown paths and regions, escaped paths, hours and days that are not sealed, ranges, made-up validators
 * (lib/flood.ts). Honest downloads must all succeed, each bad request must be answered as is right for it, and the bucket must
 * be read no more often than without the flood: load-tests/driver/cli.ts asserts that from the counters.
 */
import { check } from 'k6';
import http from 'k6/http';
import { badDownload } from './lib/flood.ts';
import { fetchHead, fetchNewest } from './lib/phone.ts';
import { session } from './lib/session.ts';
import {
  anyEdge,
  arrival,
  REQUEST_TIMEOUT,
  SESSIONS_PER_SECOND,
  TARGETS,
  options as loadOptions,
} from './lib/settings.ts';

export { handleSummary } from './lib/summary.ts';

export const options = loadOptions({
  scenarios: {
    honest: arrival(SESSIONS_PER_SECOND, 'honest', 2),
    flood: arrival(SESSIONS_PER_SECOND * TARGETS.flood.factor, 'flood'),
  },
  correctness: { 'http_req_failed{scenario:honest}': [TARGETS.download.httpFailures] },
});

export async function setup(): Promise<{ readonly listed: string }> {
  const fetched = await fetchHead(anyEdge());
  const chunk = fetched?.head.hours.findLast(({ empty }) => empty !== true);
  if (chunk === undefined) throw new Error('download-flood: no chunk with keys is listed for the running day');
  return { listed: chunk.sha256 };
}

export const honest = session(() => fetchNewest(anyEdge()));

export const flood = session<{ readonly listed: string }>(
  ({ listed }) => {
    const { kind, path, headers, right } = badDownload(listed);
    const answer = http.get(`${anyEdge()}${path}`, {
      headers,
      tags: { name: `flood: ${kind}` },
      responseType: 'none',
      responseCallback: http.expectedStatuses({ min: 200, max: 499 }),
      timeout: REQUEST_TIMEOUT,
    });
    return check(answer, { [`${kind} is answered ${right.join(' or ')}`]: (r) => right.includes(r.status) });
  },
  { timed: false },
);
