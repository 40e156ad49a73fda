/**
 * @module An entry of the event log (docs/event-log.md): what Publisher did, as hashes, counts and hours. It holds no key, no code,
 * no person and no time finer than the hour. Each is a signed document (protocol/index/signed-document.ts) of its own in the private bucket.
 */
import * as z from 'zod';
import { REVISED_TYPES } from '../../protocol/gaen/keys.ts';
import { base64Url, count, exported, hash, sealedFile } from './sealed-file.ts';

/** Type of the signed document that an entry is. */
export const LOG_TYPE = 'event-log';
/** Folder of the private bucket. */
export const LOG_FOLDER = 'log/';
/** Digits of a sequence in an object's name, so that a listing is in order for thousands of years. */
const SEQUENCE_DIGITS = 10;

/** @param sequence of the entry, from 1 @returns its name in the private bucket */
export function logKey(sequence: number): string {
  return `${LOG_FOLDER}${String(sequence).padStart(SEQUENCE_DIGITS, '0')}.json`;
}

/** @param key an object's name @returns the sequence that it names, or null when it names none */
export function sequenceOfKey(key: string): number | null {
  const digits = /^log\/(\d{10})\.json$/.exec(key)?.[1];
  return digits === undefined ? null : Number(digits);
}

const region = z.string().regex(/^[A-Z]{2,3}$/);
/** All to all, or a region that it is for (protocol/feed/names.ts). */
const feed = z.string().regex(/^(a2a|[A-Z][A-Z0-9])$/);
/** Since the Unix epoch. */
const [hour, day, sequence] = [count, count, z.int().min(1)];

/** An object of the private bucket. */
const recordObject = z.strictObject({
  name: z.string().regex(/^(sets|openings|issues|quarantine|taken)\/\d+\/[a-z0-9-]+\.(bin|json)$/),
  /** Of its bytes. */
  sha256: hash,
  /** The midnight at which it goes: days since the Unix epoch. */
  until: day,
});

/** Rows of a record that CWA's tree shows: all of them, or from each leaving day a range. */
const cwaSlice = z.strictObject({
  hour,
  ranges: z.record(z.string(), z.strictObject({ from: count, to: count, keys: count })).nullable(),
});

const recorded = z.strictObject({
  kind: z.literal('recorded'),
  hour,
  decision: z.enum(['publish', 'empty', 'hold', 'missed']),
  /** In its set, decoys among them. */
  keys: count,
  objects: z.array(recordObject).readonly(),
});
const written = z.strictObject({
  kind: z.literal('written'),
  region,
  hour,
  files: z.array(sealedFile).readonly(),
  cwa: z.strictObject({ keys: count, slices: z.array(cwaSlice).readonly(), file: sealedFile }),
});
const cut = z.strictObject({
  kind: z.literal('cut'),
  region,
  day,
  /** The midnight of the cut. */
  cut: day,
  /** The last hour whose taken rows it is without; left out where it has all. */
  revised: hour.exactOptional(),
  files: z.array(sealedFile).readonly(),
  cwa: z.strictObject({
    keys: count,
    file: sealedFile,
    /** R2's, by which apps may hold the day; entries of before there were restores lack it. */
    etag: z.string().min(1).optional(),
  }),
});
/** That keys have from then on (publication/revision.ts); left out where keys were taken back. */
const revisedType = z.literal(REVISED_TYPES);
const revoked = z.strictObject({
  kind: z.literal('revoked'),
  region,
  /** Whose taken rows they are. */
  hour,
  to: revisedType.exactOptional(),
  /** The midnight of the cut: rows that leave then or before are in no file. */
  cut: day,
  /** The days of the records that the rows are of. */
  days: z.array(day).readonly(),
  /** `revised_keys` alone. */
  files: z.array(sealedFile).readonly(),
});
const published = z.strictObject({
  kind: z.literal('published'),
  region,
  /** The last that is in it. */
  hour,
  sequence,
  /** Hash of the payload of the region's head before it. */
  previous: hash.nullable(),
  payloadSha256: hash,
  head: z.strictObject({ key: z.string(), signature: base64Url }),
  /** What the list of countries says. */
  regions: z.array(region).readonly(),
  /** The region that has every key. */
  unionRegion: region,
  /** Of the chunk policy. */
  retentionDays: count,
  /** Of the running day, and complete days with their cut, as the head and its pages name them. */
  hours: z.array(hour).readonly(),
  days: z.array(z.strictObject({ day, cut: day, revised: hour.exactOptional() })).readonly(),
  /** Hours whose taken rows are listed, with the cut of their files; left out where there are none. */
  revocations: z
    .array(z.strictObject({ hour, cut: day }))
    .readonly()
    .exactOptional(),
  /** Of Google's `index.txt`; entries of before that view lack it. */
  index: hash.exactOptional(),
  /** The head says that the service has ended. */
  ended: z.literal(true).exactOptional(),
});
const regionAdded = z.strictObject({
  kind: z.literal('region'),
  region,
  /** The first that is written for it. */
  hour,
});
const parameters = z.strictObject({
  kind: z.literal('parameters'),
  /** Of the decision. */
  hour,
  version: sequence,
  action: z.enum(['publish', 'rollback']),
  /** Names of the documents, which are their hashes. */
  documents: z.array(hash).readonly(),
});
const purge = z.strictObject({
  kind: z.literal('purge'),
  /** Every object of a record whose `until` is this midnight or earlier goes. */
  day,
  objects: count,
  /** Over the hashes of these objects, in the order in which they were recorded (`purgeHash`). */
  sha256: hash,
});

