/**
 * @module Decoys: synthetic uploads that fill a chunk when the maximum hold is over (docs/architecture.md §5.3). They have
 * the shape of what this deployment received, mixed with the published profile (docs/decoy-profile.md), and what is left of
 * one is what would be left of a real upload that came in the same hour.
 */
import { INTERVALS_PER_DAY, SECONDS_PER_DAY, hourEnd, hourStart } from '../protocol/gaen/intervals.ts';
import type { TemporaryExposureKey } from '../protocol/gaen/keys.ts';
import { SHAPE_DAYS, drawProfileRest, drawProfileShape, type Shape } from './decoy-profile.ts';
import type { PlannedDecoy } from './decoy-plan.ts';
import { releaseHour, retentionEnd } from './embargo.ts';
import { encodeRiskLevel } from './keys/risk.ts';
import { below, type RandomBytes } from './random.ts';
import { drawReceivedRest, drawReceivedShape, suffice, type Received } from './received.ts';

/** Of so many decoys one has the profile's shape even where enough was received: a value that is new here isn't real only. */
const PROFILE_SHARE = 10;

export interface DecoyRequest extends PlannedDecoy {
  /** The hour that is sealed, `asOf` or later: what ages out before it is left out, as of real keys. */
  readonly sealed: number;
  /** Days a key lives after its end. */
  readonly retentionDays: number;
  readonly received: Received;
}

/**
 * Draws one synthetic upload in published form.
 *
 * @param random source of randomness
 * @param request see {@link DecoyRequest}
 * @returns 1..15 keys, a day each, in no order that means anything; one of the day before where only a rest is asked for
 */
export function drawDecoy(random: RandomBytes, request: DecoyRequest): TemporaryExposureKey[] {
  for (;;) {
    const shape = request.rest ? restShape(random, request.received) : wholeShape(random, request.received);
    const keys = keysOf(random, shape, request);
    // A decoy that keeps the chain of days up needs a key for the next one.
    if (keys.length > 0 && (!request.leavesRest || shape[0]! > 0)) return keys;
  }
}

const byProfile = (random: RandomBytes, received: Received): boolean =>
  !suffice(received) || below(random, PROFILE_SHARE) === 0;

function wholeShape(random: RandomBytes, received: Received): Shape {
  return byProfile(random, received) ? drawProfileShape(random) : drawReceivedShape(random, received);
}

function restShape(random: RandomBytes, received: Received): Shape {
  const shape = new Uint8Array(SHAPE_DAYS);
  const level = byProfile(random, received) ? null : drawReceivedRest(random, received);
  shape[1] = level ?? drawProfileRest(random);
  return shape;
}

function keysOf(
  random: RandomBytes,
  shape: Shape,
  { asOf, sealed, retentionDays, isLast = false }: DecoyRequest,
): TemporaryExposureKey[] {
  const today = Math.floor(hourStart(asOf) / SECONDS_PER_DAY);
  const keys: TemporaryExposureKey[] = [];
  for (const [age, level] of shape.entries()) {
    if (level === 0) continue;
    const day = { rollingStartIntervalNumber: (today - age) * INTERVALS_PER_DAY, rollingPeriod: INTERVALS_PER_DAY };
    if (retentionEnd(day, retentionDays) <= hourEnd(sealed)) continue;
    if (isLast && releaseHour(day) > sealed) continue;
    keys.push({ keyData: random(16), transmissionRiskLevel: level, ...day, ...encodeRiskLevel(level) });
  }
  return keys;
}
