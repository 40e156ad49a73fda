/**
 * @module Sends uploads and dummies, and tells what the answer means for the person (docs/spec/cwa.md §1.1): stored, try again,
 * or ask the hotline.
 */
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import type { Fetch } from '../http.ts';
import type { RandomBytes } from '../random.ts';
import {
  dummyRequest,
  type UploadContent,
  uploadRequest,
  type UploadRequest,
  type UploadRequestError,
} from './upload-request.ts';

/** What the phone sends with. */
export interface UploadPorts {
  readonly fetch: Fetch;
  /** Origin of the upload Worker, without a slash at its end. */
  readonly baseUrl: string;
  readonly random: RandomBytes;
  /** From the configuration (coverTraffic.uploadBodyBytes); without one 2,048. */
  readonly bodyBytes?: number;
}

export type UploadFailure =
  /** No answer, too many requests, or the server is unwell: the same content, later (retry.ts), with the same TAN. */
  | { readonly kind: 'try-again'; readonly status: number | null }
  /** The TAN is unknown, expired or used: only the hotline can help. */
  | { readonly kind: 'ask-hotline'; readonly status: 403 }
  /** The content broke a rule; sending it again is of no use. */
  | { readonly kind: 'refused'; readonly status: number }
  /** The content can't even be sent. */
  | { readonly kind: 'unsendable'; readonly error: UploadRequestError };

/** Seconds until an answer counts as lost. Answers leave at a fixed deadline of far less (docs/architecture.md §4.6). */
const TIMEOUT_SECONDS = 30;

/**
 * @param tan from the verification server
 * @param content what is shared; the same on each attempt
 * @param ports see {@link UploadPorts}
 * @returns ok when the keys are durable
 */
export async function upload(
  tan: string,
  content: UploadContent,
  ports: UploadPorts,
): Promise<Result<null, UploadFailure>> {
  const request = uploadRequest(tan, content, ports.random, ports.bodyBytes);
  if (!request.ok) return err({ kind: 'unsendable', error: request.error });
  const status = await send(request.value, ports);
  if (status === 200) return ok(null);
  if (status === 403) return err({ kind: 'ask-hotline', status });
  if (status === null || isTryAgain(status)) return err({ kind: 'try-again', status });
  return err({ kind: 'refused', status });
}

/**
 * @param status of an answer
 * @returns whether the same content may be stored later
 */
export function isTryAgain(status: number): boolean {
  return status === 408 || status === 429 || status >= 500;
}

/**
 * Sends a dummy. Its answer means nothing, so only whether one came is told.
 *
 * @param ports see {@link UploadPorts}
 * @returns status, or null when there was no answer
 */
export function sendDummy(ports: UploadPorts): Promise<number | null> {
  return send(dummyRequest(ports.random, ports.bodyBytes), ports);
}

/**
 * @param request of one size
 * @param ports see {@link UploadPorts}
 * @returns status, or null when there was no answer
 */
export async function send(request: UploadRequest, { fetch, baseUrl }: UploadPorts): Promise<number | null> {
  try {
    const response = await fetch(`${baseUrl}${request.path}`, {
      method: 'POST',
      headers: request.headers,
      body: new Uint8Array(request.body),
      redirect: 'error',
      credentials: 'omit',
      signal: AbortSignal.timeout(TIMEOUT_SECONDS * 1000),
    });
    // Read to its end, so that the connection can serve the next request.
    await response.arrayBuffer();
    return response.status;
  } catch {
    return null;
  }
}
