/**
 * Question: do phones get the health authority's parameters, however many ask, without the origin noticing?
 *
 * Our phones poll a signed head and fetch the document it names (docs/architecture.md §6); CWA's apps fetch a ZIP each time, and refuse it
 * without an ETag. Configuration is asked for as often as the manifest: RATE_FACTOR 1 is 8,333 sessions a second.
 */
import { check } from 'k6';
import crypto from 'k6/crypto';
import http from 'k6/http';
import { isOfItsEtag } from './lib/phone.ts';
import { session } from './lib/session.ts';
import { openSigned, textOf } from './lib/signed.ts';
import {
  anyEdge,
  arrival,
  REQUEST_TIMEOUT,
  SESSIONS_PER_SECOND,
  TARGETS,
  options as loadOptions,
} from './lib/settings.ts';

export { handleSummary } from './lib/summary.ts';

const HEAD = '/v1/config/head.json';
/** What the final Corona-Warn-App reads (docs/spec/cwa.md §1.4). */
const APP_CONFIGS = ['/version/v2/app_config_android', '/version/v2/app_config_ios'];
const CWA_SHARE = 0.5;

export const options = loadOptions({
  scenarios: {
    phones: arrival(SESSIONS_PER_SECOND * (1 - CWA_SHARE), 'phone'),
    apps: arrival(SESSIONS_PER_SECOND * CWA_SHARE, 'app'),
  },
  correctness: { http_req_failed: [TARGETS.download.httpFailures] },
  times: { session_duration: [`p(95)<${TARGETS.download.sessionMillisecondsP95}`] },
});

const NAMED = { timeout: REQUEST_TIMEOUT, headers: { 'Accept-Encoding': 'gzip' }, responseType: 'text' } as const;

export const phone = session(async () => {
  const edge = anyEdge();
  const answer = http.get(`${edge}${HEAD}`, { ...NAMED, tags: { name: 'config head' } });
  if (!check(answer, { 'config head is 200': (r) => r.status === 200 })) return false;
  const head = await openSigned<{ readonly documents: readonly { readonly sha256: string }[] }>(answer, 'config');
  const name = head?.documents[0]?.sha256;
  if (name === undefined) return false;
  const document = http.get(`${edge}/v1/config/documents/${name}.json`, {
    ...NAMED,
    tags: { name: 'config document' },
  });
  return check(document, {
    'document is 200': (r) => r.status === 200,
    'document hashes to its name': (r) => crypto.sha256(textOf(r), 'base64rawurl') === name,
  });
});

export const app = session(() => {
  const path = APP_CONFIGS[Math.floor(Math.random() * APP_CONFIGS.length)] ?? '';
  const answer = http.get(`${anyEdge()}${path}`, {
    tags: { name: 'app config' },
    responseType: 'binary',
    timeout: REQUEST_TIMEOUT,
  });
  return check(answer, {
    'app config is 200': (r) => r.status === 200,
    'app config is what its ETag says': isOfItsEtag,
    'app config may be kept': (r) => /max-age=[1-9]/.test(r.headers['Cache-Control'] ?? ''),
  });
});