const taken = z.strictObject({
  kind: z.literal('taken'),
  /** With which the rows ended. */
  hour,
  to: revisedType.exactOptional(),
  rows: count,
  /** Hours whose reserve is among them. */
  reserve: z.array(hour).readonly(),
  /** Which rows, one object for each midnight at which rows leave. */
  objects: z.array(recordObject).readonly(),
  /** How many of each part. */
  parts: z
    .array(
      z.strictObject({
        /** Of the record. */
        of: hour,
        day,
        n: count,
        rows: count,
        regionKeys: z.record(region, count),
        /** Of the rows those of which something had been said anew, by the hour that did it and by region. */
        again: z.record(z.string().regex(/^\d+$/), z.record(region, count)).exactOptional(),
      }),
    )
    .readonly(),
});
/** A request to take published keys back, as it was asked for; what became of it is in `taken`. */
const asked = {
  /** Of the request. */
  hour,
  /** Of the object that holds a salt and the rows' numbers, which goes with the hour that takes them back. */
  sha256: hash,
};
/** `rows`: that it names. */
const rollback = z.strictObject({ kind: z.literal('rollback'), ...asked, rows: count });
/** How many it names may be one person's number of keys: entries of before that was seen say it. */
const withdrawal = z.strictObject({ kind: z.literal('withdrawal'), ...asked, rows: count.exactOptional() });
/** Keys that are to have another report type; how many may be one person's number. */
const revision = z.strictObject({ kind: z.literal('revision'), ...asked, to: revisedType });
/** Rows that ended before they were published: nobody saw them, and no file changes. */
const dropped = z.strictObject({
  kind: z.literal('dropped'),
  /** In which they ended. */
  hour,
  cause: z.enum(['rollback', 'withdrawal']),
  /** Of a rollback exact; of withdrawals rounded up to whole hundreds (dropped.ts). */
  rows: count,
});

/** Batches for peers, of one hour. */
const fed = z.strictObject({
  kind: z.literal('fed'),
  feed,
  hour,
  /** Number of the first; the others follow it. */
  batch: sequence,
  /** The midnight at which they go. */
  until: day,
  files: z.array(sealedFile).readonly(),
  /** Where peers ask, which the headers of their answers are bound to; entries of before headers were kept lack both. */
  url: z.string().min(1).exactOptional(),
  /** Of each file, the signatures in the headers of both views: r‖s. */
  answers: z
    .array(z.strictObject({ keys: base64Url, gaen: base64Url }))
    .readonly()
    .exactOptional(),
});

const fold = z.strictObject({
  /** Entries of each kind so far. */
  counts: z.record(z.string(), count),
  /** The last hour that was recorded. */
  recordedHour: hour.nullable(),
  regions: z.record(
    region,
    z.strictObject({ since: hour, sequence: count, payloadSha256: hash.nullable(), hour: hour.nullable() }),
  ),
  /** Version of the parameters; 0 before the first. */
  parameters: count,
  purgedDay: day.nullable(),
  /** Number and hour of each feed's last batch; left out before the first of any. */
  feeds: z.record(feed, z.strictObject({ batch: sequence, hour })).exactOptional(),
});
const checkpoint = z.strictObject({
  kind: z.literal('checkpoint'),
  day,
  /** Of everything before this entry. */
  fold,
  /** The checkpoint before this one. */
  former: z.strictObject({ sequence, sha256: hash }).nullable(),
  /** From this sequence on every entry is kept; of those before it the checkpoints alone. */
  keptFrom: sequence,
});
const restored = z.strictObject({
  kind: z.literal('restored'),
  /** In which Publisher's rows were made of this log. */
  hour,
  /** In which the journal was written whose keys wait again; null: there was none. */
  journal: hour.nullable(),
});

const event = z.discriminatedUnion('kind', [
  recorded,
  written,
  cut,
  exported,
  published,
  regionAdded,
  parameters,
  purge,
  rollback,
  withdrawal,
  revision,
  dropped,
  taken,
  revoked,
  fed,
  checkpoint,
  restored,
]);

/** What an entry says, in its place in the chain. */
export const logEntrySchema = z.strictObject({
  sequence,
  /** base64url of SHA-256 of the payload of the entry before it; null in the first. */
  previous: hash.nullable(),
  event,
});

export type LogEntry = z.infer<typeof logEntrySchema>;
export type LogEvent = z.infer<typeof event>;
export type RecordObject = z.infer<typeof recordObject>;
export type SealedFile = z.infer<typeof sealedFile>;
export type LoggedSlice = z.infer<typeof cwaSlice>;
export type Fold = z.infer<typeof fold>;
export type EventOf<K extends LogEvent['kind']> = Extract<LogEvent, { readonly kind: K }>;
