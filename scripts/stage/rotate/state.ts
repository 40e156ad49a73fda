/**
 * @module How far each rotation is: `stages/<name>.rotations.json`, committed with the sealed secrets that it speaks of. No secret is in it: marks are keyed (HMAC) by a key that is sealed
 * with the secrets, and say only whether a value is the same.
 */
import { createHmac } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import * as z from 'zod';
import { writeWhole } from '../../../local-edge/state-format.ts';
import type { RotationRule } from './rule.ts';
import { nextName, RotationError, type Values } from './values.ts';

/** Raised when a file that an earlier version wrote can't be read any more. */
const FORMAT = 1;

const variables = z.record(z.string(), z.string());
const phase = z.enum(['announce', 'accept', 'make', 'drop', 'replace']);
const mark = z.string().regex(/^[0-9a-f]{32}$/);
// A time that is none would be a wait that is over.
const at = z.iso.datetime();

const fields = z.strictObject({
  /** The last one that was done; null: no rotation is under way. */
  phase: phase.nullable(),
  /** ISO 8601, when it was. */
  at: at.nullable(),
  /** Of the values then; null: this secret was never changed. */
  mark: mark.nullable(),
  /** One that began and isn't known to be done. */
  begun: z
    .strictObject({
      phase,
      at,
      /** Of the values before it, and of those that it makes. */
      before: mark,
      after: mark,
      /** All that rotations have changed, as they are with the values that it makes. */
      variables,
      /** Of each holder before it: what the account had; null: nothing. */
      versions: z.record(z.string(), z.string().nullable()),
    })
    .nullable(),
});
const oneSchema = fields.refine(
  (one) => one.phase === null || (one.at !== null && one.mark !== null),
  'a phase that was done has its time and its mark',
);

const stateSchema = z.strictObject({
  format: z.literal(FORMAT),
  stage: z.string(),
  /** That rotations have changed, by name: ids of keys. Over those of the stage's file. */
  variables,
  secrets: z.record(z.string(), oneSchema),
});

export type RotationState = z.infer<typeof stateSchema>;
/** Of one secret. */
export type OneRotation = z.infer<typeof oneSchema>;

/** A secret that was never changed. */
export const AT_REST: OneRotation = { phase: null, at: null, mark: null, begun: null };

/**
 * @param file `stages/<name>.rotations.json`
 * @param stage its name
 * @returns what it says; where there is no file, that nothing was ever changed
 * @throws RotationError naming the file and what is wrong with it
 */
export function readRotations(file: string, stage: string): RotationState {
  if (!existsSync(file)) return { format: FORMAT, stage, variables: {}, secrets: {} };
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(file, 'utf8'));
  } catch {
    throw new RotationError(`${file} is damaged: it is no JSON; take it from the repository`);
  }
  const read = stateSchema.safeParse(value);
  if (!read.success) {
    const issue = read.error.issues[0];
    throw new RotationError(`${file} is damaged: ${issue?.path.join('.') ?? ''}: ${issue?.message ?? ''}`);
  }
  if (read.data.stage !== stage) throw new RotationError(`${file} is of the stage ${read.data.stage}, not of ${stage}`);
  return read.data;
}

/** Replaces the file, or leaves the former one. @throws Error of the file system */
export const writeRotations = (file: string, state: RotationState): void =>
  writeWhole(file, `${JSON.stringify(state, null, 2)}\n`);

/**
 * @param rule of a secret
 * @param secrets of the stage
 * @param markKey 32 bytes, sealed with them
 * @returns a name of all values that its rotation changes, 32 hex digits
 */
export function markOf(rule: RotationRule, secrets: Values['secrets'], markKey: Uint8Array): string {
  const { secret } = rule;
  const former = rule.kind === 'signing' && rule.former !== null ? [rule.former.secret] : [];
  const together = rule.kind === 'brought' ? rule.with : [];
  const values = [secret, nextName(secret), ...former, ...together].map((name) => [name, secrets[name] ?? null]);
  return createHmac('sha256', markKey)
    .update(JSON.stringify(['rotation', values]))
    .digest('hex')
    .slice(0, 32);
}

/**
 * An `apply` with one file of today and one of before would sign with one key under another's id.
 *
 * @throws RotationError naming the secret, where the sealed secrets aren't those that the state speaks of
 */
function requireTogether(
  state: RotationState,
  inForce: Values['variables'],
  rule: RotationRule,
  secrets: Values['secrets'],
  markKey: Uint8Array,
): void {
  const { mark: known, begun } = state.secrets[rule.secret] ?? AT_REST;
  const isOther = begun === null && known !== null && known !== markOf(rule, secrets, markKey);
  const former = rule.kind === 'signing' ? rule.former : null;
  const isNameless =
    former !== null &&
    // The stage's file may name this one itself.
    rule.secret !== 'EXPORT_SIGNING_KEY' &&
    secrets[former.secret] !== undefined &&
    Object.keys(former.variables).some((name) => inForce[name] === undefined);
  if (!isOther && !isNameless) return;
  throw new RotationError(
    `${rule.secret}: the sealed secrets aren't those that the rotations speak of: one of the two files is an older one, or missing. Bring both from the repository`,
  );
}

/**
 * Which variables go with the secrets as they are sealed now: those of a phase that was cut off count from the moment on at which its secrets are sealed. Whoever deploys asks this.
 *
 * @param state see {@link readRotations}
 * @param rules of all secrets
 * @param secrets as sealed
 * @param markKey sealed with them
 * @returns variable by name
 * @throws RotationError where state and secrets are of different days
 */
export function variablesInForce(
  state: RotationState,
  rules: readonly RotationRule[],
  secrets: Values['secrets'],
  markKey: Uint8Array,
): Readonly<Record<string, string>> {
  const isDue = (rule: RotationRule): boolean =>
    state.secrets[rule.secret]?.begun?.after === markOf(rule, secrets, markKey);
  const inForce = (state.secrets[rules.find(isDue)?.secret ?? '']?.begun ?? state).variables;
  for (const rule of rules) requireTogether(state, inForce, rule, secrets, markKey);
  return inForce;
}
