/**
 * @module A stage: one account with one backend, as `stages/<name>.toml` says it. Read once into a typed object that needs no file any more: what the file names beside itself (PEM,
 * JSON) is read with it. Whoever works with a stage takes this object.
 */
import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { parse, TomlError } from 'smol-toml';
import { err, ok, type Result } from '../../../protocol/primitives/result.ts';
import { type Attached, attach } from './attached.ts';
import type { StageProblem } from './problem.ts';
import { rulesBroken } from './rules.ts';
import { DOUBLE, fileSchema, type StageTable } from './schema.ts';
import { problemsOf } from './issues.ts';

type CamelCase<S extends string> = S extends `${infer Head}_${infer Tail}`
  ? `${Head}${Capitalize<CamelCase<Tail>>}`
  : S;
type Camel<T> = T extends readonly (infer E)[]
  ? readonly Camel<E>[]
  : T extends object
    ? { readonly [K in keyof T as CamelCase<K & string>]: Camel<T[K]> }
    : T;

/** Fields of schema.ts in camelCase; what they mean stands there. Files beside it are read: see {@link Attached}. */
export type Stage = Omit<Camel<StageTable>, keyof Attached | '$schema'> &
  Attached & {
    /** As it is typed: `demo` of `stages/demo.toml`. */
    readonly name: string;
  };

/**
 * @param path of `stages/<name>.toml`
 * @returns the stage, or everything that is wrong with the file, with field, value and rule
 */
export function readStage(path: string): Result<Stage, readonly StageProblem[]> {
  if (!existsSync(path)) return err([{ field: '', value: null, rule: 'there is no such file', near: null }]);
  let table: unknown;
  try {
    table = parse(readFileSync(path, 'utf8'));
  } catch (error) {
    if (!(error instanceof TomlError)) throw error;
    const [what = ''] = error.message.replace('Invalid TOML document: ', '').split('\n');
    return err([
      { field: `line ${error.line}, column ${error.column}`, value: null, rule: `is no TOML: ${what}`, near: null },
    ]);
  }
  const parsed = fileSchema.safeParse(table, { reportInput: true });
  if (!parsed.success) return err(problemsOf(parsed.error.issues));
  const attached = attach(parsed.data, (file) => {
    const at = join(dirname(path), file);
    return existsSync(at) ? readFileSync(at, 'utf8') : null;
  });
  const broken = [...rulesBroken(parsed.data), ...(attached.ok ? [] : attached.error)];
  if (broken.length > 0 || !attached.ok) return err(broken);
  const { $schema: _, ...rest } = parsed.data;
  return ok({ ...(camelKeys(rest) as Omit<Stage, 'name'>), ...attached.value, name: basename(path, '.toml') });
}

/** @param stage see {@link Stage} @returns whether its account is rehearsed on this machine */
export const isDouble = (stage: Pick<Stage, 'account'>): boolean => stage.account === DOUBLE;

/** @returns the same with names in camelCase, all the way down; values that are texts stay as they are */
function camelKeys(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((one) => camelKeys(one));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => [
      name.replaceAll(/_([a-z])/g, (_, letter: string) => letter.toUpperCase()),
      camelKeys(inner),
    ]),
  );
}
