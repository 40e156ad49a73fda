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

const FILE = new URL('../generated/params.schema.json', import.meta.url);
/** Name under which all definitions lie, so that what refers to them is compiled once. */
const SHARED = 'params';

let generated: GeneratedSchemas | undefined;
const read = (): GeneratedSchemas =>
  (generated ??= JSON.parse(
    readFileSync(FILE, 'utf8').replaceAll('"#/definitions/', `"${SHARED}#/definitions/`),
  ) as GeneratedSchemas);

// The schemas are made and compared with the types; nobody checks them against the language of schemas at each start.
const OPTIONS = {
  strict: false,
  allErrors: true,
  verbose: true,
  validateSchema: false,
  meta: false,
  code: { optimize: false },
} as const;
const ajv = new Ajv(OPTIONS);
// A query is text: numbers and truth values are written out.
const ajvOfText = new Ajv({ ...OPTIONS, coerceTypes: true });
const compiled = new Map<string, ValidateFunction>();

function compile(key: string, of: Ajv, schema: Json): ValidateFunction {
  const known = compiled.get(key);
  if (known !== undefined) return known;
  if (of.getSchema(SHARED) === undefined) of.addSchema({ $id: SHARED, definitions: read().definitions });
  const made = of.compile(schema);
  compiled.set(key, made);
  return made;
}

const TAGS = ['type', 'action'];

function resolve(schema: Json): Json {
  const { $ref } = schema as { readonly $ref?: string };
  return $ref === undefined ? schema : (read().definitions[$ref.slice(`${SHARED}#/definitions/`.length)] as Json);
}

/** The member of a union that the value says it is, by its constant `type` or `action`. */
function memberOf(members: readonly Json[], value: unknown): Json | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  return members.find((member) => {
    const properties = resolve(member)['properties'] as Record<string, Json> | undefined;
    return TAGS.some((tag) => {
      const constant = properties?.[tag]?.['const'];
      return constant !== undefined && constant === (value as Json)[tag];
    });
  });
}

const placeOf = (path: string): string => (path === '' ? 'body' : path.slice(1).replaceAll('/', '.'));

function lineOf({ instancePath, message, params }: ErrorObject, before: string): string {
  const more = 'additionalProperty' in params ? ` (${String(params['additionalProperty'])})` : '';
  const allowed = 'allowedValues' in params ? ` (${(params['allowedValues'] as unknown[]).join(', ')})` : '';
  return `${placeOf(before + instancePath)} ${message}${more}${allowed}`;
}

/** Of a union, what the meant member says: thirty others that it isn't are noise. */
function tell(errors: readonly ErrorObject[], before = ''): string {
  const union = errors.find(({ keyword }) => keyword === 'anyOf');
  if (union !== undefined) {
    const member = memberOf(union.schema as Json[], union.data);
    const path = before + union.instancePath;
    if (member === undefined) return `${placeOf(path)} is none of what the type allows`;
    const validate = compile(JSON.stringify(member), ajv, member);
    if (!validate(union.data)) return tell(validate.errors ?? [], path);
  }
  return [...new Set(errors.map((error) => lineOf(error, before)))].slice(0, 4).join('; ');
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
