/**
 * @module Reads what an operator sends: small JSON objects, checked field by field.
 */
import type { IssueTansRequest } from '../../domain/rpc.ts';
import type { Result } from '../../protocol/primitives/result.ts';

/** Most TANs one command issues (domain/rpc.ts). */
const MAX_TANS_PER_COMMAND = 1_000;

/** A fixed text that names the field and the rule. */
export type InputError = string;

/**
 * @param body parsed JSON
 * @returns the command, or what is wrong with it
 */
export function readIssueTans(body: unknown): Result<Pick<IssueTansRequest, 'count'>, InputError> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { ok: false, error: 'The body must be a JSON object.' };
  }
  const { count, ...rest } = body as Record<string, unknown>;
  if (Object.keys(rest).length > 0) return { ok: false, error: 'Only count is known.' };
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 1 || count > MAX_TANS_PER_COMMAND) {
    return { ok: false, error: `count must be an integer, 1..${MAX_TANS_PER_COMMAND}.` };
  }
  return { ok: true, value: { count } };
}

/** The year 2100: nobody's clock. */
const MAX_TIME = 4_102_444_800;

/**
 * @param body parsed JSON: `{"now": 1795528800}`, what the operator's own clock says
 * @returns the command, or what is wrong with it
 */
export function readConfirmClock(body: unknown): Result<{ readonly now: number }, InputError> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { ok: false, error: 'The body must be a JSON object.' };
  }
  const { now, ...rest } = body as Record<string, unknown>;
  if (Object.keys(rest).length > 0) return { ok: false, error: 'Only now is known.' };
  if (typeof now !== 'number' || !Number.isInteger(now) || now < 1 || now > MAX_TIME) {
    return { ok: false, error: `now must be whole Unix seconds, 1..${MAX_TIME}.` };
  }
  return { ok: true, value: { now } };
}
