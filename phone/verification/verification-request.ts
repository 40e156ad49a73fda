/**
 * @module Requests to the verification server as they leave the phone (docs/spec/cwa.md §3.1, §1.3): real or dummy, for
 * whichever of the routes, of one size on the wire, headers included, in HTTP/1.1 and in HTTP/2. Which of the two it is stands
 * in the padded body alone: HPACK would keep a header that says so (docs/decisions/025). Names of routes differ in length; a
 * header makes up for it.
 */
import { toBase64Url, toHex } from '../../protocol/primitives/bytes.ts';
import { MAX_PRESENTATION_LENGTH } from '../../protocol/credential/presentation.ts';
import type { TestCode } from './codes.ts';
import { type RandomBytes, randomUuid } from '../random.ts';
import { headerPaddingFor } from './header-padding.ts';

export const VERIFICATION_PATHS = {
  registrationToken: '/version/v1/registrationToken',
  testresult: '/version/v1/testresult',
  tan: '/version/v1/tan',
  forget: '/version/v1/forget',
  credential: '/version/v1/credential',
  presentation: '/version/v1/presentation',
} as const;
export type VerificationRoute = keyof typeof VERIFICATION_PATHS;

/** Size of every body. The longest one without padding, a credential with its proof, is 1,298 (protocol/credential/); CWA's are 250 (docs/spec/cwa.md §1.3; docs/decisions/059). */
export const QUESTION_BYTES = 1_300;
const headerPadding = headerPaddingFor(Object.values(VERIFICATION_PATHS));

export interface VerificationRequest {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** JSON, ASCII, exactly {@link QUESTION_BYTES}. */
  readonly body: string;
}

/** What is asked: with a code or a credential for a registration token, with that token for all the rest. */
export type Question =
  | { readonly route: 'registrationToken'; readonly code: TestCode }
  | { readonly route: 'testresult' | 'tan' | 'forget'; readonly token: string }
  /** `holder`: x and y of the phone's key, base64url. */
  | { readonly route: 'credential'; readonly token: string; readonly holder: string }
  | { readonly route: 'presentation'; readonly presentation: string };

/**
 * @param question a real one
 * @param random for the padding
 * @returns the request
 */
export function verificationRequest(question: Question, random: RandomBytes): VerificationRequest {
  return request(question, false, random);
}

/**
 * @param route which one to feign
 * @param random for made-up content and padding
 * @returns a request that differs from a real one in `cover` and in random text alone
 */
export function dummyVerificationRequest(route: VerificationRoute, random: RandomBytes): VerificationRequest {
  return request(feigned(route, random), true, random);
}

function feigned(route: VerificationRoute, random: RandomBytes): Question {
  switch (route) {
    case 'registrationToken':
      return { route, code: { keyType: 'GUID', key: toHex(random(32)), keyDob: null } };
    case 'presentation':
      return { route, presentation: toBase64Url(random(MAX_PRESENTATION_LENGTH)).slice(0, MAX_PRESENTATION_LENGTH) };
    case 'credential':
      return { route, token: randomUuid(random), holder: toBase64Url(random(64)) };
    default:
      return { route, token: randomUuid(random) };
  }
}

function request(question: Question, cover: boolean, random: RandomBytes): VerificationRequest {
  const path = VERIFICATION_PATHS[question.route];
  return {
    path,
    headers: {
      'content-type': 'application/json',
      'cwa-header-padding': headerPadding(path, random),
    },
    body: paddedJson({ cover, ...contentOf(question) }, random),
  };
}

function contentOf(question: Question): Record<string, string> {
  switch (question.route) {
    case 'registrationToken': {
      const { keyType, key, keyDob } = question.code;
      return { key, keyType, ...(keyDob === null ? {} : { keyDob }) };
    }
    case 'presentation':
      return { presentation: question.presentation };
    case 'credential':
      return { registrationToken: question.token, holder: question.holder };
    default:
      return { registrationToken: question.token };
  }
}

function paddedJson(content: Record<string, string | boolean>, random: RandomBytes): string {
  const missing = QUESTION_BYTES - JSON.stringify({ ...content, requestPadding: '' }).length;
  if (missing < 0) throw new RangeError(`verification: question is ${-missing} bytes longer than ${QUESTION_BYTES}`);
  return JSON.stringify({ ...content, requestPadding: padding(missing, random) });
}

/** Hex, so that it needs no escapes in JSON and compresses like the tokens it stands beside. */
function padding(length: number, random: RandomBytes): string {
  return toHex(random(Math.ceil(length / 2))).slice(0, length);
}
