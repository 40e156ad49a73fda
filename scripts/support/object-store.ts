/**
 * @module A bucket as commands read it: that of a local edge at rest, or a copy of one in a folder, as `rclone copy` or any tool for S3
 * makes it. A name that is also the folder of other names, as in CWA's tree, lies in that folder as `.object`.
 */
import { existsSync } from 'node:fs';
import { mkdir, open, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { ObjectMeta } from '../../domain/publication/built-file.ts';
import { sha256 } from '../../protocol/primitives/hash.ts';
import type { StateBuckets } from '../../local-edge/buckets.ts';

/** Where objects are read. */
export interface ObjectReader {
  /** @returns all names that begin with `prefix`, sorted */
  list(prefix: string): Promise<string[]>;
  /** @returns the whole object, or null */
  get(name: string): Promise<Uint8Array | null>;
  /** @returns so many bytes of it, or null when there is none or it ends before */
  getRange(name: string, offset: number, length: number): Promise<Uint8Array | null>;
}

/** Where objects are put, too. */
export interface ObjectStore extends ObjectReader {
  /** @returns its headers; null where they aren't known, as in a folder */
  headers(name: string): Promise<ObjectMeta | null>;
  put(name: string, bytes: Uint8Array, meta: ObjectMeta): Promise<void>;
}

const OBJECT_IN_FOLDER = '.object';

/** @param root a folder, made by the first put if missing @returns the objects in it */
export function folderStore(root: string): ObjectStore {
  const base = resolve(root);
  const find = async (name: string): Promise<string | null> => {
    for (const path of [join(base, name), join(base, name, OBJECT_IN_FOLDER)]) {
      const found = await stat(path).catch(() => null);
      if (found?.isFile() === true) return path;
    }
    return null;
  };
  return {
    async list(prefix) {
      const path = join(base, prefix.slice(0, prefix.lastIndexOf('/') + 1));
      if (!existsSync(path)) return [];
      const entries = await readdir(path, { recursive: true, withFileTypes: true });
      return entries
        .filter((entry) => entry.isFile())
        .map((entry) => join(entry.parentPath, entry.name).slice(base.length + 1))
        .map((name) => (name.endsWith(`/${OBJECT_IN_FOLDER}`) ? dirname(name) : name))
        .filter((name) => name.startsWith(prefix))
        .toSorted();
    },
    async get(name) {
      const path = await find(name);
      return path === null ? null : new Uint8Array(await readFile(path));
    },
    async getRange(name, offset, length) {
      const path = await find(name);
      if (path === null) return null;
      const file = await open(path);
      try {
        const { bytesRead, buffer } = await file.read(new Uint8Array(length), 0, length, offset);
        return bytesRead === length ? buffer : null;
      } finally {
        await file.close();
      }
    },
    headers: async () => null,
    // A name of CWA's tree may be the folder of others too, whether these are there yet or not.
    async put(name, bytes) {
      const path = /^version(\/|$)/.test(name) ? join(base, name, OBJECT_IN_FOLDER) : join(base, name);
      await mkdir(dirname(path), { recursive: true });
      await writeFile(path, bytes);
    },
  };
}

/** @param bucket of a local edge at rest @returns the objects in it */
export function bucketStore(bucket: StateBuckets['publicBucket']): ObjectStore {
  return {
    async list(prefix) {
      const names: string[] = [];
      let cursor: string | undefined;
      do {
        const found = await bucket.list({ prefix, ...(cursor === undefined ? {} : { cursor }) });
        names.push(...found.objects.map(({ key }) => key));
        cursor = found.truncated ? found.cursor : undefined;
      } while (cursor !== undefined);
      return names.toSorted();
    },
    async get(name) {
      const object = await bucket.get(name);
      return object === null ? null : new Uint8Array(await object.arrayBuffer());
    },
    async getRange(name, offset, length) {
      const object = await bucket.get(name, { range: { offset, length } });
      const bytes = object === null ? null : new Uint8Array(await object.arrayBuffer());
      return bytes?.length === length ? bytes : null;
    },
    async headers(name) {
      const { httpMetadata: http = {}, customMetadata = {} } = (await bucket.head(name)) ?? {};
      return {
        contentType: http.contentType ?? '',
        cacheControl: http.cacheControl ?? '',
        expires: http.cacheExpiry === undefined ? null : Math.floor(http.cacheExpiry.getTime() / 1000),
        ...(Object.keys(customMetadata).length > 0 ? { custom: customMetadata } : {}),
      };
    },
    async put(name, bytes, { contentType, cacheControl, expires, custom }) {
      await bucket.put(name, bytes, {
        // Publisher knows its own objects by this hash.
        sha256: sha256(bytes),
        httpMetadata: {
          contentType,
          cacheControl,
          ...(expires === null ? {} : { cacheExpiry: new Date(expires * 1000) }),
        },
        ...(custom === undefined ? {} : { customMetadata: { ...custom } }),
      });
    },
  };
}
