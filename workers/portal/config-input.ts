/**
 * @module Reads an operator's commands about the parameter document, field by field; the document itself and the audience
 * are judged in `origin` (domain/parameters).
 */
import type { PublishRequest, RollbackRequest } from '../../domain/parameters/publication.ts';
import { audienceSchema } from '../../protocol/parameters/config-head.ts';
import { type Result, err, ok } from '../../protocol/primitives/result.ts';
import type { InputError } from './operator-input.ts';

/** A command and the version its sender has seen. */
export interface Expecting<R> {
  readonly request: R;
  readonly expectedVersion: number;
}

/** The document as an object or as the file's text; `audience` and `dryRun` may be left out. */
export function readPublish(body: unknown): Result<Expecting<PublishRequest>, InputError> {
  const fields = readFields(body, ['document', 'expectedVersion', 'audience', 'dryRun']);
  if (!fields.ok) return fields;
  const { document, audience = null } = fields.value;
  if (typeof document !== 'string' && (typeof document !== 'object' || document === null)) {
    return err('document must be the parameter document, as an object or as its JSON text.');
  }
  const checked = audience === null ? null : audienceSchema.safeParse(audience);
  if (checked !== null && !checked.success) {
    const [issue] = checked.error.issues;
    return err(
      `audience${issue?.path.map((part) => `.${String(part)}`).join('') ?? ''}: ${issue?.message ?? 'invalid'}`,
    );
  }
  const text = typeof document === 'string' ? document : JSON.stringify(document);
  return withCommon(fields.value, { document: text, audience: checked?.data ?? null });
}

export function readRollback(body: unknown): Result<Expecting<RollbackRequest>, InputError> {
  const fields = readFields(body, ['toVersion', 'expectedVersion', 'dryRun']);
  if (!fields.ok) return fields;
  const { toVersion = null } = fields.value;
  if (toVersion !== null && !isVersion(toVersion, 1)) return err('toVersion must be an integer from 1 on, or null.');
  return withCommon(fields.value, { toVersion });
}

const PROPOSAL_ID = /^[0-9a-f]{32}$/;

export function readProposal(body: unknown): Result<string, InputError> {
  const fields = readFields(body, ['proposal']);
  if (!fields.ok) return fields;
  const { proposal } = fields.value;
  return typeof proposal === 'string' && PROPOSAL_ID.test(proposal)
    ? ok(proposal)
    : err('proposal must be the id of a proposal, 32 hex digits.');
}

/** Of a command, unread. */
type Fields = Readonly<Record<string, unknown>>;

/** @param known names that may stand in it @returns the fields of a command, or that it has others or is no object */
export function readFields(body: unknown, known: readonly string[]): Result<Fields, InputError> {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return err('The body must be a JSON object.');
  const unknown = Object.keys(body).some((name) => !known.includes(name));
  return unknown ? err(`Only ${known.join(', ')} are known.`) : ok(body as Fields);
}

function isVersion(value: unknown, lowest: number): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= lowest;
}

/** @param rest of a request @returns the request with what all commands of this kind have: the version its sender has seen, and whether it is a dry run */
export function withCommon<T extends object>(
  { expectedVersion, dryRun = false }: Fields,
  rest: T,
): Result<Expecting<T & { dryRun: boolean }>, InputError> {
  if (!isVersion(expectedVersion, 0)) {
    return err('expectedVersion must be the version you have seen, an integer; 0 before the first.');
  }
  if (typeof dryRun !== 'boolean') return err('dryRun must be true or false.');
  return ok({ request: { ...rest, dryRun }, expectedVersion });
}
