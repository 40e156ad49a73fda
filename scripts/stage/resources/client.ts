/**
 * @module The maker's library, with answers that are whole. The library retries by itself (429 by its Retry-After, 408, 5xx, lost connections), but takes a body that is cut off in the
 * midst for a failure for good, an answer `success: false` with status 200 for a success without a result, and sends a POST again whose answer was lost, though it may have been done: a
 * second service token, a second application.
 */
import Cloudflare from 'cloudflare';

/** How often a call is sent again. With the library's pauses (0.5 s, doubled, 8 s at most, or what Retry-After says) a call takes some seconds before it gives up. */
const MAX_RETRIES = 4;
/** Longest wait for one answer, ms; uploads are small here. */
const TIMEOUT_MS = 30_000;
/** On an answer that isn't the API's own: `cut`, none came whole; `refused`, it says `success: false` with a status of success. */
export const OURS_HEADER = 'x-exposure-edge-answer';
/** On a list: how many there are in all, as the answer says beside its own part. */
export const TOTAL_HEADER = 'x-exposure-edge-total';

const REQUEST_TIMEOUT = 408;
const CONFLICT = 409;
const BAD_GATEWAY = 502;
const GATEWAY_TIMEOUT = 504;
const FIRST_SERVER_ERROR = 500;
/** With these the Fetch standard allows no body. */
const NO_BODY = new Set([101, 204, 205, 304]);

/**
 * @param account where the API is (https://api.cloudflare.com/client/v4, or a double of it on this machine) and the token
 * @param retries how often a call is sent again at most
 * @returns a client that retries what is safe to be sent again, and nothing else
 */
export function clientOf(
  account: { readonly apiBase: string; readonly token: string },
  retries = MAX_RETRIES,
): Cloudflare {
  return new Cloudflare({
    apiToken: account.token,
    baseURL: account.apiBase,
    // What the environment says for other programs is not for this one.
    apiKey: null,
    apiEmail: null,
    userServiceKey: null,
    maxRetries: retries,
    timeout: TIMEOUT_MS,
    logLevel: 'off',
    fetch: wholeAnswers,
  });
}

/** Fetches, and reads the body to its end before anybody sees the status. */
async function wholeAnswers(input: RequestInfo | URL, init?: RequestInit): Promise<Response> {
  const posts = init?.method?.toUpperCase() === 'POST';
  let response: Response;
  let body: string;
  try {
    response = await fetch(input, init);
    body = await response.text();
  } catch (error) {
    if (!posts || init?.signal?.aborted === true) throw error;
    return cut(error);
  }
  const headers = new Headers(response.headers);
  // It was decoded on the way.
  headers.delete('content-encoding');
  headers.delete('content-length');
  let { status } = response;
  if (response.ok && body !== '' && headers.get('content-type')?.includes('json') === true) {
    const envelope = envelopeIn(body);
    if (envelope?.success !== true) {
      status = BAD_GATEWAY;
      headers.set(OURS_HEADER, envelope === null ? 'cut' : 'refused');
      // It said no, and will again.
      if (envelope !== null) headers.set('x-should-retry', 'false');
    }
    const total = envelope?.result_info?.total_count;
    if (typeof total === 'number') headers.set(TOTAL_HEADER, String(total));
  }
  const unsafe = posts && (status >= FIRST_SERVER_ERROR || status === REQUEST_TIMEOUT);
  // A conflict is an answer, not a lock that opens: a bucket of this name exists.
  if (unsafe || status === CONFLICT) headers.set('x-should-retry', 'false');
  return new Response(NO_BODY.has(status) ? null : body, { status, headers });
}

/** What every answer of Cloudflare's API is wrapped in. */
interface Envelope {
  readonly success?: unknown;
  readonly result_info?: { readonly total_count?: unknown } | null;
}

/** @returns the envelope; null where it is none, or half of one */
function envelopeIn(body: string): Envelope | null {
  try {
    const value: unknown = JSON.parse(body);
    return typeof value === 'object' && value !== null ? value : null;
  } catch {
    return null;
  }
}

/** The library would send it again. Nobody knows whether it was done: who reads the account knows. */
function cut(error: unknown): Response {
  const message = error instanceof Error ? error.message : String(error);
  return Response.json(
    { success: false, errors: [{ code: 0, message }], messages: [], result: null },
    { status: GATEWAY_TIMEOUT, headers: { [OURS_HEADER]: 'cut', 'x-should-retry': 'false' } },
  );
}
