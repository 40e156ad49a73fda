/**
 * @module What a call that failed says: which resource, the status and Cloudflare's own code, what the break leaves and how to go on; and where the token may not, which permission it
 * lacks. Never a token, a secret or a body.
 */
import { APIConnectionError, APIError, AuthenticationError, PermissionDeniedError } from 'cloudflare';
import { OURS_HEADER } from './client.ts';

/** What is being done, for the error. */
export interface Doing {
  readonly resource: string;
  readonly afterBreak: string;
  readonly rights: readonly string[];
}

/** What is known of a failure. */
interface Known {
  /** What failed, and how. */
  readonly brief: string;
  /** What a person needs beside it. */
  readonly rest: string;
  readonly status?: number | null;
  readonly codes?: readonly number[];
  readonly ambiguous?: boolean;
  readonly cause?: unknown;
}

/** A resource that couldn't be read, brought or taken away. */
export class ResourceError extends Error {
  override readonly name = 'ResourceError';
  readonly brief: string;
  /** HTTP status of the answer; null: there was none, or it isn't the API's fault. */
  readonly status: number | null;
  /** Cloudflare's codes, e.g. 10004 of R2: a bucket of this name exists. */
  readonly codes: readonly number[];
  /** True where the call may have been done though it failed: no answer, half of one, or 5xx. */
  readonly ambiguous: boolean;

  constructor({ brief, rest, status = null, codes = [], ambiguous = false, cause }: Known) {
    super(`${brief}. ${rest}`, { cause });
    [this.brief, this.status, this.codes, this.ambiguous] = [brief, status, codes, ambiguous];
  }
}

/** @param doing what @param run does it @returns its result @throws ResourceError for whatever it throws */
export async function told<T>(doing: Doing, run: () => Promise<T>): Promise<T> {
  try {
    return await run();
  } catch (error) {
    throw errorOf(doing, error);
  }
}

const FIRST_SERVER_ERROR = 500;

function errorOf({ resource, afterBreak, rights }: Doing, error: unknown): ResourceError {
  if (error instanceof ResourceError) return error;
  const left = `What is left: ${afterBreak}`;
  if (!(error instanceof APIError))
    return new ResourceError({ brief: `${resource}: ${text(error)}`, rest: left, cause: error });
  const ours = error.headers?.get(OURS_HEADER) ?? null;
  const cut = error instanceof APIConnectionError || ours === 'cut';
  const codes = error.errors.map(({ code }) => code).filter((code) => typeof code === 'number');
  const said = error.errors.map(({ code, message }) => `${code} ${message}`).join('; ');
  const why = said === '' ? '' : ` (${said})`;
  const answered = ours === 'refused' ? 'said no with a status of success' : `answered ${error.status}`;
  const what = cut
    ? `no answer, or half of one, came from Cloudflare's API (${text(error.cause ?? said)})`
    : `Cloudflare's API ${answered}${why}`;
  const status = cut || ours !== null ? null : (error.status ?? null);
  return new ResourceError({
    brief: `${resource}: ${what}`,
    rest: isRefusedToken(error) ? `The API token lacks a permission; this needs ${rights.join(', ')}. ${left}` : left,
    status,
    codes,
    ambiguous: cut || ours !== null || (status !== null && status >= FIRST_SERVER_ERROR),
    cause: error,
  });
}

const isRefusedToken = (error: APIError): boolean =>
  error instanceof PermissionDeniedError || error instanceof AuthenticationError;

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
