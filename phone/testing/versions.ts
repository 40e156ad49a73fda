/**
 * @module Objects of a public bucket over time: what stood under a name at any instant.
 */
import { equalBytes } from '../../protocol/primitives/bytes.ts';

interface Version {
  /** Unix seconds. */
  readonly from: number;
  /** null: gone. */
  readonly bytes: Uint8Array | null;
}

export class Versions {
  readonly #objects = new Map<string, Version[]>();

  /** @param path of an object @param now Unix seconds @returns what stands there then, null for nothing */
  at(path: string, now: number): Uint8Array | null {
    return this.#objects.get(path)?.findLast(({ from }) => from <= now)?.bytes ?? null;
  }

  /** @param path of an object @param from Unix seconds @param bytes that stand there from then on */
  put(path: string, from: number, bytes: Uint8Array): void {
    const current = this.at(path, from);
    if (current === null || !equalBytes(current, bytes)) this.#version(path, { from, bytes });
  }

  /** @param path of an object @param from Unix seconds, after which nothing stands there */
  drop(path: string, from: number): void {
    this.#version(path, { from, bytes: null });
  }

  #version(path: string, version: Version): void {
    const versions = [...(this.#objects.get(path) ?? []), version];
    this.#objects.set(
      path,
      versions.toSorted((a, b) => a.from - b.from),
    );
  }
}
