/**
 * @module JSON Schemas out of the parameter types of npm `cloudflare` (types.ts). The library has one type a method, for path, query, headers
 * and body together; its comments say which is which ("Query param: …"), and with them the type is taken apart here.
 */
import { createGenerator, type Schema } from 'ts-json-schema-generator';
import type { Json, ParamSchemas } from './validate.ts';

const FOLDER = 'scripts/stage/double/schemas';
/** Where the result lies, from the root. */
export const GENERATED = 'scripts/stage/double/generated/params.schema.json';

const KIND = /^(Path|Query|Header|Body) param\b/;

type Definitions = NonNullable<Schema['definitions']>;
type Definition = Schema & { properties?: Record<string, Schema> };

/** Where a parameter stands. The library says nothing where all of a type stand in one place. */
function placeOf(type: string, name: string, schema: Schema): 'path' | 'query' | 'header' | 'body' {
  const [, kind] = KIND.exec(schema.description ?? '') ?? [];
  if (kind !== undefined) return kind.toLowerCase() as 'path';
  if (name === 'account_id' || name === 'zone_id') return 'path';
  return /\.?[A-Za-z]+(List|Delete)Params$/.test(type) ? 'query' : 'body';
}

const pick = (from: Definition, names: readonly string[]): Json => ({
  type: 'object',
  properties: Object.fromEntries(names.map((name) => [name, from.properties?.[name]])),
  required: (from.required ?? []).filter((name) => names.includes(name)),
  additionalProperties: false,
});

const nameOf = (ref: string): string => ref.slice('#/definitions/'.length);

/** Takes one method's type apart; a union of types gives a union of bodies. */
function split(from: Definition, definitions: Definitions): ParamSchemas {
  const name = nameOf(from.$ref ?? '');
  const definition = from.$ref === undefined ? from : (definitions[name] as Definition);
  if (definition.anyOf !== undefined) {
    const parts = definition.anyOf.map((part) => split(part as Definition, definitions));
    const [first] = parts;
    if (first === undefined) throw new Error(`${name}: a union of nothing`);
    return { ...first, body: { anyOf: parts.map(({ body }) => body) } };
  }
  const names = { path: [] as string[], query: [] as string[], header: [] as string[], body: [] as string[] };
  for (const [property, schema] of Object.entries(definition.properties ?? {})) {
    names[placeOf(name, property, schema)].push(property);
  }
  return {
    path: names.path,
    query: pick(definition, names.query),
    header: pick(definition, names.header),
    body: names.body.length === 0 ? null : pick(definition, names.body),
  };
}

/** Of the library's forty kinds of binding and thirty of rule, those that a stage has; others are refused, and couldn't be run either. */
const KEPT: Readonly<Record<string, readonly string[]>> = {
  type: [
    'durable_object_namespace',
    'inherit',
    'json',
    'mtls_certificate',
    'plain_text',
    'r2_bucket',
    'secret_text',
    'service',
    'version_metadata',
  ],
  action: ['block', 'log', 'rewrite', 'set_cache_settings', 'skip'],
};

/** Unions of this many members and more are thinned out; smaller ones are whole. */
const LARGE = 12;

function isKept(member: Definition, definitions: Definitions): boolean {
  const { properties } = member.$ref === undefined ? member : (definitions[nameOf(member.$ref)] as Definition);
  return Object.entries(KEPT).every(([tag, kept]) => {
    const value = properties?.[tag]?.const;
    return typeof value !== 'string' || kept.includes(value);
  });
}

function thinned(value: unknown, definitions: Definitions): unknown {
  if (Array.isArray(value)) return value.map((item) => thinned(item, definitions));
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, inner]) => {
      const large = name === 'anyOf' && Array.isArray(inner) && inner.length >= LARGE;
      const kept = large ? (inner as Definition[]).filter((member) => isKept(member, definitions)) : (inner as unknown);
      return [name, thinned(kept, definitions)];
    }),
  );
}

/** Texts are the library's documentation; what is checked is the rest. */
function withoutTexts(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutTexts);
  if (typeof value !== 'object' || value === null) return value;
  const kept = Object.entries(value).filter(
    ([name, inner]) => !['description', 'deprecated', '$comment'].includes(name) || typeof inner === 'object',
  );
  return Object.fromEntries(kept.map(([name, inner]) => [name, withoutTexts(inner)]));
}

/** Definitions that something still refers to, sorted by name. */
function reachable(roots: unknown, definitions: Definitions): Definitions {
  const found = new Set<string>();
  const visit = (value: unknown): void => {
    for (const [, name = ''] of JSON.stringify(value).matchAll(/"\$ref":"#\/definitions\/([^"]+)"/g)) {
      if (found.has(name)) continue;
      found.add(name);
      visit(definitions[name]);
    }
  };
  visit(roots);
  return Object.fromEntries([...found].toSorted().map((name) => [name, definitions[name] as Schema]));
}

/**
 * @param root the repository's, absolute
 * @returns text of the file {@link GENERATED}
 * @throws Error when a type of types.ts can't be made a schema
 */
export function generateParamSchemas(root: string): string {
  const schema = createGenerator({
    path: `${root}/${FOLDER}/types.ts`,
    tsconfig: `${root}/tsconfig.node.json`,
    type: 'LibraryParams',
    topRef: false,
    additionalProperties: false,
    encodeRefs: false,
    // tsc has checked it; TypeScript 7 has no interface for programs, so the generator brings a 5 of its own.
    skipTypeCheck: true,
  }).createSchema('LibraryParams') as Definition;
  const all = schema.definitions ?? {};
  const definitions = thinned(all, all) as Definitions;
  const calls = Object.fromEntries(
    Object.entries(schema.properties ?? {}).map(([name, from]) => [name, split(from as Definition, definitions)]),
  );
  const whole = withoutTexts({ calls, definitions: reachable(calls, definitions) });
  // A line a name: changes of two branches can be merged, and read.
  return `${JSON.stringify(whole, null, 1)}\n`;
}
