/**
 * @module The course of an Exposure Notifications Express app (docs/spec/google.md §1, §5.3): code or link → token → certificate over the keys → published. What it says later of the same keys (a suspicion borne out, or not) takes another
 * code and the revision token; the next day's key takes the token of before. Keys are kept before they are sent, and every step can be called again.
 *
 * What a phone that dies leaves: a code whose answer was lost is given again (the server answers the same for five minutes); keys with a secret are certified and published as they were, so that an answer which was lost comes again,
 * token included.
 */
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import { toBase64 } from '../../protocol/primitives/bytes.ts';
import { decodeAnyBase64 } from '../../protocol/publish/base64.ts';
import { readPublishResponse } from '../../protocol/publish/response.ts';
import { type SentKey, tekmacOf } from '../../protocol/publish/tekmac.ts';
import { randomBelow } from '../random.ts';
import type { OwnKey } from '../radio/tek-schedule.ts';
import type { Store, StoreError } from '../store.ts';
import { ask, type EnxFailure, type EnxServers, textOf } from './ask.ts';
import { codeIn } from './code.ts';
import {
  certificateRequest,
  chaffRequests,
  MOST_KEYS,
  publishRequest,
  type UserReport,
  userReportRequest,
  verifyRequest,
} from './requests.ts';
import { type EnxState, newEnxState, type Sharing } from './state.ts';

export interface EnxPorts extends EnxServers {
  readonly store: Store<EnxState>;
}

export type EnxError =
  | EnxFailure
  /** No code is in what was given. */
  | { readonly kind: 'no-code' }
  /** No code was verified, or there is nothing to send. */
  | { readonly kind: 'not-now' }
  | { readonly kind: 'state-unreadable'; readonly error: StoreError };

/** Bytes of a nonce, as Google's apps draw it. */
const NONCE_BYTES = 256;
/** Of the secret that binds keys: 128 bits at least (docs/spec/google.md §1.6). */
const HMAC_KEY_BYTES = 32;
/** The server's word for a certificate that is none to it: also one that is over meanwhile. */
const CERTIFICATE_INVALID = 'health_authority_verification_certificate_invalid';

async function load({ store, random }: EnxPorts): Promise<Result<EnxState, EnxError>> {
  const loaded = await store.load();
  if (!loaded.ok) return err({ kind: 'state-unreadable', error: loaded.error });
  if (loaded.value !== null) return ok(loaded.value);
  const state = newEnxState(random);
  await store.save(state);
  return ok(state);
}

/** What a verified code says. */
export interface Verified {
  /** `confirmed`, `likely`, `negative` or `user-report`. */
  readonly testType: string;
}

/**
 * Verifies a code. It takes the place of an earlier one; keys that are on their way by that are given up.
 *
 * @param text code or link (code.ts)
 * @param ports see {@link EnxPorts}
 * @returns what it says; {@link shareKeys} comes next
 */
export async function openCode(text: string, ports: EnxPorts): Promise<Result<Verified, EnxError>> {
  const code = codeIn(text);
  if (code === null) return err({ kind: 'no-code' });
  const state = await load(ports);
  if (!state.ok) return state;
  const answer = await ask(verifyRequest(code, state.value.nonce, ports.apiKey, ports.random), ports);
  if (!answer.ok) return answer;
  const token = textOf(answer.value, 'token');
  const testType = textOf(answer.value, 'testtype');
  if (token === '') return err({ kind: 'try-again', status: 200 });
  await ports.store.save({ ...state.value, nonce: null, claim: { token, testType, isUsed: false }, sharing: null });
  return ok({ testType });
}

/**
 * Reports a positive test by oneself: the server sends a code to a phone number.
 *
 * @param report see {@link UserReport}
 * @param ports see {@link EnxPorts}
 * @returns ok when the server took it, whether or not it sends a code
 */
export async function reportBySelf(report: UserReport, ports: EnxPorts): Promise<Result<null, EnxError>> {
  const state = await load(ports);
  if (!state.ok) return state;
  const nonce = Uint8Array.from(ports.random(NONCE_BYTES));
  await ports.store.save({ ...state.value, nonce });
  const answer = await ask(userReportRequest(report, nonce, ports.apiKey, ports.random), ports);
  return answer.ok ? ok(null) : answer;
}

/** What became of keys. */
export interface Shared {
  /** What the code says of them: `negative` takes them back. */
  readonly testType: string;
  /** Keys that were sent. */
  readonly sent: number;
  /** Keys that were new to the server. */
  readonly inserted: number;
  /** What the server says of single keys. */
  readonly notes: readonly string[];
}

/**
 * Shares keys by the code that was verified last: all of them, also those of which an earlier code said something else; by a code that keys were shared by already, those that weren't yet, which is the next day's. Goes on with keys
 * that are on their way, and then with none of the given.
 *
 * @param keys own keys that have ended
 * @param symptomOnsetInterval ENIntervalNumber that the person says; 0: what the certificate says
 * @param ports see {@link EnxPorts}
 * @returns ok when the keys are durable
 */
