/**
 * @module Reads the OpenAPI documents as data, and holds answers of the running Workers against it.
 */
import { readFileSync } from 'node:fs';
import { Ajv2020 } from 'ajv/dist/2020.js';
import { parse } from 'yaml';

/** Documents: of phones, of systems that issue codes, of laboratories, of other backends. */
export const DOCUMENTS = [
  'openapi.yaml',
  'openapi-admin.yaml',
  'openapi-laboratory.yaml',
  'openapi-federation.yaml',
] as const;
type DocumentName = (typeof DOCUMENTS)[number];

type Schema = Readonly<Record<string, unknown>>;
type Reference = { readonly $ref: string };

interface HeaderObject {
  readonly required?: boolean;
  readonly schema: Schema;
}
interface ResponseObject {
  readonly headers?: Readonly<Record<string, HeaderObject | Reference>>;
  readonly content?: Readonly<Record<string, { readonly schema: Schema | Reference }>>;
}
interface Operation {
  readonly operationId: string;
  readonly responses: Readonly<Record<string, ResponseObject | Reference>>;
}
export interface OpenApiDocument {
  readonly paths: Readonly<Record<string, Readonly<Record<string, unknown>>>>;
  readonly components: Readonly<
    Record<'parameters' | 'headers' | 'responses' | 'schemas', Readonly<Record<string, unknown>>>
  >;
}

const METHODS = ['get', 'head', 'post', 'put', 'delete', 'patch', 'options'];

/** @returns the document's text */
export const documentText = (name: DocumentName = 'openapi.yaml'): string =>
  readFileSync(new URL(`../../../docs/${name}`, import.meta.url), 'utf8');
/** @returns the document as data, references unresolved */
export const loadDocument = (name?: DocumentName): OpenApiDocument => parse(documentText(name)) as OpenApiDocument;

/** One operation of the document. */
export interface Located {
  readonly path: string;
  /** Lower case. */
  readonly method: string;
  readonly operation: Operation;
}

/** @param document the document @returns its operations in the order of the file */
export function operations(document: OpenApiDocument): Located[] {
  return Object.entries(document.paths).flatMap(([path, item]) =>
    Object.entries(item)
      .filter(([method]) => METHODS.includes(method))
      .map(([method, operation]) => ({ path, method, operation: operation as Operation })),
  );
}

function resolve<T>(document: OpenApiDocument, value: T | Reference): T {
  if (typeof value !== 'object' || value === null || !('$ref' in value)) return value;
  const target = value.$ref
    .slice(2)
    .split('/')
    .reduce<unknown>((node, key) => (node as Record<string, unknown>)[key], document);
  return resolve(document, target as T | Reference);
}

const ajv = new Ajv2020({ strict: false, allErrors: true });

function schemaFaults(schema: Schema, value: unknown, what: string): string[] {
  if (ajv.validate(schema, value)) return [];
  return (ajv.errors ?? []).map((error) => `${what}${error.instancePath} ${error.message ?? 'is wrong'}`);
}

/**
 * Holds an answer against what the document says about its status.
 *
 * @param document the document
 * @param located the operation that was called
 * @param response the answer
 * @param body its bytes
 * @returns every difference as a sentence; empty when there is none
 */
export function faultsOf(
  document: OpenApiDocument,
  { method, operation }: Located,
  response: { readonly status: number; readonly headers: Headers },
  body: Uint8Array,
): string[] {
  const declared = operation.responses[String(response.status)];
  if (declared === undefined) return [`status ${response.status} is not documented`];
  const { headers = {}, content } = resolve(document, declared);
  const faults = Object.entries(headers).flatMap(([name, header]) => {
    const { required, schema } = resolve(document, header);
    const value = response.headers.get(name);
    if (value === null) return required === true ? [`header ${name} is missing`] : [];
    return schemaFaults(schema, value, `header ${name}`);
  });
  if (content === undefined || method === 'head') {
    return body.length === 0 ? faults : [...faults, `a body of ${body.length} bytes is not documented`];
  }
  const type = response.headers.get('content-type')?.split(';')[0] ?? '';
  const media = content[type] ?? content['*/*'];
  if (media === undefined) return [...faults, `content type "${type}" is not documented`];
  if (!type.endsWith('json') || response.status === 206) return faults;
  // Schemas refer to each other by "#/components/…", so each is compiled inside the document's components.
  const schema = { ...resolve(document, media.schema), components: document.components };
  return [...faults, ...schemaFaults(schema, JSON.parse(new TextDecoder().decode(body)), 'body')];
}
