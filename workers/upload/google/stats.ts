/**
 * @module `POST /v1/stats` (docs/spec/google.md §3.12, docs/google-dialect.md): a health authority asks what became of what it certified. One size and one set of headers, whatever is said.
 */
import { randomBytes } from 'node:crypto';
import * as z from 'zod';
import type { ShownStats } from '../../../domain/publish-stats.ts';
import type { StatsRpc } from '../../../domain/rpc-publish.ts';
import { parseStrictJson } from '../../../domain/strict-json.ts';
import { fromUtf8 } from '../../../protocol/primitives/bytes.ts';
import { PUBLISH_API_VERSION } from '../../../protocol/publish/response.ts';
import { verifyStatsToken, writeStatsResponse, type StatsResponse } from '../../../protocol/publish/stats.ts';
import type { BodyResult } from '../../shared/body.ts';
import { levelAnswer, type LevelStatus } from '../../shared/level-answer.ts';
import type { Neighbours } from '../neighbours.ts';

/** Headers that reach this; everything else is gone before. */
export const STATS_HEADERS = ['content-type', 'x-chaff', 'authorization'] as const;

const MEDIA_TYPE = 'application/json';
const JSON_LIMITS = { depth: 1, members: 8 };
const requestSchema = z.strictObject({ padding: z.string().optional() });

/** How it ended. */
export type StatsOutcome =
  | { readonly kind: 'days'; readonly days: readonly ShownStats[] }
  /** Chaff: read and judged as a request is, and nothing more. */
  | { readonly kind: 'chaff' | 'wrong-method' | 'wrong-media-type' | 'too-large' | 'malformed' | 'unauthorized' }
  /** Ours: a neighbour is out of reach, or the deadline came first. */
  | { readonly kind: 'try-later' };

/**
 * @param headers of the request, as far as {@link STATS_HEADERS} lets them through
 * @param body as it was read
 * @param neighbours see {@link Neighbours}; the token is verified here, so that a forged one ends here, and again by `origin`, which doesn't trust us
 * @throws whatever an RPC throws: who asks is told to try later
 */
export async function decideStats(
  headers: Headers,
  body: BodyResult,
  { clock, policy }: Pick<Neighbours, 'clock' | 'policy'>,
  intake: StatsRpc,
): Promise<StatsOutcome> {
  const isChaff = (headers.get('x-chaff') ?? '') !== '';
  const refused = requestRefusal(headers, body);
  const authorization = headers.get('authorization');
  const { authorities } = await policy();
  const authority = await verifyStatsToken(authorization, authorities, await clock());
  if (isChaff) return { kind: 'chaff' };
  if (refused !== null) return refused;
  const days = authority === null ? null : await intake.stats(authorization ?? '');
  return days === null ? { kind: 'unauthorized' } : { kind: 'days', days };
}

function requestRefusal(headers: Headers, body: BodyResult): StatsOutcome | null {
  if (headers.get('content-type')?.startsWith(MEDIA_TYPE) !== true) return { kind: 'wrong-media-type' };
  if (body.kind === 'too-large') return { kind: 'too-large' };
  return body.kind === 'body' && isRequest(body.bytes) ? null : { kind: 'malformed' };
}

function isRequest(bytes: Uint8Array): boolean {
  try {
    const json = parseStrictJson(fromUtf8(bytes), JSON_LIMITS);
    return json.ok && requestSchema.safeParse(json.value).success;
  } catch {
    // Not every byte string is UTF-8.
    return false;
  }
}

const refusal = (
  status: LevelStatus,
  error: string,
  code: 'unauthorized' | 'bad_request' | 'internal_error' = 'bad_request',
): { readonly status: LevelStatus; readonly said: StatsResponse } => ({ status, said: { error, code } });

/** @param outcome see {@link StatsOutcome} @returns the status, and what the answer says */
export function statsSaid(outcome: StatsOutcome): { readonly status: LevelStatus; readonly said: StatsResponse } {
  switch (outcome.kind) {
    case 'days':
      return { status: 200, said: { days: outcome.days } };
    case 'chaff':
      return { status: 200, said: { days: [] } };
    case 'wrong-method':
      return refusal(405, 'only POST is allowed');
    case 'wrong-media-type':
      return refusal(415, 'content-type is not application/json');
    case 'too-large':
      return refusal(413, 'body is larger than 64000 bytes');
    case 'malformed':
      return refusal(400, 'body is not a stats request');
    case 'unauthorized':
      return refusal(401, 'unauthorized', 'unauthorized');
    case 'try-later':
      return refusal(503, 'internal error, try again later', 'internal_error');
  }
}

const HEADERS = { 'content-type': 'application/json', 'x-api-version': PUBLISH_API_VERSION } as const;
const randomBase64 = (characters: number): string => randomBytes((characters / 4) * 3).toString('base64');

/** @param statusLineHasPhrase see level-answer.ts @returns the answer, as long as every other */
export function statsAnswer(outcome: StatsOutcome, statusLineHasPhrase: boolean): Response {
  const { status, said } = statsSaid(outcome);
  return levelAnswer(status, statusLineHasPhrase, HEADERS, writeStatsResponse(said, randomBase64));
}
