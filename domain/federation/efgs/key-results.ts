/**
 * @module The body of a 207: places of the sent keys by what became, or would have become, of each (docs/spec/europe.md §3.4).
 */
import * as z from 'zod';
import { GATEWAY_BATCH_LIMIT } from '../../../protocol/efgs/batch.ts';
import { fromUtf8 } from '../../../protocol/primitives/bytes.ts';

const places = z.array(z.int().min(0)).max(GATEWAY_BATCH_LIMIT).default([]);
const schema = z.object({ '201': places, '409': places, '500': places });

export type KeyResults = z.infer<typeof schema>;

/** @param body as it came @param count of keys that were sent @returns the places, or null when they aren't those of the keys */
export function keyResults(body: Uint8Array, count: number): KeyResults | null {
  let results: KeyResults | undefined;
  try {
    results = schema.safeParse(JSON.parse(fromUtf8(body))).data;
  } catch {
    return null;
  }
  if (results === undefined) return null;
  const all = [...results[201], ...results[409], ...results[500]];
  // None twice, none that wasn't sent, and not nothing: then it would say that all was well.
  const sound = new Set(all).size === all.length && all.every((place) => place < count);
  return sound && results[409].length + results[500].length > 0 ? results : null;
}
