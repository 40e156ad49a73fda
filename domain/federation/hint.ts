/**
 * @module DP-3T's webhook (docs/spec/europe.md §2.1): a producer says that there is a batch. A hint and no more: it brings the next poll forward, and what is polled is judged as always. Path and bounds are ours, since DP-3T
 * has an operator configure the address.
 */
import * as z from 'zod';
import { fromUtf8, utf8 } from '../../protocol/primitives/bytes.ts';
import { parseStrictJson } from '../strict-json.ts';

/** Where `federation` takes them, by POST. */
export const HINT_PATH = '/v1/hints';
/** Two short members. */
export const MAX_HINT_BYTES = 1024;

const hintSchema = z.strictObject({
  /** The newest batch of the feed that the listener reads. */
  batchId: z.int().min(1),
  /** The producer's address, on which the paths of its feeds are built. */
  baseURL: z.string().min(1).max(300),
});
export type Hint = Readonly<z.infer<typeof hintSchema>>;

/** @param body at most {@link MAX_HINT_BYTES} @returns the hint, or null for anything else */
export function parseHint(body: Uint8Array): Hint | null {
  let text: string;
  try {
    text = fromUtf8(body);
  } catch {
    return null;
  }
  const json = parseStrictJson(text, { depth: 1, members: 2 });
  if (!json.ok) return null;
  const parsed = hintSchema.safeParse(json.value);
  return parsed.success ? parsed.data : null;
}

/** @returns the body */
export const encodeHint = ({ batchId, baseURL }: Hint): Uint8Array => utf8(JSON.stringify({ batchId, baseURL }));

/** @returns whether two addresses are one: a slash at the end is no other */
export const isSameBase = (one: string, other: string): boolean => withoutSlash(one) === withoutSlash(other);

const withoutSlash = (text: string): string => (text.endsWith('/') ? text.slice(0, -1) : text);

/** @returns whether a hint is news: a number beyond the last batch that was read. Not the next alone, as DP-3T has it: one lost hint would silence all later ones. */
export function isLaterBatch(batch: string, last: string | null): boolean {
  return /^[1-9]\d{0,14}$/.test(batch) && Number(batch) > Number(last ?? 0);
}
