/**
 * @module Sends a request of an Exposure Notifications Express app, and reads what the answer means for the person: done, the same again later, or a no for good (docs/spec/google.md §1.4, §5.3).
 */
import { fromUtf8 } from '../../protocol/primitives/bytes.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import { type Fetch, readCounted } from '../http.ts';
import type { RandomBytes } from '../random.ts';
import { isTryAgain } from '../upload/upload.ts';
import type { EnxRequest } from './requests.ts';

/** What an app has built in, and its source of bytes. */
export interface EnxServers {
  readonly fetch: Fetch;
  /** Origins, without a slash at their end. */
  readonly verificationUrl: string;
  readonly publishUrl: string;
  /** `X-API-Key` for the verification server, of the kind device. */
  readonly apiKey: string;
  /** `healthAuthorityID`. */
  readonly healthAuthorityId: string;
  readonly random: RandomBytes;
}

export type EnxFailure =
  /** No answer, or the server is unwell: the same again, later. */
  | { readonly kind: 'try-again'; readonly status: number | null }
  /** For good. `code`: the server's, or "" when it gave none. */
  | { readonly kind: 'refused'; readonly status: number; readonly code: string };

/** JSON of an answer. */
export type Answer = Readonly<Record<string, unknown>>;

/** Seconds until an answer counts as lost. */
const TIMEOUT_SECONDS = 30;
/** Answers of Google's server are 3 KB at most, of ours 5. */
const MAX_ANSWER_BYTES = 65_536;

/**
 * @param request see requests.ts
 * @param servers where to
 * @returns the answer of status 200, or why there is none
 */
export async function ask(request: EnxRequest, servers: EnxServers): Promise<Result<Answer, EnxFailure>> {
  const { server, path, headers, body } = request;
  const base = server === 'publish' ? servers.publishUrl : servers.verificationUrl;
  let status: number;
  let answer: Answer | null;
  try {
    const response = await servers.fetch(`${base}${path}`, {
      method: 'POST',
      headers,
      body,
      redirect: 'error',
      credentials: 'omit',
      signal: AbortSignal.timeout(TIMEOUT_SECONDS * 1000),
    });
    status = response.status;
    answer = objectIn(await readCounted(response, MAX_ANSWER_BYTES));
  } catch {
    return err({ kind: 'try-again', status: null });
  }
  if (status === 200 && answer !== null) return ok(answer);
  // Something that stands before the server answered in its place.
  if (status === 200 || isTryAgain(status)) return err({ kind: 'try-again', status });
  return err({ kind: 'refused', status, code: textOf(answer, 'errorCode') || textOf(answer, 'code') });
}

function objectIn(bytes: Uint8Array | null): Answer | null {
  if (bytes === null) return null;
  try {
    const value: unknown = JSON.parse(fromUtf8(bytes));
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Answer) : null;
  } catch {
    return null;
  }
}

/** @returns a text of an answer, "" where there is none */
export function textOf(answer: Answer | null, field: string): string {
  const value = answer?.[field];
  return typeof value === 'string' ? value : '';
}
