/**
 * @module The zone's rules: what is refused before a Worker runs (docs/architecture.md §6, §10), which addresses send too much, and how the CDN keeps what a bucket serves. They see
 * addresses, which the Workers never do; that happens inside Cloudflare, under the processor contract, and nothing here writes one down.
 */
import type { StageOfResources } from './stage-part.ts';
import { all, any, hostIn, hostIs, methodIn, not, pathBegins, pathIn } from './expressions.ts';
import {
  CODE_PATHS,
  CONFIG_PREFIXES,
  LINK_PATHS,
  TEST_PATHS,
  UPLOAD_PATHS,
  VERIFICATION_READ_PATHS,
  downloadPaths,
} from './paths.ts';
import { type WantedRule, sharedRules } from './shared-rules.ts';
import { linkHost } from './stage-hosts.ts';

const READS = ['GET', 'HEAD'];
const POSTS = methodIn(['POST']);
const NO_CERTIFICATE = 'not cf.tls_client_auth.cert_verified';

/** @returns hosts from which phones read */
const downloadHosts = ({ hosts }: StageOfResources): string[] =>
  hosts.config === null || hosts.config === hosts.keys ? [hosts.keys] : [hosts.keys, hosts.config];

function firewall(stage: StageOfResources): WantedRule[] {
  const { hosts } = stage;
  const rules: Omit<WantedRule, 'action'>[] = [
    {
      name: 'laboratories-mtls',
      title:
        'no laboratory without a certificate that was verified; the Worker asks again, for its fingerprint in the signed list',
      expression: all(hostIs(hosts.laboratories), NO_CERTIFICATE),
    },
  ];
  if (hosts.peers !== null) {
    rules.push({
      name: 'peers-mtls',
      title: 'no other backend without a certificate that was verified; the Worker asks again',
      expression: all(hostIs(hosts.peers), NO_CERTIFICATE),
    });
  }
  if (hosts.cards !== null) {
    rules.push({
      name: 'cards-mtls',
      title:
        'no professional without a card whose certificate was verified; the Worker asks again, for the holder and for revocation',
      expression: all(hostIs(hosts.cards), NO_CERTIFICATE),
    });
  }
  rules.push(
    {
      name: 'submission-paths',
      title: 'POST on the paths of uploads, and nothing else',
      expression: all(hostIs(hosts.submission), not(all(POSTS, pathIn(UPLOAD_PATHS)))),
    },
    {
      name: 'verification-paths',
      title: 'POST on the paths of tests and codes, GET of what other servers read, and nothing else',
      expression: all(
        hostIs(hosts.verification),
        not(
          any(
            all(POSTS, pathIn([...TEST_PATHS, ...CODE_PATHS])),
            all(methodIn(READS), pathIn(VERIFICATION_READ_PATHS)),
          ),
        ),
      ),
    },
    {
      name: 'downloads-methods',
      title: 'downloads are read, without a query: each query would be an object of its own to the cache',
      expression: all(hostIn(downloadHosts(stage)), any(not(methodIn(READS)), 'http.request.uri.query ne ""')),
    },
  );
  const links = linkHost(stage);
  if (links !== null) {
    rules.push({
      name: 'links-paths',
      title: 'what opens the app, and nothing else',
      expression: all(hostIs(links), not(all(methodIn(READS), pathIn(LINK_PATHS)))),
    });
  }
  if (stage.download === 'bucket') {
    const { exact, beginnings } = downloadPaths(stage.regions);
    const config = hosts.config === null ? CONFIG_PREFIXES : [];
    rules.push({
      name: 'bucket-paths',
      title: 'a made-up path costs no read of the bucket; the Worker that refuses them elsewhere isn’t asked here',
      expression: all(hostIs(hosts.keys), not(any(pathIn(exact), ...[...beginnings, ...config].map(pathBegins)))),
    });
  }
  return rules.map((rule) => ({ ...rule, action: 'block' }));
}

/** WAF custom rules. Where a stage has a client authority, the rule stands before the host leads anywhere. */
export const FIREWALL = sharedRules({
  kind: 'WAF rule',
  phase: 'http_request_firewall_custom',
  rights: ['Zone: Zone WAF Write'],
  afterBreak:
    'some rules refuse already and others don’t yet; the Workers refuse by themselves what they refuse, certificates among it. Apply again: rules that are there are kept',
  wanted: firewall,
});

/** Seconds in which requests are counted, and for which an address then waits: the shortest that lets people of a mobile network on within a minute. */
const PERIOD_SECONDS = 60;
/**
 * Phones behind one address of a mobile network, at most: a guess (carriers put hundreds to thousands of subscribers behind one; none publishes it). Measure in the zone's analytics before
 * lowering anything.
 */
