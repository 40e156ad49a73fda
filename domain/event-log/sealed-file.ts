/**
 * @module What the event log says of an export file (entry.ts), and of those of Google's view.
 */
import * as z from 'zod';

export const hash = z.string().regex(/^[A-Za-z0-9_-]{42}[AEIMQUYcgkosw048]$/);
export const base64Url = z.string().regex(/^[A-Za-z0-9_-]+$/);
export const count = z.int().min(0);
const sequence = z.int().min(1);

/** One export file: with the rows of the records, all that its very bytes need. */
export const sealedFile = z.strictObject({
  /** Window of the file, Unix seconds: whole hours, but for the seconds that tell the files of an hour apart. */
  start: count,
  end: count,
  /** Rows in it, decoys among them. */
  keys: count,
  /** Rows in its `revised_keys`; left out where there are none. */
  revoked: count.exactOptional(),
  /** Bytes of the ZIP. */
  size: sequence,
  /** Of the ZIP. */
  sha256: hash,
  keyId: z.string(),
  keyVersion: z.string(),
  /** Keys that signed beside it, the newest first; left out where none did. */
  alsoSignedBy: z
    .array(z.strictObject({ keyId: z.string(), keyVersion: z.string() }))
    .readonly()
    .exactOptional(),
  /** export.sig, whole. */
  sig: base64Url,
});

/** A file of Google's view, which keeps its name and its part of the rows for good (domain/publication/google-files.ts). */
const googleFile = z.strictObject({
  n: sequence,
  holds: z.enum(['keys', 'revised']),
  /** The first part of a record (hour, leaving day, number) whose rows are in it; null: from the first on. */
  from: z.tuple([count, count, count]).readonly().nullable(),
  /** null: none of its rows is left. */
  file: sealedFile.nullable(),
});
export const exported = z.strictObject({
  kind: z.literal('exported'),
  region: z.string().regex(/^[A-Z]{2,3}$/),
  /** The last that was written. */
  hour: count,
  day: count,
  /** The day's, those that are as they were among them. */
  periods: z
    .array(
      z.strictObject({
        /** Its first. */
        hour: count,
        /** Without what was taken back up to it, and what leaves at the midnight before its end or earlier. */
        through: count,
        files: z.array(googleFile).readonly(),
      }),
    )
    .readonly(),
});
