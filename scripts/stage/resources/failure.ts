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

/** A resource that couldn't be read, brought or taken away. */
export class ResourceError extends Error {
  override readonly name = 'ResourceError';
  /** HTTP status of the answer; null: there was none, or it isn't the API's fault. */
  readonly status: number | null;
  /** Cloudflare's codes, e.g. 10004 of R2: a bucket of this name exists. */
  readonly codes: readonly number[];
  /** True where the call may have been done though it failed: no answer, half of one, or 5xx. */
  readonly ambiguous: boolean;

  constructor(message: string, status: number | null, codes: readonly number[], ambiguous: boolean, cause: unknown) {
    super(message, { cause });
    [this.status, this.codes, this.ambiguous] = [status, codes, ambiguous];
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
  if (!(error instanceof APIError)) {
    return new ResourceError(`${resource}: ${text(error)}. ${left}`, null, [], false, error);
  }
  const status = error.status ?? null;
  const ours = error.headers?.get(OURS_HEADER) ?? null;
  const cut = error instanceof APIConnectionError || ours === 'cut';
  const codes = error.errors.map(({ code }) => code).filter((code) => typeof code === 'number');
  const said = error.errors.map(({ code, message }) => `${code} ${message}`).join('; ');
  const what = cut
    ? `no answer, or half of one, from Cloudflare's API (${text(error.cause ?? said)})`
    : `Cloudflare's API ${ours === 'refused' ? 'said no with a status of success' : `answered ${status}`}${said === '' ? '' : ` (${said})`}`;
  const may =
    error instanceof PermissionDeniedError || error instanceof AuthenticationError
      ? ` The API token lacks a permission; this needs ${rights.join(', ')} (dash.cloudflare.com → Manage Account → API tokens).`
      : '';
  const ambiguous = cut || (status !== null && status >= FIRST_SERVER_ERROR);
  return new ResourceError(
    `${resource}: ${what}.${may} ${left}`,
    ours === null && !cut ? status : null,
    codes,
    ambiguous,
    error,
  );
}

const text = (error: unknown): string => (error instanceof Error ? error.message : String(error)).replace(/\.$/, '');
