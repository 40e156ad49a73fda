/**
 * @module A person is tested in another region: register and poll there, take a credential in place of a TAN, show it at home (docs/credential.md). What is about to be asked is kept first, so that a lost answer is asked for
 * again, by the same key. The base region hears nothing before the credential is shown, and then not of which test it is.
 */
import { credentialInLink } from '../../protocol/credential/link.ts';
import { holderKey, readCredential } from '../../protocol/credential/credential.ts';
import { toBase64Url } from '../../protocol/primitives/bytes.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import { pkcs8PemFromScalar, pointFromSpki, signerFromPkcs8Pem } from '../../protocol/signing.ts';
import { type Advice, adviceFor, NOT_NOW, TRY_AGAIN } from '../course/advice.ts';
import { playCredential, playForget, playPoll, type PlaybookPorts, playRegister } from '../course/playbook.ts';
import type { RandomBytes } from '../random.ts';
import type { Store } from '../store.ts';
import type { CredentialCode, TestCode } from '../verification/codes.ts';
import type { TestResult } from '../verification/verification.ts';
import type { Abroad } from './abroad-state.ts';

/** What the phone works with; the addresses of {@link PlaybookPorts} are those of home. */
export interface AbroadPorts extends PlaybookPorts {
  readonly abroad: Store<Abroad>;
}

/** Where a test is, and what opens it. */
export interface TestAbroad {
  readonly verificationUrl: string;
  readonly uploadUrl: string;
  readonly code: TestCode;
}

type Outcome<T> = Promise<Result<T, Advice>>;

/** Bytes of a scalar of P-256. */
const SCALAR_BYTES = 32;

/** @returns PKCS#8 PEM of a new key of P-256 */
function newHolderPem(random: RandomBytes): string {
  return pkcs8PemFromScalar(random(SCALAR_BYTES));
}

/** @param pem PKCS#8 @returns x and y of its public key, 64 bytes */
const pointOf = (pem: string): Uint8Array => pointFromSpki(signerFromPkcs8Pem(pem).publicKeySpki).subarray(1);

/**
 * Goes on with a test abroad until there is a credential, or nothing more can be done now. Called again with the same code it asks for what is missing; with another one, it begins anew.
 *
 * @param test where, and what opens it; null: the one that was begun
 * @param ports see {@link AbroadPorts}
 * @returns the test as it stands; `credential` is null while there is no positive result
 */
export async function takeAbroad(test: TestAbroad | null, ports: AbroadPorts): Outcome<Abroad> {
  const loaded = await ports.abroad.load();
  if (!loaded.ok) return err({ kind: 'state-unreadable' });
  const begun = loaded.value;
  const isSame = begun !== null && (test === null || begun.code.key === test.code.key);
  if (!isSame && test === null) return err(NOT_NOW);
  const state = isSame ? begun : begin(test as TestAbroad, ports);
  if (state.credential !== null) return ok(state);
  // A phone that dies from here on asks the same, by the same key.
  await ports.abroad.save(state);
  const { verificationUrl, uploadUrl: baseUrl } = state;
  const there = { ...ports, verificationUrl, baseUrl };
  const answered = state.token === null ? await opened(state, there) : await polled(state, state.token, there);
  if (!answered.ok) return answered;
  const { token, result } = answered.value;
  if (result !== 'positive' || token === null) return answered;
  const given = await playCredential(token, toBase64Url(pointOf(state.holderPem)), there);
  if (!given.ok) return err(adviceFor(given.error));
  const taken = { ...answered.value, credential: given.value };
  await ports.abroad.save(taken);
  return ok(taken);
}

function begin({ verificationUrl, uploadUrl, code }: TestAbroad, { random }: AbroadPorts): Abroad {
  const holderPem = newHolderPem(random);
  return { verificationUrl, uploadUrl, code, holderPem, token: null, result: 'pending', credential: null };
}

async function opened(state: Abroad, ports: AbroadPorts): Outcome<Abroad> {
  const keep = (token: string): Promise<void> => ports.abroad.save({ ...state, token });
  const played = await playRegister(state.code, keep, ports);
  if (!played.ok) return err(adviceFor(played.error));
  const { token, result } = played.value;
  // The token is kept, so a first poll without an answer is no failure of the registration.
  if (!result.ok) return result.error.kind === 'try-again' ? ok({ ...state, token }) : err(adviceFor(result.error));
  return kept({ ...state, token }, result.value, ports);
}

async function polled(state: Abroad, token: string, ports: AbroadPorts): Outcome<Abroad> {
  // Known to be positive, it isn't asked again: only the credential was lost.
  if (state.result === 'positive') return ok(state);
  const result = await playPoll(token, ports);
  return result.ok ? kept(state, result.value, ports) : err(adviceFor(result.error));
}

async function kept(state: Abroad, result: TestResult, ports: AbroadPorts): Outcome<Abroad> {
  const next = { ...state, result };
  await ports.abroad.save(next);
  return ok(next);
}

/**
 * The person deletes the test in the other region too; a credential that was used stays used.
 *
 * @param ports see {@link AbroadPorts}
 * @returns ok when that region has forgotten it, or there is none
 */
export async function forgetAbroad(ports: AbroadPorts): Outcome<null> {
  const loaded = await ports.abroad.load();
  const state = loaded.ok ? loaded.value : null;
  if (state === null || state.token === null) return ok(null);
  const { verificationUrl, uploadUrl: baseUrl, token } = state;
  const forgotten = await playForget(token, { ...ports, verificationUrl, baseUrl });
  return !forgotten.ok && forgotten.error.kind === 'try-again' ? err(TRY_AGAIN) : ok(null);
}

/**
 * @param store of the test abroad
 * @param codeKey of the test that is shared
 * @returns the region that tested, where the test was opened by its credential: the person was there
 */
export async function testedIn(store: Store<Abroad>, codeKey: string | null): Promise<readonly string[]> {
  const loaded = await store.load();
  const credential = loaded.ok && loaded.value !== null ? readCredential(loaded.value.credential ?? '') : null;
  return credential !== null && credential.id === codeKey ? [credential.region] : [];
}

/** Why a credential can't be used on this phone; nobody was asked. */
export type UnusableCredential = 'none' | 'malformed' | 'other-phone' | 'expired';

/**
 * @param text a link or a credential; null: the one that this phone took
 * @param abroad what this phone keeps
 * @param now Unix seconds
 * @returns what opens the test at home (test-course.ts), or why not
 */
export function codeOfCredential(
  text: string | null,
  abroad: Abroad | null,
  now: number,
): Result<CredentialCode, UnusableCredential> {
  const credential = text === null ? (abroad?.credential ?? null) : credentialInLink(text);
  if (credential === null) return err(text === null ? 'none' : 'malformed');
  const said = readCredential(credential);
  if (said === null) return err('malformed');
  const { holder, id, expiresAt } = said;
  if (abroad === null) return err('other-phone');
  const own = holderKey(pointOf(abroad.holderPem));
  if (own.x !== holder.x || own.y !== holder.y) return err('other-phone');
  if (expiresAt <= now) return err('expired');
  return ok({ keyType: 'CREDENTIAL', key: id, keyDob: null, credential, holderPem: abroad.holderPem });
}
