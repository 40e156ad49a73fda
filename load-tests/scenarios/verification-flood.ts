/**
 * Question: do polls and real uploads succeed while somebody makes up tests, teleTANs, tokens and TANs, two hundred to one?
 *
 * GUIDs that nobody printed, teleTANs with a right check character, tokens of no session, forged TANs, and TANs of this very
 * system that are over (lib/flood.ts). load-tests/driver/stages.ts asserts from the counters and the store that a made-up
 * test leaves one row, a teleTAN or a token none, and that forged and expired TANs reach neither verification nor origin.
 */
import { check } from 'k6';
import { sha256 } from 'k6/crypto';
import http from 'k6/http';
import { Counter } from 'k6/metrics';
import { badTan } from './lib/flood.ts';
import { session } from './lib/session.ts';
import { anyEdge, arrival, REQUEST_TIMEOUT, RATE_FACTOR, TARGETS, options as loadOptions } from './lib/settings.ts';
import { expiredTan, sampleBody, sendReal } from './lib/uploads.ts';
import { ask, asItStands, hex, PENDING, registerTests } from './lib/verification.ts';

export { handleSummary } from './lib/summary.ts';

const { realPerSecond, decoysPerReal, floodFactor, answerDeadlineMilliseconds } = TARGETS.upload;
const honestPerSecond = realPerSecond * RATE_FACTOR;
const SESSION_SECONDS = answerDeadlineMilliseconds / 1000 + 0.5;
const TESTS = 10;
/** docs/spec/cwa.md §3.2 */
const TELETAN_ALPHABET = '23456789ABCDEFGHJKMNPQRSTUVWXYZ';

/** Tests of nobody that were registered, setup's included: each may leave one row. */
const madeUpTests = new Counter('made_up_tests');
const madeUpTeleTans = new Counter('made_up_teletans');
const madeUpTokens = new Counter('made_up_tokens');
const deadTans = new Counter('dead_tans');

export const options = loadOptions({
  scenarios: {
    real: arrival(honestPerSecond, 'real', SESSION_SECONDS),
    polls: arrival(honestPerSecond * decoysPerReal, 'poll', SESSION_SECONDS),
    flood: arrival(honestPerSecond * decoysPerReal * floodFactor, 'flood', SESSION_SECONDS),
  },
});

interface Registered {
  readonly tokens: readonly string[];
}

/** Registers the tests that are asked for. */
export function setup(): Registered {
  madeUpTests.add(TESTS);
  return { tokens: registerTests(TESTS) };
}

export const real = sendReal;

export const poll = session<Registered>(({ tokens }) => {
  const registrationToken = tokens[Math.floor(Math.random() * tokens.length)];
  const answer = ask('testresult', { registrationToken }, { kind: 'poll' });
  return check(answer, {
    'poll is 200': (r) => r.status === 200,
    'test is pending': (r) => r.status === 200 && r.json('testResult') === PENDING,
    ...asItStands,
  });
});

/** Of a right form: only the store can tell that nobody issued it. */
function wrongTeleTan(): string {
  const nine = Array.from({ length: 9 }, () => TELETAN_ALPHABET.charAt(Math.floor(Math.random() * 31))).join('');
  const digit = sha256(nine, 'hex').charAt(0).toUpperCase();
  return nine + (digit === '0' ? 'G' : digit === '1' ? 'H' : digit);
}

const token = (): string => `${hex(8)}-${hex(4)}-4${hex(3)}-8${hex(3)}-${hex(12)}`;

const KINDS: readonly (() => boolean)[] = [
  () => {
    const answer = ask('registrationToken', { key: hex(64), keyType: 'GUID' }, { kind: 'made-up test' });
    if (answer.status === 201) madeUpTests.add(1);
    return check(answer, { 'made-up test looks like any': (r) => r.status === 201, ...asItStands });
  },
  () => {
    const question = { key: wrongTeleTan(), keyType: 'TELETAN' };
    const answer = ask('registrationToken', question, { kind: 'made-up teleTAN', expected: [400] });
    madeUpTeleTans.add(1);
    return check(answer, { 'made-up teleTAN is refused': (r) => r.status === 400, ...asItStands });
  },
  () => {
    const route = Math.random() < 0.5 ? 'testresult' : 'tan';
    const answer = ask(route, { registrationToken: token() }, { kind: 'made-up token', expected: [400] });
    madeUpTokens.add(1);
    return check(answer, { 'made-up token is refused': (r) => r.status === 400, ...asItStands });
  },
  () => sendDeadTan('forged TAN', token()),
  () => sendDeadTan('expired TAN', expiredTan()),
];

function sendDeadTan(kind: string, tan: string): boolean {
  const { headers, body } = badTan(sampleBody(), tan);
  const answer = http.post(`${anyEdge()}/version/v1/diagnosis-keys`, body, {
    headers: { ...headers },
    tags: { name: kind, kind },
    responseType: 'none',
    responseCallback: http.expectedStatuses(403),
    timeout: REQUEST_TIMEOUT,
  });
  deadTans.add(1);
  return check(answer, { [`${kind} is refused`]: (r) => r.status === 403 });
}

export const flood = session(() => KINDS[Math.floor(Math.random() * KINDS.length)]?.() ?? false);
