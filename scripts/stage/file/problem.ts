/** @module What is wrong in a stage's file: field, value, rule, and what was probably meant. A value that looks like a secret is never repeated. */

/** One broken rule. */
export interface StageProblem {
  /** Dotted, as in the file: `hosts.keys`; empty: the file as a whole. */
  readonly field: string;
  /** As it stands there, shortened; null: nothing does. */
  readonly value: string | null;
  /** `must be …`, `is missing; …`. */
  readonly rule: string;
  /** A name that is near; null: none. */
  readonly near: string | null;
}

/** A stage that can't be used as it stands: a mistake of the caller's, exit code 2. */
export class StageFileError extends Error {
  override readonly name = 'StageFileError';
  readonly problems: readonly StageProblem[];

  /** @param file its path @param problems all of them */
  constructor(file: string, problems: readonly StageProblem[]) {
    super([`${file}:`, ...problems.map((problem) => `  ${describeProblem(problem)}`)].join('\n'));
    this.problems = problems;
  }
}

const MAX_SHOWN = 80;
const SECRET = /SECRET-KEY|PRIVATE KEY/i;

/** @param value anything out of the file @returns it in a line, without what nobody should see; null for nothing */
export function shown(value: unknown): string | null {
  if (value === undefined) return null;
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  if (SECRET.test(text))
    return '(a secret key: no secret belongs into this file; this one has been seen, make another)';
  return text.length > MAX_SHOWN ? `${text.slice(0, MAX_SHOWN)}…` : text;
}

/** @param problem see {@link StageProblem} @returns one sentence: field, value, rule, near miss */
export function describeProblem({ field, value, rule, near }: StageProblem): string {
  const about = value === null ? field : `${field} = ${JSON.stringify(value)}`;
  return `${about === '' ? '' : `${about} `}${rule}${near === null ? '' : `; did you mean ${near}?`}`;
}
