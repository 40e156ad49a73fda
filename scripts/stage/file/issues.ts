/** @module From the schema's issues to problems that name field, value, rule and the name that was meant. */
import * as z from 'zod';
import { nearMiss } from './near-miss.ts';
import { shown, type StageProblem } from './problem.ts';
import { fileSchema } from './schema.ts';

type Issue = z.core.$ZodIssue;

/** A node of the JSON Schema, as far as names are looked up in it. */
interface Node {
  readonly properties?: Readonly<Record<string, Node>>;
  readonly items?: Node;
  readonly enum?: readonly string[];
}

/** @param issues of a parse with `reportInput` @returns a problem for each; for an unknown name the near ones of its table */
export function problemsOf(issues: readonly Issue[]): StageProblem[] {
  const schema = z.toJSONSchema(fileSchema, { io: 'input' }) as Node;
  const unknown = issues.flatMap((issue) => (issue.code === 'unrecognized_keys' ? unknownNames(issue, schema) : []));
  // Who mistypes a name misses the right one too: told once, by what was typed.
  const meant = new Set(unknown.flatMap(({ table, near }) => (near === null ? [] : [fieldOf([...table, near])])));
  const others = issues
    .filter(({ code }) => code !== 'unrecognized_keys')
    .map((issue): StageProblem => {
      const value = shown(issue.input);
      const choices = nodeAt(schema, issue.path)?.enum ?? [];
      const near = typeof issue.input === 'string' ? nearMiss(issue.input, choices) : null;
      return { field: fieldOf(issue.path), value, rule: ruleOf(issue), near };
    })
    .filter(({ field, value }) => value !== null || !meant.has(field));
  return [...unknown.map(({ problem }) => problem), ...others];
}

function unknownNames(issue: Extract<Issue, { code: 'unrecognized_keys' }>, schema: Node) {
  const node = nodeAt(schema, issue.path);
  const names = Object.keys(node?.properties ?? {});
  const table = issue.input;
  return issue.keys.map((key) => {
    const near =
      nearMiss(
        key,
        names.filter((name) => table?.[name] === undefined),
      ) ?? elsewhere(key, schema);
    const problem: StageProblem = {
      field: fieldOf([...issue.path, key]),
      value: null,
      rule: 'is no field of a stage',
      near,
    };
    return { problem, table: issue.path, near };
  });
}

/** A field that stands in the wrong table. */
function elsewhere(key: string, schema: Node): string | null {
  const table = Object.entries(schema.properties ?? {}).find(([, { properties }]) => properties?.[key] !== undefined);
  return table === undefined ? null : `${table[0]}.${key}`;
}

function nodeAt(schema: Node, path: readonly PropertyKey[]): Node | undefined {
  return path.reduce<Node | undefined>(
    (node, step) => (typeof step === 'number' ? node?.items : node?.properties?.[String(step)]),
    schema,
  );
}

const fieldOf = (path: readonly PropertyKey[]): string =>
  path.reduce<string>(
    (text, step) => (typeof step === 'number' ? `${text}[${step}]` : `${text}${text === '' ? '' : '.'}${String(step)}`),
    '',
  );

/** Our own rules are sentences already; a table that isn't there has the schema's words. */
function ruleOf(issue: Issue): string {
  if (issue.code !== 'invalid_type' || /^(must|is missing)/.test(issue.message)) return issue.message;
  return issue.input === undefined
    ? 'is missing'
    : `must be ${issue.expected === 'object' ? 'a table' : `a ${issue.expected}`}`;
}
