/**
 * @module A bucket as commands read it: that of a local edge at rest, or a copy of one in a folder, as `rclone copy` or any tool for S3
 * makes it. A name that is also the folder of other names, as in CWA's tree, lies in that folder as `.object`.
 */
import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';
import type { StateBuckets } from '../../local-edge/buckets.ts';

/** Where objects are read. */
export interface ObjectReader {
  /** @returns all names that begin with `prefix`, sorted */
  list(prefix: string): Promise<string[]>;
  /** @returns the whole object, or null */
  get(name: string): Promise<Uint8Array | null>;
}

const OBJECT_IN_FOLDER = '.object';

/** @param root a folder @returns the objects in it */
export function folderReader(root: string): ObjectReader {
  const base = resolve(root);
  if (!existsSync(base)) throw new Error(`${root}: no such folder`);
  return {
    async list(prefix) {
      const folder = prefix.slice(0, prefix.lastIndexOf('/') + 1);
      const path = join(base, folder);
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
      for (const path of [join(base, name), join(base, name, OBJECT_IN_FOLDER)]) {
        const found = await stat(path).catch(() => null);
        if (found?.isFile() === true) return new Uint8Array(await readFile(path));
      }
      return null;
    },
  };
}

/**
 * Writes an object into a folder. A name of CWA's tree may be the folder of others too, whether these are there yet or not.
 *
 * @param root made if missing
 */
export async function writeObject(root: string, name: string, bytes: Uint8Array): Promise<void> {
  const path = name.startsWith('version/') ? join(root, name, OBJECT_IN_FOLDER) : join(root, name);
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, bytes);
}

/** @param bucket of a local edge at rest @returns the objects in it */
export function bucketReader(bucket: StateBuckets['publicBucket']): ObjectReader {
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
  };
}
