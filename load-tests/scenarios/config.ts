/**
 * Question: do phones get the health authority's parameters, however many ask, without the origin noticing?
 *
 * Our phones poll a signed head and fetch the document it names (docs/architecture.md §6); CWA's apps fetch a ZIP each time, and refuse it
 * without an ETag. Configuration is asked for as often as the manifest: RATE_FACTOR 1 is 8,333 sessions a second.
 */
import { check } from 'k6';
import crypto from 'k6/crypto';
import http from 'k6/http';
import { session, textOf } from './lib/phone.ts';
import { anyEdge, arrival, COMMON, SESSIONS_PER_SECOND, TARGETS, thresholds } from './lib/settings.ts';

export { handleSummary } from './lib/summary.ts';

const HEAD = '/v1/config/head.json';
/** What the final Corona-Warn-App reads (docs/spec/cwa.md §1.4). */
const APP_CONFIGS = ['/version/v2/app_config_android', '/version/v2/app_config_ios'];
const CWA_SHARE = 0.5;

export const options = {
  ...COMMON,
  scenarios: {
    phones: arrival(SESSIONS_PER_SECOND * (1 - CWA_SHARE), 'phone'),
    apps: arrival(SESSIONS_PER_SECOND * CWA_SHARE, 'app'),
  },
  thresholds: thresholds(
    { checks: ['rate==1'], sessions_ok: ['rate==1'], http_req_failed: [TARGETS.download.httpFailures] },
    { session_duration: [`p(95)<${TARGETS.download.sessionMillisecondsP95}`] },
  ),
};

export function phone(): void {
  const edge = anyEdge();
  session(() => {
    const head = http.get(`${edge}${HEAD}`, { headers: { 'Accept-Encoding': 'gzip' }, tags: { name: 'config head' } });
    if (!check(head, { 'config head is 200': (r) => r.status === 200 })) return false;
    const { documents } = JSON.parse((JSON.parse(textOf(head)) as { payload: string }).payload) as {
      readonly documents: readonly { readonly sha256: string }[];
    };
    const name = documents[0]?.sha256 ?? '';
    const document = http.get(`${edge}/v1/config/documents/${name}.json`, {
      headers: { 'Accept-Encoding': 'gzip' },
      tags: { name: 'config document' },
    });
    return check(document, {
      'document is 200': (r) => r.status === 200,
      'document hashes to its name': (r) => crypto.sha256(textOf(r), 'base64rawurl') === name,
    });
  });
}

export function app(): void {
  const edge = anyEdge();
  session(() => {
    const path = APP_CONFIGS[Math.floor(Math.random() * APP_CONFIGS.length)] ?? '';
    const answer = http.get(`${edge}${path}`, { tags: { name: 'app config' }, responseType: 'binary' });
    return check(answer, {
      'app config is 200': (r) => r.status === 200,
      'app config has one ETag': (r) => (r.headers['Etag'] ?? '').split('"').length === 3,
      'app config may be kept': (r) => /max-age=[1-9]/.test(r.headers['Cache-Control'] ?? ''),
    });
  });
}
