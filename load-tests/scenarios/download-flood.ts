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
import { fetchChunk, pollHead, session } from './lib/phone.ts';
import { anyEdge, arrival, COMMON, SESSIONS_PER_SECOND, TARGETS, thresholds } from './lib/settings.ts';

export { handleSummary } from './lib/summary.ts';

export const options = {
  ...COMMON,
  scenarios: {
    honest: arrival(SESSIONS_PER_SECOND, 'honest', 2),
    flood: arrival(SESSIONS_PER_SECOND * TARGETS.flood.factor, 'flood'),
  },
  thresholds: thresholds({
    sessions_ok: [TARGETS.flood.honestSuccess],
    'checks{scenario:honest}': ['rate==1'],
    'checks{scenario:flood}': ['rate==1'],
    'http_req_failed{scenario:honest}': [TARGETS.download.httpFailures],
  }),
};

export function setup(): { readonly listed: string } {
  const polled = pollHead(anyEdge(), null);
  const chunk = polled?.head.hours.findLast(({ empty }) => empty !== true);
  if (chunk === undefined) throw new Error('download-flood: no chunk with keys is listed for the running day');
  return { listed: chunk.sha256 };
}

export function honest(): void {
  const edge = anyEdge();
  session(() => {
    const polled = pollHead(edge, null);
    const newest = polled?.head.hours.at(-1);
    return polled !== null && (newest === undefined || fetchChunk(edge, newest));
  });
}

export function flood({ listed }: { readonly listed: string }): void {
  const { kind, path, headers, right } = badDownload(listed);
  const answer = http.get(`${anyEdge()}${path}`, {
    headers,
    tags: { name: `flood: ${kind}` },
    responseType: 'none',
    responseCallback: http.expectedStatuses({ min: 200, max: 499 }),
    timeout: '20s',
  });
  check(answer, { [`${kind} is answered ${right.join(' or ')}`]: (r) => right.includes(r.status) });
}
