/**
 * @module Which calls there are. A call that no route names is refused, and remembered: a client that calls what nobody foresaw shall not
 * pass unnoticed.
 */
import { Refusal } from './refusal.ts';
import { type ParamsName, refuseBody, refuseHeaders, refuseQuery } from './schemas/validate.ts';
import type { Account, Bucket, Store } from './state.ts';

/** An object in a bucket, as the API lists it. */
interface BucketObject {
  readonly key: string;
  /** Bytes. */
  readonly size: number;
  readonly etag: string;
  readonly last_modified: string;
}

/** What lies in buckets: where deployed Workers run (local-edge/uploaded.ts); nothing does where they don't. */
export interface BucketObjects {
  list(bucket: Bucket): Promise<BucketObject[]>;
  remove(bucket: Bucket, key: string): Promise<void>;
}

/** One call, taken apart. */
export interface Incoming {
  readonly method: string;
  /** Below `/client/v4`, decoded segments joined again. */
  readonly path: string;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Uint8Array<ArrayBuffer>;
}

/** What a route's handler gets. */
export interface Context {
  readonly account: Account;
  readonly store: Store;
  /** What lies in buckets. */
  readonly objects: BucketObjects;
  /** The path's `:names`. */
  readonly params: Readonly<Record<string, string>>;
  readonly query: Readonly<Record<string, string>>;
  readonly headers: Incoming['headers'];
  /** JSON of the body; `undefined` without one. Of a form: its `metadata`, or `settings`. */
  readonly body: unknown;
  /** Files of a form. */
  readonly files: readonly File[];
  /** Rights of the token; `null`: all. */
  readonly rights: readonly string[] | null;
}

/** A route. */
export interface Route {
  readonly method: string;
  /** With `:name` for a segment. */
  readonly path: string;
  /** Name of the API token permission it needs (rights.ts); `null`: any valid token. */
  readonly right: string | null | ((context: Context) => string);
  /** The library's parameter type, or a check of one's own where the call is wrangler's alone. Left out: neither body nor query. */
  readonly params?: ParamsName | OwnParams;
  /** The form's part that has the JSON. */
  readonly form?: 'metadata';
  readonly handle: (context: Context) => unknown;
}

/** Parameters of calls that wrangler makes and the library has no type for; read from wrangler's code. */
interface OwnParams {
  readonly query?: readonly string[];
  /** The library's type for the body all the same. */
  readonly types?: ParamsName;
  /** Fields of the body that wrangler sends and the library's type lacks. */
  readonly beyond?: readonly string[];
  /** @returns what doesn't fit, or `null` */
  readonly body?: (body: unknown) => string | null;
}

const matchers = new Map<string, RegExp>();
const matcher = (path: string): RegExp => {
  const known = matchers.get(path);
  if (known !== undefined) return known;
  const made = new RegExp(`^${path.replaceAll(/:(\w+)/g, '(?<$1>[^/]+)')}$`);
  matchers.set(path, made);
  return made;
};

/**
 * @param routes all
 * @param method of the call
 * @param path below `/client/v4`
 * @returns the route and the path's parameters
 */
export function findRoute(
  routes: readonly Route[],
  method: string,
  path: string,
): { readonly route: Route; readonly params: Record<string, string> } | null {
  for (const route of routes) {
    if (route.method !== method) continue;
    const groups = matcher(route.path).exec(path)?.groups;
    if (groups !== undefined) {
      return {
        route,
        params: Object.fromEntries(Object.entries(groups).map(([name, text]) => [name, decodeURIComponent(text)])),
      };
    }
    if (route.path === path) return { route, params: {} };
  }
  return null;
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text) as unknown;
  } catch {
    throw new Refusal(400, 10_001, 'request body is not valid JSON');
  }
};

interface Sent {
  readonly body: unknown;
  readonly files: readonly File[];
}

async function readForm(incoming: Incoming, part: string): Promise<Sent> {
  const type = incoming.headers['content-type'] ?? '';
  if (!type.startsWith('multipart/form-data')) throw new Refusal(400, 10_001, `a form with a part ${part} is wanted`);
  const form = await new Response(incoming.body, { headers: { 'content-type': type } }).formData().catch(() => {
    throw new Refusal(400, 10_001, 'the form can’t be read');
  });
  const metadata = form.get(part);
  if (metadata === null) throw new Refusal(400, 10_001, `the form has no part ${part}`);
  const text = typeof metadata === 'string' ? metadata : await metadata.text();
  return { body: parseJson(text), files: [...form.values()].filter((value) => value instanceof File) };
}

/**
 * @param route that was found
 * @param incoming the call
 * @returns body and files
 * @throws Refusal when they, the query or a header aren't what the library's type allows
 */
export async function readParams(route: Route, incoming: Incoming): Promise<Sent> {
  const { params, form } = route;
  const sent: Sent =
    form === undefined
      ? { body: incoming.body.length === 0 ? undefined : parseJson(new TextDecoder().decode(incoming.body)), files: [] }
      : await readForm(incoming, form);
  const complaints =
    typeof params === 'string'
      ? [
          refuseQuery(params, incoming.query),
          refuseHeaders(params, incoming.headers),
          refuseBody(params, sent.body, form),
        ]
      : [
          unknownQuery(incoming.query, params?.query ?? []),
          params?.types !== undefined
            ? refuseBody(params.types, without(sent.body, params.beyond ?? []), form)
            : (params?.body ?? refuseAnyBody)(sent.body),
        ];
  const complaint = complaints.find((text) => text !== null);
  if (complaint !== undefined) {
    throw new Refusal(400, 10_001, `${incoming.method} ${incoming.path}: ${complaint ?? ''}`);
  }
  return sent;
}

// npm cloudflare sends `{}` or nothing with what has no parameters of its own.
const refuseAnyBody = (body: unknown): string | null =>
  body === undefined || JSON.stringify(body) === '{}' ? null : 'no body is wanted';

const without = (body: unknown, names: readonly string[]): unknown =>
  typeof body === 'object' && body !== null
    ? Object.fromEntries(Object.entries(body).filter(([name]) => !names.includes(name)))
    : body;

function unknownQuery(query: Incoming['query'], allowed: readonly string[]): string | null {
  const unknown = Object.keys(query).filter((name) => !allowed.includes(name));
  return unknown.length === 0 ? null : `query ${unknown.join(', ')} is not known`;
}
