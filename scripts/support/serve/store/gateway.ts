/**
 * @module The service behind workerd's `r2Bucket` bindings: HTTP on a Unix socket, a bucket for each name that workerd's configuration puts into a header.
 * Public source of the protocol: cloudflare/workerd, `src/workerd/api/r2-rpc.c++`.
 */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Readable } from 'node:stream';
import type { Bucket } from './bucket.ts';
import { R2_CODES, type R2Call, R2Failure, readCall } from './r2-call.ts';

/** Which bucket: workerd's configuration writes it over whatever a Worker sends. */
export const BUCKET_HEADER = 'x-exposure-edge-bucket';

const REQUEST_HEADER = 'cf-r2-request';
const METADATA_SIZE_HEADER = 'cf-r2-metadata-size';
const ERROR_HEADER = 'cf-r2-error';
/** A listing's names and a put's metadata. */
const MAX_CALL_BYTES = 1024 * 1024 + 65_536;
/** The largest object is a record of an hour, some 28 MB for a million keys; of a journal of as many, 60 MB (benchmarks/results/journal.md). */
const MAX_VALUE_BYTES = 256 * 1024 * 1024;

/** A gateway that listens. */
export interface Gateway {
  close(): Promise<void>;
}

/**
 * @param socket path of the Unix socket; nothing may lie there
 * @param buckets by the name of the header
 * @param onFailure hears what failed and why: no key, no address
 * @returns once it listens
 */
export async function startGateway(
  socket: string,
  buckets: ReadonlyMap<string, Bucket>,
  onFailure: (line: string) => void,
): Promise<Gateway> {
  const server = createServer((request, response) => {
    answer(request, response, buckets).catch((error: unknown) => fail(response, error, onFailure));
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(socket, resolve);
  });
  return { close: () => closed(server) };
}

async function closed(server: Server): Promise<void> {
  await new Promise<void>((resolve) => {
    server.close(() => resolve());
    server.closeAllConnections();
  });
}

async function answer(
  request: IncomingMessage,
  response: ServerResponse,
  buckets: ReadonlyMap<string, Bucket>,
): Promise<void> {
  const bucket = buckets.get(String(request.headers[BUCKET_HEADER]));
  if (bucket === undefined) throw new R2Failure(500, R2_CODES.internal, 'no such binding');
  const { call, value } = request.method === 'PUT' ? await readPut(request) : readGet(request);
  await dispatch(bucket, call, value, response);
}

const readGet = (request: IncomingMessage): { call: R2Call; value: Uint8Array } => ({
  call: readCall(String(request.headers[REQUEST_HEADER])),
  value: new Uint8Array(0),
});

/** The call's document and then the value: how long the first is stands in a header, how long both are in another. */
async function readPut(request: IncomingMessage): Promise<{ call: R2Call; value: Uint8Array }> {
  const size = Number(request.headers[METADATA_SIZE_HEADER]);
  const length = Number(request.headers['content-length']);
  if (!(size <= MAX_CALL_BYTES) || !(length >= size)) {
    throw new R2Failure(400, R2_CODES.invalidArgument, 'a put must say how long it is');
  }
  if (length - size > MAX_VALUE_BYTES) throw new R2Failure(400, R2_CODES.entityTooLarge, 'the object is too large');
  const parts: Uint8Array[] = [];
  for await (const part of request as AsyncIterable<Uint8Array>) parts.push(part);
  const whole = Buffer.concat(parts);
  if (whole.length !== length) throw new R2Failure(400, R2_CODES.invalidArgument, 'half a put');
  return { call: readCall(whole.subarray(0, size).toString()), value: whole.subarray(size) };
}

async function dispatch(bucket: Bucket, call: R2Call, value: Uint8Array, response: ServerResponse): Promise<void> {
  switch (call.method) {
    case 'head': {
      const object = await bucket.head(call.object);
      if (object === null) throw noSuchKey();
      return send(response, 200, object, null, 0);
    }
    case 'get': {
      const got = await bucket.get(call);
      if (got === null) throw noSuchKey();
      if (got.body === null) return unmet(response, got.object);
      return send(response, 200, got.object, got.body, got.length);
    }
    case 'put': {
      const object = await bucket.put(call, value);
      if (object === null) throw new R2Failure(412, R2_CODES.preconditionFailed, 'the condition does not hold');
      return send(response, 200, object, null, 0);
    }
    case 'list':
      return send(response, 200, { ...(await bucket.list(call)), delimitedPrefixes: [] }, null, 0);
    case 'delete':
      await bucket.delete(call.objects ?? [call.object ?? '']);
      return send(response, 200, {}, null, 0);
  }
}

const noSuchKey = (): R2Failure => new R2Failure(404, R2_CODES.noSuchKey, 'there is no such object');

function send(
  response: ServerResponse,
  status: number,
  metadata: object,
  body: Uint8Array | Readable | null,
  length: number,
  headers: Readonly<Record<string, string>> = {},
): void {
  const document = Buffer.from(JSON.stringify(metadata));
  response.writeHead(status, {
    ...headers,
    [METADATA_SIZE_HEADER]: document.length,
    'content-length': document.length + length,
  });
  response.write(document);
  if (body === null || body instanceof Uint8Array) {
    response.end(body ?? undefined);
    return;
  }
  // Too large to hold: what has gone out can't be taken back, so the connection breaks, and workerd sees a body that ended early.
  body.once('error', () => response.destroy());
  response.once('close', () => body.destroy());
  body.pipe(response);
}

/** The object without its bytes, and why. */
function unmet(response: ServerResponse, object: object): void {
  const { status, code, message } = new R2Failure(412, R2_CODES.preconditionFailed, 'the condition does not hold');
  send(response, status, object, null, 0, { [ERROR_HEADER]: JSON.stringify({ version: 1, v4code: code, message }) });
}

function fail(response: ServerResponse, error: unknown, onFailure: (line: string) => void): void {
  const failure =
    error instanceof R2Failure ? error : new R2Failure(500, R2_CODES.internal, `the gateway failed: ${String(error)}`);
  if (failure.status >= 500) onFailure(`a call of a bucket failed: ${failure.message}`);
  if (response.headersSent) {
    response.destroy();
    return;
  }
  const { status, code, message } = failure;
  response.writeHead(status, {
    'content-length': 0,
    [ERROR_HEADER]: JSON.stringify({ version: 1, v4code: code, message }),
  });
  response.end();
}
