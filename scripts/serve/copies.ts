/**
 * @module `npm run serve -- backup` and `put-back`: buckets of an S3 service as folders under the names that the Workers know them by, for `npm run log`, `rebuild` and
 * `restore` (docs/event-log.md, docs/restore.md), and back.
 */
import { createHash } from 'node:crypto';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Readable } from 'node:stream';
import * as z from 'zod';
import { folderStore } from '../support/object-store.ts';
import { Bucket } from '../support/serve/store/bucket.ts';
import type { R2Object } from '../support/serve/store/mapping.ts';
import { openStore, type Store } from '../support/serve/store/s3.ts';
import type { BucketName, ServeSettings } from '../support/serve/settings.ts';

/** What erasure hangs on: a copy of it would be a key to rows that must be gone (docs/event-log.md, *The log*). */
const NEVER_COPIED = 'row-keys/';
/** As `npm run rebuild -- --to` writes it: name → headers. */
const HEADERS_FILE = 'headers.json';
/** Of what is public all is made again from the log; what remains is not. */
const COPIED: readonly BucketName[] = ['private', 'directory'];

/** A folder keeps none. */
const NO_HEADERS = { contentType: '', cacheControl: '', expires: null };

const HEADERS = z.record(
  z.string(),
  z.object({
    contentType: z.string(),
    cacheControl: z.string(),
    expires: z.number().nullable(),
    custom: z.record(z.string(), z.string()).optional(),
  }),
);

async function* everything(bucket: Bucket): AsyncGenerator<R2Object[]> {
  let cursor: string | undefined;
  do {
    const call = { version: 1 as const, method: 'list' as const, newRuntime: true as const, prefix: '', include: [] };
    const page = await bucket.list({ ...call, ...(cursor === undefined ? {} : { cursor }) });
    yield page.objects;
    cursor = page.cursor;
  } while (cursor !== undefined);
}

/** Headers as {@link HEADERS_FILE} has them. */
function metaOf({ httpFields = {}, customFields = [] }: R2Object): z.infer<typeof HEADERS>[string] {
  const { contentType = '', cacheControl = '', cacheExpiry } = httpFields;
  return {
    contentType: String(contentType),
    cacheControl: String(cacheControl),
    expires: cacheExpiry === undefined ? null : Number(cacheExpiry) / 1000,
    ...(customFields.length === 0 ? {} : { custom: Object.fromEntries(customFields.map(({ k, v }) => [k, v])) }),
  };
}

async function bytesOf(body: Uint8Array | Readable | null): Promise<Uint8Array> {
  if (body instanceof Uint8Array) return body;
  const parts: Uint8Array[] = [];
  for await (const part of (body ?? []) as AsyncIterable<Uint8Array>) parts.push(part);
  return new Uint8Array(Buffer.concat(parts));
}

/**
 * Copies what nothing else gives back: the private bucket without the keys of rows, and the directory. An object that is replaced meanwhile is copied as it is when
 * it is read; the log's order makes that a good copy (`npm run log -- verify`).
 *
 * @param settings of the deployment
 * @param out a folder, made if missing; each bucket is one in it
 * @param onCopied hears how many there are
 * @returns objects by bucket
 * @throws R2Failure when the store fails; what was copied stays, and is copied again
 */
export async function backUp(
  { store: where }: ServeSettings,
  out: string,
  onCopied: (done: number) => void,
): Promise<Record<string, number>> {
  const store = openStore(where);
  const counts: Record<string, number> = {};
  let done = 0;
  try {
    for (const name of COPIED) {
      await mkdir(join(out, name), { recursive: true, mode: 0o700 });
      const target = folderStore(join(out, name));
      const bucket = new Bucket(store, where.buckets[name]);
      counts[name] = 0;
      const headers: z.infer<typeof HEADERS> = {};
      for await (const page of everything(bucket)) {
        for (const { name: key } of page) {
          if (key.startsWith(NEVER_COPIED)) continue;
          const got = await bucket.get({ version: 1, method: 'get', object: key });
          // Removed since it was listed.
          if (got === null) continue;
          headers[key] = metaOf(got.object);
          await target.put(key, await bytesOf(got.body), NO_HEADERS);
          counts[name] += 1;
          onCopied((done += 1));
        }
      }
      // Last: a folder without it is half a copy.
      await writeFile(join(out, name, HEADERS_FILE), `${JSON.stringify(headers)}\n`);
    }
    return counts;
  } finally {
    store.dispose();
  }
}

/**
 * Puts objects of a folder that `npm run rebuild -- --to` or `backup` made into a bucket, with their headers. What lies there with the same bytes and headers stays untouched.
 *
 * @param settings of the deployment, whose `origin` rests or has nothing of its own there yet
 * @param name which bucket
 * @param from the folder, `headers.json` in it
 * @returns how many were put, and how many lay there already
 * @throws Error when `headers.json` is missing or isn't right, or an object is missing
 */
export async function putBack(
  settings: ServeSettings,
  name: BucketName,
  from: string,
): Promise<{ readonly put: number; readonly there: number }> {
  const headers = HEADERS.parse(JSON.parse(await readFile(join(from, HEADERS_FILE), 'utf8')));
  const store: Store = openStore(settings.store);
  const [bucket, source] = [new Bucket(store, settings.store.buckets[name]), folderStore(from)];
  let [put, there] = [0, 0];
  try {
    for (const [key, { contentType, cacheControl, expires, custom = {} }] of Object.entries(headers)) {
      const bytes = await source.get(key);
      if (bytes === null) throw new Error(`${join(from, key)}: is named in ${HEADERS_FILE} and isn't there`);
      const digest = createHash('sha256').update(bytes).digest('hex');
      const expiry = expires === null ? {} : { cacheExpiry: expires * 1000 };
      const httpFields = { contentType, cacheControl, ...expiry };
      const customFields = Object.entries(custom).map(([k, v]) => ({ k, v }));
      const found = await bucket.head(key);
      const same =
        found?.checksums['2'] === digest &&
        JSON.stringify([found.httpFields, found.customFields]) === JSON.stringify([httpFields, customFields]);
      if (same) there += 1;
      else {
        const call = { version: 1 as const, method: 'put' as const, object: key, httpFields, customFields };
        await bucket.put({ ...call, sha256: digest }, bytes);
        put += 1;
      }
    }
    return { put, there };
  } finally {
    store.dispose();
  }
}
