/**
 * @module Operator commands about verification codes (docs/verification-codes.md): codes for a script (`/operator/codes`), and API keys of apps and systems
 * (`/operator/api-keys`). A key's text is in the answer that makes it, and nowhere else.
 */
import { Hono } from 'hono';
import { API_KEY_KINDS, type ApiKeyKind, type IssueCodeRequest } from '../../domain/rpc-codes.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import { problem } from '../shared/problem.ts';
import { CODE_ERRORS } from './admin-api/answers.ts';
import { STAFF_TEST_TYPES } from './bulk-table.ts';
import { API_KEY_ID, apiKeyName, makeApiKey, revokeApiKey } from './api-key-desk.ts';
import { readCommand } from './json-command.ts';
import type { InputError } from './operator-input.ts';
import { audit, type Staff } from './staff-context.ts';

/** Codes of one command. */
const MAX_CODES_PER_COMMAND = 1_000;
/** Of a quota. */
export const MAX_CODES_PER_DAY = 100_000;
const DATE = /^\d{4}-\d{2}-\d{2}$/;

interface IssueCommand extends Pick<IssueCodeRequest, 'testType' | 'symptomDate' | 'testDate' | 'long'> {
  readonly count: number;
}

/** @returns the routes of `/operator/codes` */
export function codeCommandRoutes() {
  const routes = new Hono<Staff>();

  routes.post('/', async (c) => {
    const command = await readCommand(c.req.raw, readIssueCodes);
    if (command instanceof Response) return command;
    const { count, testType, symptomDate, testDate, long } = command;
    await audit(c, 'codes.issue', `type ${testType} count ${count}`);
    const today = new Date(Math.floor(c.var.now / SECONDS_PER_DAY) * SECONDS_PER_DAY * 1000).toISOString().slice(0, 10);
    const request: IssueCodeRequest = {
      testType,
      symptomDate,
      // A code without any date is none that an app could take.
      testDate: symptomDate === null && testDate === null ? today : testDate,
      tzOffset: 0,
      phone: null,
      uuid: null,
      externalIssuerId: null,
      smsTemplateLabel: null,
      onlyGenerateSms: false,
      long,
    };
    const requests = Array.from({ length: count }, () => request);
    const replies = await c.env.VERIFICATION.deliverCodes(c.var.identity.subject, requests);
    const codes = replies.flatMap((reply) =>
      'error' in reply
        ? []
        : [
            {
              uuid: reply.uuid,
              code: reply.code,
              expiresAt: reply.expiresAt,
              longCode: reply.longCode,
              longExpiresAt: reply.longExpiresAt,
            },
          ],
    );
    const [failed] = replies.flatMap((reply) => ('error' in reply ? [reply.error] : []));
    if (codes.length > 0 || failed === undefined) return c.json({ codes, missing: count - codes.length }, 201);
    const status = failed === 'quota_exceeded' ? 429 : 422;
    return problem(status, 'No code was issued', `${CODE_ERRORS[failed].error} (${failed}).`);
  });

  // The health authority's alone, as on the page of quotas.
  routes.post('/quota', async (c) => {
    const command = await readCommand(c.req.raw, readQuota);
    if (command instanceof Response) return command;
    await audit(c, 'code-quota.set', `${command.issuer} ${command.perDay}`);
    await c.env.VERIFICATION.setCodeQuota(command.issuer, command.perDay);
    return c.json(command);
  });

  return routes;
}

/** @returns the routes below `/operator/api-keys` */
export function apiKeyRoutes() {
  const routes = new Hono<Staff>();

  routes.get('/', async (c) => {
    const keys = await c.env.VERIFICATION.apiKeys();
    return c.json({
      apiKeys: keys.map(({ id, kind, name, createdAt, revokedAt }) => ({ id, kind, name, createdAt, revokedAt })),
    });
  });

  routes.post('/', async (c) => {
    const command = await readCommand(c.req.raw, readNewKey);
    if (command instanceof Response) return command;
    const { apiKey, text } = await makeApiKey(c, command.kind, command.name);
    return c.json({ id: apiKey.id, kind: apiKey.kind, name: apiKey.name, createdAt: apiKey.createdAt, key: text }, 201);
  });

  routes.post('/revoke', async (c) => {
    const id = await readCommand(c.req.raw, readKeyId);
    if (id instanceof Response) return id;
    return (await revokeApiKey(c, id)) ? c.json({ id }) : problem(404, 'Not Found', 'There is no such API key.');
  });

  return routes;
}

