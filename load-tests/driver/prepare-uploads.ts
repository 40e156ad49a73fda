/**
 * @module Writes the requests that k6 sends in the upload scenarios: made by the reference phone's own code (phone/), with TANs
 * that verification issued. k6 can't run that code, so the bytes are prepared.
 */
import { randomBytes } from 'node:crypto';
import { writeFileSync } from 'node:fs';
import { dummyRequest, uploadRequest, type UploadRequest } from '../../phone/upload/upload-request.ts';
import { composeTan, TAN_UNPREDICTABLE_BYTES } from '../../domain/tan.ts';
import type { LocalEdge } from '../../local-edge/local-edge.ts';
import { fromBase64 } from '../../protocol/primitives/bytes.ts';
import { SECONDS_PER_DAY } from '../../protocol/gaen/intervals.ts';
import { issueTans } from '../../scripts/support/operator.ts';
import { keysOfOneCase } from './seed.ts';

const random = (length: number): Uint8Array => new Uint8Array(randomBytes(length));
const DUMMIES = 50;
const EXPIRED = 140;

/** As load-tests/scenarios/lib/uploads.ts reads it; `path` is the same for all. */
const prepared = ({ headers, body }: UploadRequest) => ({ headers, body: Buffer.from(body).toString('base64') });

/**
 * TANs as this system made them days ago: their MAC is right, their last day is over.
 *
 * @param macKey base64, of the edge's `verification`
 */
const expiredTans = (macKey: string, today: number): string[] =>
  Array.from({ length: EXPIRED }, (_, i) =>
    composeTan(random(TAN_UNPREDICTABLE_BYTES), today - 2 - (i % 14), fromBase64(macKey)),
  );

/**
 * @param edge whose verification issues the TANs
 * @param count real uploads
 * @param file where the requests are written, JSON
 * @throws Error when the edge isn't reached or a request can't be made
 */
export async function prepareUploads(edge: LocalEdge, count: number, file: string): Promise<void> {
  // These scenarios run on real time, with deployed entry files that have no other.
  const day = Math.floor(Date.now() / 1000 / SECONDS_PER_DAY);
  const tans = await issueTans(edge.url, count);
  const real = tans.map((tan) => {
    const keys = keysOfOneCase(day);
    const request = uploadRequest(
      tan,
      { keys, visitedCountries: ['DE'], consentToFederation: true, submissionType: 0 },
      random,
    );
    if (!request.ok) throw new Error(`load: an upload can't be made: ${request.error.kind}`);
    return prepared(request.value);
  });
  const dummies = Array.from({ length: DUMMIES }, () => prepared(dummyRequest(random)));
  const { TAN_MAC_KEY } = await edge.miniflare.getBindings<{ TAN_MAC_KEY: string }>('exposure-edge-verification');
  const expired = expiredTans(TAN_MAC_KEY, day);
  writeFileSync(file, JSON.stringify({ real, dummies, expired }), { mode: 0o600 });
}
