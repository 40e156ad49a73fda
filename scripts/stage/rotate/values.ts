/**
 * @module How secrets and variables change in a phase. Pure but for what is drawn, and idempotent: what a phase has changed already stays as it is, so a rotation that was cut off goes on with
 * the key that it drew.
 */
import { createPublicKey } from 'node:crypto';
import { publicPem } from '../../../local-edge/draw-secrets.ts';
import { dateOf } from '../../../protocol/gaen/intervals.ts';
import { type PhaseName, type RotationRule, type SigningRule, UNTIL } from './rule.ts';

/** Every secret of a stage, and the variables that rotations have changed, by name. */
export interface Values {
  readonly secrets: Readonly<Record<string, string>>;
  readonly variables: Readonly<Record<string, string>>;
}

/** What a change needs beside the values. */
export interface ChangeInput {
  /** Unix seconds, of the phase's beginning: the same when it is done again. */
  readonly at: number;
  /** A new value of a secret; of an offline key its public half, the other one sealed by then. Asked for once a phase. */
  readonly draw: (secret: string) => Promise<string>;
  /** @returns the value of a variable of one of the holders, as deployed before */
  readonly variable: (name: string) => string;
}

/** The next key waits under this name for those who must learn of it; no Worker is given it. */
export const nextName = (secret: string): string => `NEXT_${secret}`;

/** A value doesn't have the form that the phase before leaves. */
export class RotationError extends Error {
  override readonly name = 'RotationError';
}

/**
 * @param rule of the secret
 * @param phase which one
 * @param values as they are
 * @param input see {@link ChangeInput}
 * @returns as they are in the phase; the same where they are so already
 * @throws RotationError naming the secret and never a value
 */
export async function changed(
  rule: RotationRule,
  phase: PhaseName,
  values: Values,
  input: ChangeInput,
): Promise<Values> {
  switch (rule.kind) {
    case 'ring':
      return {
        ...values,
        secrets: { ...values.secrets, [rule.secret]: await ringIn(rule.secret, phase, values, input) },
      };
    case 'signing':
      return signingIn(rule, phase, values, input);
    case 'offline':
    case 'brought':
      return wholeIn(rule, phase, values, input);
  }
}

async function ringIn(secret: string, phase: PhaseName, { secrets }: Values, { draw }: ChangeInput): Promise<string> {
  const keys = keysOf(secrets, secret);
  // Of a state that was lost: begun anew, the rotation would drop a key whose TANs, sessions, tokens are out.
  const expected = phase === 'accept' ? 1 : 2;
  if (keys.length !== expected) {
    throw new RotationError(
      `${secret}: ${expected === 1 ? 'one key is' : 'two keys are'} expected before phase “${phase}”, the sealed ring has ${keys.length}: bring the newest rotations file from the repository`,
    );
  }
  const [first, last] = [keys[0]!, keys.at(-1)!];
  switch (phase) {
    case 'accept':
      return [first, await draw(secret)].join();
    case 'make':
      return [last, first].join();
    case 'drop':
    case 'announce':
      return first;
  }
}

function keysOf(secrets: Values['secrets'], secret: string): string[] {
  const value = secrets[secret];
  if (value === undefined) throw new RotationError(`${secret} isn't among the sealed secrets`);
  return value.split(',');
}

async function signingIn(rule: SigningRule, phase: PhaseName, values: Values, input: ChangeInput): Promise<Values> {
  const { secret, former, otherKeysVariable, idVariable } = rule;
  const next = nextName(secret);
  const secrets = { ...values.secrets };
  const variables = { ...values.variables };
  const variable = (name: string): string => variables[name] ?? input.variable(name);
  const nextId = idVariable === null ? '' : numberedOn(variable(idVariable));
  if (phase === 'announce') {
    secrets[next] ??= await input.draw(secret);
    if (otherKeysVariable !== null) {
      variables[otherKeysVariable] = withKey(input.variable(otherKeysVariable), nextId, secrets[next]);
    }
  } else if (phase === 'make') {
    const [present, comes] = [secrets[secret], secrets[next]];
    if (present === undefined || comes === undefined)
      throw new RotationError(`${present === undefined ? secret : next} isn't among the sealed secrets`);
    if (former !== null) {
      secrets[former.secret] = former.keeps === 'private' ? present : publicPem(present);
      for (const [name, of] of Object.entries(former.variables)) {
        variables[name] = of === UNTIL ? dateOf(input.at + rule.life.seconds + 86_400) : variable(of);
      }
    }
    if (otherKeysVariable !== null && idVariable !== null) {
      variables[otherKeysVariable] = withKey(input.variable(otherKeysVariable), variable(idVariable), present);
    }
    if (idVariable !== null && nextId !== '') variables[idVariable] = nextId;
    secrets[secret] = comes;
    delete secrets[next];
  } else {
    if (former !== null) {
      delete secrets[former.secret];
      for (const name of Object.keys(former.variables)) delete variables[name];
    }
    // Those that the stage's file lists stay.
    if (otherKeysVariable !== null) delete variables[otherKeysVariable];
  }
  return { secrets, variables };
}

async function wholeIn(
  rule: Extract<RotationRule, { kind: 'offline' | 'brought' }>,
  phase: PhaseName,
  values: Values,
  { draw }: ChangeInput,
): Promise<Values> {
  if (phase !== 'make') return values;
  const secrets = { ...values.secrets };
  for (const one of rule.kind === 'brought' ? [rule.secret, ...rule.with] : [rule.secret])
    secrets[one] = await draw(one);
  return { ...values, secrets };
}

/**
 * One step for a key that leaked: the former one is worth nothing from the deployment on, whatever it made.
 *
 * @returns as `changed` does, with the new key alone
 */
export async function replaced(rule: RotationRule, values: Values, input: ChangeInput): Promise<Values> {
  if (rule.kind === 'ring') {
    return { ...values, secrets: { ...values.secrets, [rule.secret]: await input.draw(rule.secret) } };
  }
  // A key that was announced is known to others already, and didn't leak with the one that signs.
  const ready = rule.kind === 'signing' ? await changed(rule, 'announce', values, input) : values;
  return changed(rule, 'drop', await changed(rule, 'make', ready, input), input);
}

/** @param id `manifest-v1` @returns `manifest-v2`; of none, none */
function numberedOn(id: string): string {
  if (id === '') return '';
  const [, stem = '', number] = /^(.*?)(\d{1,9})?$/.exec(id) ?? [];
  // What ends with digits that are no count, an MCC, is never asked here: ids of exports stay, and versions count.
  return number === undefined ? `${id}-2` : `${stem}${Number(number) + 1}`;
}

function withKey(list: string, id: string, pem: string): string {
  const spki = createPublicKey(pem).export({ type: 'spki', format: 'der' }).toString('base64');
  const others = list.split(',').filter((one) => one !== '' && !one.startsWith(`${id}=`));
  return [...others, `${id}=${spki}`].join();
}