const PHONES_BEHIND_ONE_ADDRESS = 10_000;
/** Uploads and dummies of 30 million phones, a second (load-tests/targets.json: 150 real, 20 dummies to one). */
const UPLOADS_A_SECOND = 150 * 21;
const PHONES = 30_000_000;
/** So far above what phones do on average that an hour in which many of one network come doesn't reach it. */
const MARGIN = 10;
/** A course asks for a session, a result more than once, and a TAN where an upload is one request. */
const TEST_REQUESTS_AN_UPLOAD = 5;

const uploadsAMinute = ((UPLOADS_A_SECOND * PERIOD_SECONDS) / PHONES) * PHONES_BEHIND_ONE_ADDRESS * MARGIN;
/** 63 a minute and address, ten times that, rounded. */
const UPLOADS = Math.round(uploadsAMinute / 100) * 100;
const TESTS = UPLOADS * TEST_REQUESTS_AN_UPLOAD;
/** Google's own number for guessing codes: 120 a minute and address (docs/spec/google.md §5.2; decision 066). Theirs doesn't count chaff, ours can't tell it: twice what 10,000 phones do. */
const CODES = 120;
/** Answers that there is nothing: phones that follow lists get none, and before the first hour one each. */
const MISSES = UPLOADS;

/**
 * What who is limited sees: 429 at once, with this text. It tells how many requests came from an address in a minute, and nothing of what became of one: real, dummy and refused requests are
 * the same to these rules, which look at host, method and path alone, and never at an answer of `upload` or `verification` (docs/architecture.md §4.6, decision 007). Phones take it for
 * "later" and send the same again.
 */
const LATER = { response: { status_code: 429, content_type: 'text/plain', content: 'later\n' } };

/** The platform keeps an address as long as it counts and makes it wait, in the location that saw it; nobody reads it, and nothing else keeps one. No other characteristic: no header, no bot score. */
const BY_ADDRESS = ['cf.colo.id', 'ip.src'];

function limit(name: string, title: string, expression: string, requests: number, counting?: string): WantedRule {
  return {
    name,
    title,
    expression,
    action: 'block',
    action_parameters: LATER,
    ratelimit: {
      characteristics: BY_ADDRESS,
      period: PERIOD_SECONDS,
      requests_per_period: requests,
      mitigation_timeout: PERIOD_SECONDS,
      ...(counting === undefined ? {} : { counting_expression: counting }),
    },
  };
}

function rateLimits(stage: StageOfResources): WantedRule[] {
  const { hosts } = stage;
  const downloads = hostIn(downloadHosts(stage));
  return [
    limit('uploads', 'uploads, dummies and withdrawals alike', all(hostIs(hosts.submission), POSTS), UPLOADS),
    limit('tests', 'tests, real and made up alike', all(hostIs(hosts.verification), pathIn(TEST_PATHS)), TESTS),
    limit(
      'codes',
      'what codes are guessed or asked for by',
      all(hostIs(hosts.verification), pathIn(CODE_PATHS)),
      CODES,
    ),
    limit(
      'misses',
      'made-up names: each costs a read of the bucket',
      downloads,
      MISSES,
      // An answer is looked at here alone: what is public says nothing of who asks.
      all(downloads, 'http.response.code eq 404'),
    ),
  ];
}

/** Rate limiting rules: four, the last of which looks at answers; the zone needs a plan that has both. */
export const RATE_LIMITS = sharedRules({
  kind: 'rate limit',
  phase: 'http_ratelimit',
  rights: ['Zone: Zone WAF Write'],
  afterBreak:
    'some limits count already and others don’t yet; nothing else depends on them. Apply again: limits that are there are kept',
  wanted: rateLimits,
});

/** "Use cache-control header if present, bypass cache if not": by default the CDN keeps `.zip`, but neither JSON nor paths without an extension. */
const AS_OBJECTS_SAY = {
  cache: true,
  edge_ttl: { mode: 'bypass_by_default' },
  browser_ttl: { mode: 'respect_origin' },
};

/** Cache rules: one, and only where the bucket serves by itself. */
export const CACHE_RULES = sharedRules({
  kind: 'cache rule',
  phase: 'http_request_cache_settings',
  rights: ['Zone: Cache Settings Write'],
  afterBreak:
    'the bucket’s JSON isn’t cached until the rule is there: each phone’s poll is a read of the bucket. Apply again',
  wanted: ({ download, hosts }) =>
    download === 'worker'
      ? []
      : [
          {
            name: 'bucket',
            title: 'everything of the bucket is kept as long as its objects say',
            expression: hostIs(hosts.keys),
            action: 'set_cache_settings',
            action_parameters: AS_OBJECTS_SAY,
          },
        ],
});
