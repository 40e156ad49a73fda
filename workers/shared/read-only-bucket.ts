/**
 * @module The only way `index` and `config` see R2 (docs/architecture.md §2). The platform has no read-only binding: a Worker that
 * holds a bucket can overwrite and delete. So the binding is wrapped once, where the environment is parsed, and from
 * there on nothing but get and head exists.
 */

/** What a reader may do with a bucket. An `R2Bucket` satisfies it, which lets a test hand in its own. */
export interface ReadOnlyBucket {
  /** As `R2Bucket.get`: null = no such object; an object without `body` = the condition in `onlyIf` did not hold. */
  get(key: string, options?: R2GetOptions): Promise<R2ObjectBody | R2Object | null>;
  /** As `R2Bucket.head`: null = no such object. */
  head(key: string): Promise<R2Object | null>;
}

/**
 * Hides every other method of a bucket. The bucket itself is held by two closures, so no cast and no property brings
 * `put` or `delete` back.
 *
 * @param bucket the R2 binding, or anything that reads like one
 * @returns an immutable object with `get` and `head` alone
 * @see docs/architecture.md §2 (the row of `index`)
 */
export function readOnly(bucket: ReadOnlyBucket): ReadOnlyBucket {
  return Object.freeze({
    get: (key: string, options?: R2GetOptions) => bucket.get(key, options),
    head: (key: string) => bucket.head(key),
  });
}
