/** @module The objects of a chunk: its ZIP, and the compact form beside it (docs/compact-chunk.md §1). */
import type { ChunkEntry } from './manifest.ts';

/**
 * @param code `DE`, `EUR`
 * @param name base64url SHA-256 of the ZIP
 * @returns object key of the chunk
 */
export function chunkPath(code: string, name: string): string {
  return `v1/${code}/chunks/${name}.zip`;
}

/**
 * @param code `DE`, `EUR`
 * @param name base64url SHA-256 of the ZIP
 * @returns object key of the chunk's compact form
 */
export function compactPath(code: string, name: string): string {
  return `v1/${code}/chunks/${name}.compact`;
}

/** @param key of an object @returns whether it is a chunk's compact form */
export const isCompactPath = (key: string): boolean => key.endsWith('.compact');

/** @param code `DE`, `EUR` @param chunk listed @returns object keys of its ZIP and its compact form */
export function chunkPaths(code: string, chunk: ChunkEntry): readonly string[] {
  return [chunkPath(code, chunk.sha256), compactPath(code, chunk.sha256)];
}
