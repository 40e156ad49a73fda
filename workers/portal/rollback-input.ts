/** @module Reads an operator's commands about rollbacks, field by field. What breaks a rule is told by field and rule, never by what was sent. */
import { badTarget, isRollbackKind, type RollbackTarget } from '../../domain/rollback.ts';
import { err, ok, type Result } from '../../protocol/primitives/result.ts';
import type { InputError } from './operator-input.ts';

/** A target, and the undo key that opens what it means. */
export interface PlanCommand {
  readonly target: RollbackTarget;
  /** PKCS#8 PEM. */
  readonly undoKey: string;
}

/** One key, or up to three, one after the other: while the undo key is changed there are two (docs/rollback.md). */
const PEM = /^(?:-----BEGIN PRIVATE KEY-----[A-Za-z0-9+/=\s]{100,400}-----END PRIVATE KEY-----\s*){1,3}$/;
const ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** @param body parsed JSON: `{"target": {"kind", "name", "fromDay", "toDay"}, "undoKey"}` @param today UTC day */
export function readPlan(body: unknown, today: number): Result<PlanCommand, InputError> {
  const fields = fieldsOf(body, ['target', 'undoKey']);
  if (fields === null) return err('The body must be a JSON object with target and undoKey.');
  const { target, undoKey } = fields;
  if (typeof undoKey !== 'string' || !PEM.test(undoKey)) return err('undoKey must be a private key in PEM (PKCS#8).');
  const about = fieldsOf(target, ['kind', 'name', 'fromDay', 'toDay']);
  if (about === null || !isRollbackKind(about['kind'])) return err('target must have kind, name, fromDay and toDay.');
  const { kind, name, fromDay, toDay } = about as unknown as RollbackTarget;
  const rule = badTarget({ kind, name, fromDay, toDay }, today);
  return rule === null ? ok({ target: { kind, name, fromDay, toDay }, undoKey }) : err(`target: ${rule}.`);
}

/** @param body parsed JSON: `{"id", "undoKey"}` */
export function readConfirm(body: unknown): Result<{ readonly id: string; readonly undoKey: string }, InputError> {
  const fields = fieldsOf(body, ['id', 'undoKey']);
  if (fields === null) return err('The body must be a JSON object with id and undoKey.');
  const { id, undoKey } = fields;
  if (typeof id !== 'string' || !ID.test(id)) return err('id must be a UUID.');
  if (typeof undoKey !== 'string' || !PEM.test(undoKey)) return err('undoKey must be a private key in PEM (PKCS#8).');
  return ok({ id, undoKey });
}

function fieldsOf(body: unknown, known: readonly string[]): Record<string, unknown> | null {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) return null;
  return Object.keys(body).every((field) => known.includes(field)) ? (body as Record<string, unknown>) : null;
}
