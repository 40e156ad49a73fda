/**
 * @module Holds what a client sends to the library's own types, by the schemas made from them.
 */
import { readFileSync } from 'node:fs';
import { Ajv, type ErrorObject, type ValidateFunction } from 'ajv';
import type { LibraryParams } from './types.ts';

/** A JSON Schema, or part of one. */
export type Json = Record<string, unknown>;

/** One method's parameters, taken apart. */
export interface ParamSchemas {
  /** Names that stand in the path. */
  readonly path: readonly string[];
  readonly query: Json;
  readonly header: Json;
  /** `null`: the method sends none. */
  readonly body: Json | null;
}

/** Name of a parameter type, as in types.ts. */
export type ParamsName = keyof LibraryParams;

interface GeneratedSchemas {
  readonly calls: Readonly<Record<ParamsName, ParamSchemas>>;
  readonly definitions: Json;
}

let generated: GeneratedSchemas | undefined;
const read = (): GeneratedSchemas =>
  (generated ??= JSON.parse(
    readFileSync(new URL('../generated/params.schema.json', import.meta.url), 'utf8'),
  ) as GeneratedSchemas);

// A query is text: numbers and truth values are written out.
const ajv = new Ajv({ strict: false, allErrors: true });
const ajvOfText = new Ajv({ strict: false, allErrors: true, coerceTypes: true });
const compiled = new Map<string, ValidateFunction>();

function compile(key: string, of: Ajv, schema: Json): ValidateFunction {
  const known = compiled.get(key);
  if (known !== undefined) return known;
  const made = of.compile({ ...schema, definitions: read().definitions });
  compiled.set(key, made);
  return made;
}

/** The branch of a union that the value says it is of, by its constant; other branches' complaints are noise. */
function relevant(errors: readonly ErrorObject[]): readonly ErrorObject[] {
  const branchOf = ({ schemaPath }: ErrorObject): string => schemaPath.slice(0, schemaPath.lastIndexOf('/properties/'));
  const isTag = ({ keyword, schemaPath }: ErrorObject): boolean =>
    (keyword === 'const' || keyword === 'enum') && /\/properties\/(type|action)\/(const|enum)$/.test(schemaPath);
  const others = new Set(errors.filter(isTag).map(branchOf));
  const ours = errors.filter(
    (error) => error.keyword !== 'anyOf' && ![...others].some((branch) => error.schemaPath.startsWith(`${branch}/`)),
  );
  const chosen = ours.length > 0 ? ours : errors;
  const deepest = Math.max(...chosen.map(({ instancePath }) => instancePath.split('/').length));
  return chosen.filter(({ instancePath }) => instancePath.split('/').length === deepest);
}

function tell(errors: readonly ErrorObject[]): string {
  const lines = relevant(errors).map(({ instancePath, message, params }) => {
    const more = 'additionalProperty' in params ? ` (${String(params['additionalProperty'])})` : '';
    const allowed = 'allowedValues' in params ? ` (${(params['allowedValues'] as unknown[]).join(', ')})` : '';
    return `${instancePath === '' ? 'body' : instancePath.slice(1).replaceAll('/', '.')} ${message}${more}${allowed}`;
  });
  return [...new Set(lines)].slice(0, 4).join('; ');
}

/**
 * @param name the method's parameter type
 * @param value body as JSON
 * @param property only this property of the body, e.g. `metadata` of a form
 * @returns what doesn't fit, or `null`
 */
export function refuseBody(name: ParamsName, value: unknown, property?: string): string | null {
  const { body } = read().calls[name];
  if (body === null) return value === undefined ? null : `${name} has no body`;
  const properties = body['properties'] as Record<string, Json> | undefined;
  // A body that isn't an object, e.g. a list of schedules, has the one name `body` in the library.
  const lone = properties !== undefined && Object.keys(properties).join(' ') === 'body';
  const schema = property !== undefined ? properties?.[property] : lone ? properties['body'] : body;
  if (schema === undefined) return `${name} has no ${property}`;
  const validate = compile(`${name} body ${property ?? ''}`, ajv, schema);
  return validate(value) ? null : tell(validate.errors ?? []);
}

/** `account.id=…` is `{ account: { id } }`: so the library writes it. */
function nested(query: Readonly<Record<string, string>>): Json {
  const whole: Json = {};
  for (const [key, value] of Object.entries(query)) {
    const [first = '', second] = key.split('.');
    whole[first] = second === undefined ? value : { ...(whole[first] as Json | undefined), [second]: value };
  }
  return whole;
}

/**
 * @param name the method's parameter type
 * @param query as in the URL
 * @returns what doesn't fit, or `null`
 */
export function refuseQuery(name: ParamsName, query: Readonly<Record<string, string>>): string | null {
  const validate = compile(`${name} query`, ajvOfText, read().calls[name].query);
  return validate(nested(query)) ? null : `query: ${tell(validate.errors ?? [])}`;
}

/**
 * @param name the method's parameter type
 * @param headers lower case
 * @returns what doesn't fit of those the type names, or `null`
 */
export function refuseHeaders(name: ParamsName, headers: Readonly<Record<string, string | undefined>>): string | null {
  const { header } = read().calls[name];
  const names = Object.keys(header['properties'] as Json);
  const named = Object.fromEntries(
    names.flatMap((header_) => (headers[header_] === undefined ? [] : [[header_, headers[header_]]])),
  );
  const validate = compile(`${name} header`, ajv, header);
  return validate(named) ? null : tell(validate.errors ?? []);
}
