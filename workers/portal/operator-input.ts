/**
 * @module Reads what an operator sends: small JSON objects, checked field by field.
 */
import type { RestoreRequest } from '../../domain/restore.ts';
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

/**
 * @param body parsed JSON: `{"peers": true}` has peers asked whose poll is due; nothing, or `{}`, doesn't
 * @returns the command, or what is wrong with it
 */
export function readAdvance(body: unknown): Result<{ readonly peers: boolean }, InputError> {
  if (typeof body !== 'object' || Array.isArray(body)) return { ok: false, error: 'The body must be a JSON object.' };
  const { peers = false, ...rest } = (body ?? {}) as Record<string, unknown>;
  if (Object.keys(rest).length > 0) return { ok: false, error: 'Only peers is known.' };
  if (typeof peers !== 'boolean') return { ok: false, error: 'peers must be true or false.' };
  return { ok: true, value: { peers } };
}

/**
 * @param body parsed JSON: `{"deployment": "its name, typed", "dryRun": true}`; a dry run unless `dryRun` is false
 * @returns the command, or what is wrong with it
 */
export function readEndStep(
  body: unknown,
): Result<{ readonly deployment: string; readonly dryRun: boolean }, InputError> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { ok: false, error: 'The body must be a JSON object.' };
  }
  const { deployment, dryRun = true, ...rest } = body as Record<string, unknown>;
  if (Object.keys(rest).length > 0) return { ok: false, error: 'Only deployment and dryRun are known.' };
  if (typeof deployment !== 'string') return { ok: false, error: 'deployment must be the name of this deployment.' };
  if (typeof dryRun !== 'boolean') return { ok: false, error: 'dryRun must be true or false.' };
  return { ok: true, value: { deployment, dryRun } };
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

/** base64url of 32 bytes. */
const SECRET = /^[A-Za-z0-9_-]{43}$/;
/** Former keys of the event log, each changed once a year at most. */
const MAX_LOG_KEYS = 4;
const PEM = /^-----BEGIN PUBLIC KEY-----\n[A-Za-z0-9+/=\n]{1,400}-----END PUBLIC KEY-----\n?$/;

/**
 * @param body parsed JSON: `{"deployment": null, "journalSecret": null, "withoutJournal": false, "logKeys": []}`
 * @param host name of the deployment: the portal's own host
 * @returns the command, or what is wrong with it
 */
export function readRestore(body: unknown, host: string): Result<RestoreRequest, InputError> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    return { ok: false, error: 'The body must be a JSON object.' };
  }
  const {
    deployment = null,
    journalSecret = null,
    withoutJournal = false,
    logKeys = [],
    ...rest
  } = body as Record<string, unknown>;
  if (Object.keys(rest).length > 0) {
    return { ok: false, error: 'Only deployment, journalSecret, withoutJournal and logKeys are known.' };
  }
  // Who means another deployment than this one must not restore here.
  if (deployment !== null && deployment !== host) {
    return { ok: false, error: `deployment must be ${host}, to restore here, or null, to be told what there is.` };
  }
  if (journalSecret !== null && (typeof journalSecret !== 'string' || !SECRET.test(journalSecret))) {
    return { ok: false, error: 'journalSecret must be base64url of 32 bytes, or null.' };
  }
  if (typeof withoutJournal !== 'boolean' || (withoutJournal && journalSecret !== null)) {
    return { ok: false, error: 'withoutJournal must be true or false, and true with no journalSecret alone.' };
  }
  const areKeys = Array.isArray(logKeys) && logKeys.length <= MAX_LOG_KEYS;
  if (!areKeys || !logKeys.every((key) => typeof key === 'string' && PEM.test(key))) {
    return { ok: false, error: `logKeys must be ${MAX_LOG_KEYS} SPKI PEMs at most.` };
  }
  return { ok: true, value: { confirm: deployment !== null, journalSecret, withoutJournal, logKeys } };
}
