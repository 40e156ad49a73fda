/**
 * @module Questions to `verification` as CWA's apps send them: 250 bytes, `cwa-fake`, and what their HTTP libraries add
 * (docs/spec/cwa.md §1.3).
 */
import { randomBytes } from 'k6/crypto';
import http, { type RefinedResponse } from 'k6/http';
import { clientHeaders } from './client.ts';
import { textOf } from './signed.ts';
import { anyEdge, REQUEST_TIMEOUT } from './settings.ts';

/** A test without a result (docs/spec/cwa.md §3.1). */
export const PENDING = 0;
/** Body of each question (docs/spec/cwa.md §1.3). */
const BODY_BYTES = 250;
/** Body of each answer (decision 059). */
const ANSWER_BYTES = 910;
/** Characters that make up for the length of a route's name (docs/spec/cwa.md §1.3). */
const HEADER_PADDING = { registrationToken: 0, testresult: 7, tan: 14 } as const;

/** @returns so many random hex digits */
export const hex = (digits: number): string =>
  Array.from(new Uint8Array(randomBytes(Math.max(1, Math.ceil(digits / 2)))), (byte) =>
    byte.toString(16).padStart(2, '0'),
  )
    .join('')
    .slice(0, digits);

/**
 * Asks one question.
 *
 * @param kind for k6's metrics
 * @param expected statuses that are no failure for k6
 */
export function ask(
  route: keyof typeof HEADER_PADDING,
  question: object,
  { fake = '0', kind, expected = [200, 201] }: { fake?: '0' | '1'; kind: string; expected?: readonly number[] },
): RefinedResponse<'text'> {
  const missing = BODY_BYTES - JSON.stringify({ ...question, requestPadding: '' }).length;
  const body = JSON.stringify({ ...question, requestPadding: hex(missing) });
  return http.post(`${anyEdge()}/version/v1/${route}`, body, {
    headers: {
      'Content-Type': 'application/json',
      'cwa-fake': fake,
      'cwa-header-padding': hex(HEADER_PADDING[route]),
      ...clientHeaders(),
    },
    tags: { name: kind, kind },
    responseCallback: http.expectedStatuses(...expected),
    responseType: 'text',
    timeout: REQUEST_TIMEOUT,
  });
}

/** Registers tests that no laboratory has posted. @returns their tokens @throws Error when one is refused */
export function registerTests(count: number): string[] {
  return Array.from({ length: count }, () => {
    const answer = ask('registrationToken', { key: hex(64), keyType: 'GUID' }, { kind: 'registration' });
    if (answer.status !== 201) throw new Error(`registration was answered ${answer.status}: ${textOf(answer)}`);
    const token = answer.json('registrationToken');
    if (typeof token !== 'string') throw new Error('registration was answered without a token');
    return token;
  });
}

/** k6 undoes encodings unseen: an answer that was encoded shows by its headers alone. */
export const asItStands = {
  'answer has its one size, not encoded': (r: { readonly headers: Readonly<Record<string, string>> }) =>
    r.headers['Content-Encoding'] === 'identity' && r.headers['Content-Length'] === String(ANSWER_BYTES),
};
