/**
 * @module What workerd asks of a bucket (`r2Bucket` of workerd.capnp): a JSON document in the header `cf-r2-request` of a GET, or before the value
 * in the body of a PUT. Public source: cloudflare/workerd, `src/workerd/api/r2-api.capnp` and `r2-rpc.c++`. What isn't named here is refused by name:
 * a call that S3 can't do exactly must not be done nearly.
 */
import * as z from 'zod';

/** Codes of R2's errors, which Workers see behind the message (workerd reads 10007 and 10031 by the number). */
export const R2_CODES = {
  internal: 10001,
  noSuchKey: 10007,
  metadataTooLarge: 10012,
  invalidArgument: 10029,
  preconditionFailed: 10031,
  badDigest: 10037,
  invalidRange: 10039,
  notImplemented: 10051,
  entityTooLarge: 100100,
} as const;

/** A call that isn't done. The message goes to the Worker that called: no key, no address. */
export class R2Failure extends Error {
  override readonly name = 'R2Failure';
  readonly status: number;
  readonly code: number;

  constructor(status: number, code: number, message: string) {
    super(message);
    this.status = status;
    this.code = code;
  }
}

/** A UInt64 is a text in capnp's JSON. */
const uint64 = z
  .union([z.string().regex(/^\d{1,16}$/), z.number()])
  .transform(Number)
  .pipe(z.int().nonnegative());
const key = z.string().min(1).max(1024);
const etags = z
  .array(z.strictObject({ type: z.enum(['strong', 'weak', 'wildcard']), value: z.string().optional() }))
  .min(1);
const onlyIf = z.strictObject({ etagMatches: etags.optional(), etagDoesNotMatch: etags.optional() });
const range = z.strictObject({ offset: uint64.optional(), length: uint64.optional(), suffix: uint64.optional() });
const hex = (bytes: number) => z.string().regex(new RegExp(`^[0-9a-f]{${bytes * 2}}$`, 'i'));

const version = z.literal(1);
const CALL = z.discriminatedUnion('method', [
  z.strictObject({ version, method: z.literal('head'), object: key }),
  z.strictObject({
    version,
    method: z.literal('get'),
    object: key,
    range: range.optional(),
    onlyIf: onlyIf.optional(),
  }),
  z.strictObject({
    version,
    method: z.literal('put'),
    object: key,
    customFields: z.array(z.strictObject({ k: z.string(), v: z.string().default('') })).default([]),
    httpFields: z
      .strictObject({
        contentType: z.string().optional(),
        contentLanguage: z.string().optional(),
        contentDisposition: z.string().optional(),
        contentEncoding: z.string().optional(),
        cacheControl: z.string().optional(),
        cacheExpiry: uint64.optional(),
      })
      .default({}),
    onlyIf: onlyIf.optional(),
    sha256: hex(32).optional(),
  }),
  z.strictObject({
    version,
    method: z.literal('list'),
    limit: uint64.optional(),
    prefix: z.string().default(''),
    cursor: z.string().optional(),
    include: z.array(z.union([z.literal(0), z.literal(1)])).default([]),
    newRuntime: z.literal(true),
  }),
  z
    .strictObject({
      version,
      method: z.literal('delete'),
      object: key.optional(),
      objects: z.array(key).max(1000).optional(),
    })
    .refine(({ object, objects }) => (object === undefined) !== (objects === undefined)),
]);

/** One call. */
export type R2Call = z.infer<typeof CALL>;
/** A call of one method. */
export type R2CallOf<M extends R2Call['method']> = Extract<R2Call, { readonly method: M }>;
/** A condition of a get or put. */
export type OnlyIf = z.infer<typeof onlyIf>;
/** Which part of an object. */
export type R2Range = z.infer<typeof range>;

/**
 * @param json of a request
 * @returns the call
 * @throws R2Failure naming the first field that isn't known or isn't right: 501 for what S3 has no exact counterpart of, 400 for what is no call at all
 */
export function readCall(json: string): R2Call {
  let found: unknown;
  try {
    found = JSON.parse(json);
  } catch {
    throw new R2Failure(400, R2_CODES.invalidArgument, 'a call of a bucket must be JSON');
  }
  const read = CALL.safeParse(found);
  if (read.success) return read.data;
  const [issue] = read.error.issues;
  const unknown = issue?.code === 'unrecognized_keys' ? issue.keys : [];
  const field = [...(issue?.path ?? []), ...unknown].join('.');
  throw new R2Failure(
    501,
    R2_CODES.notImplemented,
    `a bucket in an S3 service has no exact counterpart of "${field}" (docs/own-hardware.md)`,
  );
}