export async function shareKeys(
  keys: readonly OwnKey[],
  symptomOnsetInterval: number,
  ports: EnxPorts,
): Promise<Result<Shared, EnxError>> {
  const loaded = await load(ports);
  if (!loaded.ok) return loaded;
  let state = loaded.value;
  if (state.sharing === null) {
    const { claim, shared } = state;
    const all = keys.slice(-MOST_KEYS).map(asSent);
    const sent = claim?.isUsed === true ? all.filter(({ key }) => !shared.includes(key)) : all;
    if (claim === null || sent.length === 0) return err({ kind: 'not-now' });
    const hmacKey = Uint8Array.from(ports.random(HMAC_KEY_BYTES));
    const sharing = { keys: shuffled(sent, ports), hmacKey, certificate: null, symptomOnsetInterval };
    state = { ...state, sharing };
    await ports.store.save(state);
  }
  const first = await certifyAndPublish(state, ports);
  const isOver = !first.ok && first.error.kind === 'refused' && first.error.code === CERTIFICATE_INVALID;
  if (!isOver) return first;
  // It may be over since it was given: the server makes it anew for the same keys.
  const sharing = state.sharing === null ? null : { ...state.sharing, certificate: null };
  return certifyAndPublish({ ...state, sharing }, ports);
}

const asSent = ({ keyData, rollingStartIntervalNumber, rollingPeriod }: OwnKey): SentKey => ({
  key: toBase64(keyData),
  rollingStartNumber: rollingStartIntervalNumber,
  rollingPeriod,
  // The server fills it (docs/google-dialect.md).
  transmissionRisk: 0,
});

/** Their order says nothing. */
function shuffled(keys: readonly SentKey[], { random }: EnxPorts): SentKey[] {
  const left = [...keys];
  return keys.map(() => left.splice(randomBelow(random, left.length), 1)[0] as SentKey);
}

async function certifyAndPublish(state: EnxState, ports: EnxPorts): Promise<Result<Shared, EnxError>> {
  const certified = await certify(state, ports);
  if (!certified.ok) return certified;
  const { keys, hmacKey, certificate, symptomOnsetInterval } = certified.value;
  const content = {
    temporaryExposureKeys: keys,
    healthAuthorityID: ports.healthAuthorityId,
    verificationPayload: certificate,
    hmacKey: toBase64(hmacKey),
    symptomOnsetInterval,
    traveler: false,
    revisionToken: toBase64(state.revisionToken),
  };
  const answer = await ask(publishRequest(content, ports.random), ports);
  if (!answer.ok) {
    const { error } = answer;
    if (error.kind === 'refused' && error.code !== CERTIFICATE_INVALID)
      await ports.store.save({ ...state, sharing: null });
    return answer;
  }
  const said = readPublishResponse(answer.value);
  if (said === null) return err({ kind: 'try-again', status: 200 });
  const token = decodeAnyBase64(said.revisionToken);
  await ports.store.save({
    ...state,
    // An answer without one leaves the one that there is.
    revisionToken: token === null || token.length === 0 ? state.revisionToken : token,
    claim: state.claim === null ? null : { ...state.claim, isUsed: true },
    sharing: null,
    shared: [...new Set([...state.shared, ...keys.map(({ key }) => key)])],
  });
  const notes = [...(said.error === '' ? [] : [said.error]), ...said.warnings];
  return ok({ testType: state.claim?.testType ?? '', sent: keys.length, inserted: said.insertedExposures, notes });
}

/** Kept before it is shown: the same certificate over the same keys is answered as the first time. */
async function certify(
  state: EnxState,
  ports: EnxPorts,
): Promise<Result<Sharing & { readonly certificate: string }, EnxError>> {
  const { sharing, claim } = state;
  if (sharing === null || claim === null) return err({ kind: 'not-now' });
  if (sharing.certificate !== null) return ok({ ...sharing, certificate: sharing.certificate });
  const tekmac = tekmacOf(sharing.keys, sharing.hmacKey);
  const answer = await ask(certificateRequest(claim.token, tekmac, ports.apiKey, ports.random), ports);
  if (!answer.ok) {
    if (answer.error.kind === 'refused') await ports.store.save({ ...state, sharing: null });
    return answer;
  }
  const certificate = textOf(answer.value, 'certificate');
  if (certificate === '') return err({ kind: 'try-again', status: 200 });
  const certified = { ...sharing, certificate };
  await ports.store.save({ ...state, sharing: certified });
  return ok(certified);
}

/**
 * Sends chaff: the requests that sharing takes, in its order and sizes, whatever is answered.
 *
 * @param servers where to
 * @returns for each whether it was answered 200
 */
export async function sendChaff(servers: EnxServers): Promise<readonly boolean[]> {
  const answered: boolean[] = [];
  for (const request of chaffRequests(servers.apiKey, servers.random)) answered.push((await ask(request, servers)).ok);
  return answered;
}
