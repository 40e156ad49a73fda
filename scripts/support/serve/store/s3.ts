/**
 * @module Clients of an S3 service: the maker's own library, `@aws-sdk/client-s3` (docs/decisions/077). Reads and deletions are tried three times; a put
 * once, since one that arrived and whose answer was lost would be told as "somebody else was first" at a second try. Whoever puts
 * here looks again by itself, as with R2 (durable-objects/publisher/bucket.ts).
 */
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import { S3Client } from '@aws-sdk/client-s3';

/** Where a store is, and as whom we come. */
export interface StoreSettings {
  /** `https://s3.example.org`. */
  readonly endpoint: string;
  readonly region: string;
  readonly credentials: { readonly accessKeyId: string; readonly secretAccessKey: string };
  /** `https://host/bucket/key` in place of `https://bucket.host/key`. */
  readonly pathStyle: boolean;
}

/** Its clients. */
export interface Store {
  readonly reader: S3Client;
  readonly writer: S3Client;
  dispose(): void;
}

/** The nginx tier gives a Worker 15 s (deploy/nginx): three silences of the store must fit, with their pauses. */
const SILENCE_MS = 4_000;
const CONNECT_MS = 2_000;
/** Sealing reads and writes with few hands, phones come through a cache, listings with metadata ask for sixteen at a time. */
const CONNECTIONS = 64;
/** A put of an hour's record, tens of MB, may take the store this long until it says so. */
const PUT_SILENCE_MS = 30_000;

/** @param settings see {@link StoreSettings} @returns clients that hold connections open until they are disposed of */
export function openStore({ endpoint, region, credentials, pathStyle }: StoreSettings): Store {
  const agents = { keepAlive: true, maxSockets: CONNECTIONS };
  const client = (attempts: number, silence: number): S3Client => {
    const made = new S3Client({
      endpoint,
      region,
      credentials: { ...credentials },
      forcePathStyle: pathStyle,
      maxAttempts: attempts,
      // Checked where there is one to check: SHA-256 is asked for by name below.
      requestChecksumCalculation: 'WHEN_REQUIRED',
      responseChecksumValidation: 'WHEN_REQUIRED',
      requestHandler: {
        connectionTimeout: CONNECT_MS,
        requestTimeout: silence,
        throwOnRequestTimeout: true,
        httpAgent: new HttpAgent(agents),
        httpsAgent: new HttpsAgent(agents),
      },
    });
    keepDates(made);
    return made;
  };
  const [reader, writer] = [client(3, SILENCE_MS), client(1, PUT_SILENCE_MS)];
  return {
    reader,
    writer,
    dispose() {
      reader.destroy();
      writer.destroy();
    },
  };
}

/** Unix milliseconds at which the store says that it answered. */
const dates = new WeakMap<object, number>();

/** The store's `Date`, which the library's answers don't have. */
function keepDates(client: S3Client): void {
  client.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const headers = (result.response as { headers?: Record<string, string> } | undefined)?.headers ?? {};
      const date = Date.parse(headers['date'] ?? '');
      if (Number.isFinite(date)) dates.set(result.output as object, date);
      return result;
    },
    { step: 'deserialize', priority: 'high', name: 'keepDates' },
  );
}

/** @param output of a call @returns Unix milliseconds by the store's clock, to the second; null when it told none */
export const storeDate = (output: object): number | null => dates.get(output) ?? null;

/** What the library throws, as far as it is looked at. */
export interface StoreError {
  /** S3's code, or the fault of a connection. */
  readonly name: string;
  /** Null when there was no answer. */
  readonly status: number | null;
}

/** @param error what a call threw @returns what the store said */
export function storeError(error: unknown): StoreError {
  const {
    name = 'Error',
    $metadata,
    code,
  } = error as {
    name?: string;
    code?: string;
    $metadata?: { httpStatusCode?: number };
  };
  return { name: name === 'Error' && code !== undefined ? code : name, status: $metadata?.httpStatusCode ?? null };
}
