/**
 * @module The document that says which batches a feed has (docs/spec/europe.md §2.1, §2.2): of a feed's own path all of it, of DP-3T's `/v2/gaen/latest` its two fields. It is signed by
 * the header of its answer (signature.ts), bound to its URL, and soon expires.
 */
import * as z from 'zod';
import { type Result, err, ok } from '../primitives/result.ts';
import { isFeedName } from './names.ts';

const batch = z.int().min(0);
/** Unix seconds. */
const instant = z.int().min(0);

const latestSchema = z
  .object({
    /** Whose feed: a2a, or the region it is for. */
    feed: z.string().refine(isFeedName),
    /** The region whose keys these are. */
    region: z.string().regex(/^[A-Z][A-Z0-9]$/),
    /** Batches are there from here on; beyond `latestBatchId` when there is none. */
    oldestBatchId: batch,
    /** 0 before the first. */
    latestBatchId: batch,
    /** Before it there will be nothing new; consumers add up to a minute of their own. */
    recommendedNextPollTime: instant,
    issuedAt: instant,
    /** From then on it is taken for withheld. */
    validUntil: instant,
  })
  .refine(({ oldestBatchId, latestBatchId }) => oldestBatchId >= 1 && oldestBatchId <= latestBatchId + 1);

/** What DP-3T's document says. */
const gaenLatestSchema = z.object({ latestBatchId: batch, recommendedNextPollTime: z.number().min(0) });

export type FeedLatest = Readonly<z.infer<typeof latestSchema>>;
export type GaenLatest = Readonly<z.infer<typeof gaenLatestSchema>>;

/** Epoch times beyond this are milliseconds: the draft says seconds, and its example has milliseconds. */
const MOST_SECONDS = 1e11;

/** @param text as received @returns the document, or why it is none */
export function parseFeedLatest(text: string): Result<FeedLatest, string> {
  return parse(text, latestSchema);
}

/** @param text as received @returns DP-3T's document, its time in Unix seconds, or why it is none */
export function parseGaenLatest(text: string): Result<GaenLatest, string> {
  const parsed = parse(text, gaenLatestSchema);
  if (!parsed.ok) return parsed;
  const { latestBatchId, recommendedNextPollTime: time } = parsed.value;
  return ok({ latestBatchId, recommendedNextPollTime: Math.floor(time > MOST_SECONDS ? time / 1000 : time) });
}

function parse<T>(text: string, schema: z.ZodType<T>): Result<T, string> {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return err('latest: no JSON');
  }
  const found = schema.safeParse(json);
  if (found.success) return ok(found.data);
  const [issue] = found.error.issues;
  return err(`latest: ${issue?.path.join('.') || 'batches'}: ${issue?.message ?? 'malformed'}`);
}
