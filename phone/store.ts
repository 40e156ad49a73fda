/**
 * @module A phone's state on disk: one JSON file, replaced as a whole by an atomic rename, so that a phone that dies
 * in the middle of a write finds either the old state or the new one.
 */
import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { fromBase64, toBase64 } from '../protocol/primitives/bytes.ts';
import { err, ok, type Result } from '../protocol/primitives/result.ts';

export type StoreError =
  | { readonly kind: 'unreadable'; readonly path: string; readonly code: string }
  | { readonly kind: 'corrupt'; readonly path: string };

/** Where a phone keeps one value. */
export interface Store<T> {
  /** @returns what was saved last, null before the first time */
  load(): Promise<Result<T | null, StoreError>>;
  /** @param value JSON values and Uint8Arrays; durable when the promise is fulfilled */
  save(value: T): Promise<void>;
}

/** Bytes in JSON: an object with this one member, base64. */
const BYTES_MEMBER = '$bytes';

function encode(this: unknown, name: string, value: unknown): unknown {
  // Looked up again, since Node's Buffer has turned itself into a list of numbers before a replacer sees it.
  const held = (this as Record<string, unknown>)[name];
  return held instanceof Uint8Array ? { [BYTES_MEMBER]: toBase64(held) } : value;
}

function decode(_name: string, value: unknown): unknown {
  if (typeof value !== 'object' || value === null || !(BYTES_MEMBER in value)) return value;
  const text = value[BYTES_MEMBER];
  return typeof text === 'string' ? fromBase64(text) : value;
}

/**
 * @param value JSON values and Uint8Arrays
 * @returns JSON text, bytes as `{"$bytes": base64}`
 */
export function toStateText(value: unknown): string {
  return JSON.stringify(value, encode);
}

/**
 * @param text what {@link toStateText} made
 * @returns the value
 * @throws {SyntaxError | TypeError} when it is no JSON or holds no base64
 */
export function fromStateText(text: string): unknown {
  return JSON.parse(text, decode);
}

/**
 * @param path file to keep the state in; its folder is made at the first save
 * @param is whether what was read has the shape of T, so that a file of an older version counts as corrupt
 * @returns the store
 */
export function fileStore<T>(path: string, is: (value: unknown) => value is T): Store<T> {
  return {
    async load() {
      let text: string;
      try {
        text = await readFile(path, 'utf8');
      } catch (error) {
        const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown';
        return code === 'ENOENT' ? ok(null) : err({ kind: 'unreadable', path, code });
      }
      try {
        const value = fromStateText(text);
        return is(value) ? ok(value) : err({ kind: 'corrupt', path });
      } catch {
        return err({ kind: 'corrupt', path });
      }
    },
    async save(value) {
      const folder = dirname(path);
      await mkdir(folder, { recursive: true });
      // A fixed name beside the target: one phone writes at a time, and a left-over is overwritten by the next save.
      const temporary = `${path}.tmp`;
      await writeThrough(temporary, toStateText(value));
      await rename(temporary, path);
      await syncFolder(folder);
    },
  };
}

async function writeThrough(path: string, text: string): Promise<void> {
  const file = await open(path, 'w', 0o600);
  try {
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
}

/** The rename itself is durable once the folder is. */
async function syncFolder(path: string): Promise<void> {
  const folder = await open(path, 'r');
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}

/**
 * @param initial value before the first save
 * @returns a store in memory, for simulations of many phones
 */
export function memoryStore<T>(initial: T | null = null): Store<T> {
  let value = initial;
  return {
    load: () => Promise.resolve(ok(value)),
    save: (next) => {
      value = next;
      return Promise.resolve();
    },
  };
}