const NO_OBJECT = 'The body must be a JSON object.';

function fieldsOf(body: unknown): Record<string, unknown> | null {
  return typeof body === 'object' && body !== null && !Array.isArray(body) ? { ...body } : null;
}

/** @param body parsed JSON: `{"count": 3, "testType": "confirmed", "symptomDate": null, "testDate": null, "long": false}`; all but the count may be left out */
function readIssueCodes(body: unknown): Result<IssueCommand, InputError> {
  const fields = fieldsOf(body);
  if (fields === null) return err(NO_OBJECT);
  const { count, testType = 'confirmed', symptomDate = null, testDate = null, long = false, ...rest } = fields;
  if (Object.keys(rest).length > 0) return err('Only count, testType, symptomDate, testDate and long are known.');
  if (typeof count !== 'number' || !Number.isInteger(count) || count < 1 || count > MAX_CODES_PER_COMMAND) {
    return err(`count must be an integer, 1..${MAX_CODES_PER_COMMAND}.`);
  }
  const type = STAFF_TEST_TYPES.find((one) => one === testType);
  if (type === undefined) return err(`testType must be one of ${STAFF_TEST_TYPES.join(', ')}.`);
  const isDate = (value: unknown): value is string | null =>
    value === null || (typeof value === 'string' && DATE.test(value));
  if (!isDate(symptomDate) || !isDate(testDate)) return err('symptomDate and testDate must be YYYY-MM-DD, or null.');
  if (typeof long !== 'boolean') return err('long must be true or false.');
  return ok({ count, testType: type, symptomDate, testDate, long });
}

/** @param body parsed JSON: `{"issuer": "key:…", "perDay": 50000}` */
function readQuota(body: unknown): Result<{ readonly issuer: string; readonly perDay: number }, InputError> {
  const fields = fieldsOf(body);
  if (fields === null) return err(NO_OBJECT);
  const { issuer, perDay, ...rest } = fields;
  if (Object.keys(rest).length > 0) return err('Only issuer and perDay are known.');
  if (typeof issuer !== 'string' || apiKeyName(issuer) !== issuer) return err('issuer must be 1..100 characters.');
  if (typeof perDay !== 'number' || !Number.isInteger(perDay) || perDay < 0 || perDay > MAX_CODES_PER_DAY) {
    return err(`perDay must be an integer, 0..${MAX_CODES_PER_DAY}.`);
  }
  return ok({ issuer, perDay });
}

/** @param body parsed JSON: `{"kind": "device", "name": "app of the region"}` */
function readNewKey(body: unknown): Result<{ readonly kind: ApiKeyKind; readonly name: string }, InputError> {
  const fields = fieldsOf(body);
  if (fields === null) return err(NO_OBJECT);
  const { kind, name, ...rest } = fields;
  if (Object.keys(rest).length > 0) return err('Only kind and name are known.');
  const known = API_KEY_KINDS.find((one) => one === kind);
  if (known === undefined) return err(`kind must be one of ${API_KEY_KINDS.join(', ')}.`);
  const fine = typeof name === 'string' ? apiKeyName(name) : null;
  return fine === null
    ? err('name must be 1..100 characters, no control characters.')
    : ok({ kind: known, name: fine });
}

/** @param body parsed JSON: `{"id"}` */
function readKeyId(body: unknown): Result<string, InputError> {
  const fields = fieldsOf(body);
  const id = fields?.['id'];
  const isOnly = fields !== null && Object.keys(fields).length === 1;
  return isOnly && typeof id === 'string' && API_KEY_ID.test(id)
    ? ok(id)
    : err('id must be 32 hex digits, and the only field.');
}
