/**
 * @module The retry protocol (docs/architecture.md §4.4): reserve → accept → commit, over RPC that may fail at each arrow.
 *
 * What each crash leaves behind, and who makes up for it:
 * - after `reserve`: the digest holds the TAN. The same digest gets the same upload id again; another one, once the lease
 *   is over, has the id resolved (a tombstone) and takes over.
 * - after `accept`: keys are durable, the TAN is reserved. The same digest repeats `accept` (same id: stored) and
 *   commits; another one resolves the id (stored), commits it and is refused.
 * - after `commit`: the same digest is answered as stored, another one is refused.
 * - between `resolve` and `release`: the id is dead; whoever comes next resolves it again and releases.
 * A TAN is never committed for an upload that stored nothing, and a tombstone is written before a release, so that an
 * `accept` still under way cannot store under an authorisation that somebody else has taken.
 */
import { publishableKeys } from '../../domain/keys/validate.ts';
import type { CheckedUpload } from '../../domain/keys/uploaded.ts';
import type { IntakeRpc, RedeemRpc } from '../../domain/rpc.ts';
import type { Outcome } from './outcome.ts';

/** The neighbours, and the time that the clock rules look at. */
export interface StorePorts {
  readonly redeem: RedeemRpc;
  readonly intake: IntakeRpc;
  /** Unix seconds. */
  readonly now: () => number | Promise<number>;
}

/** An upload that passed every rule without a clock, and its authorisation. */
export interface AuthorisedUpload {
  /** Canonical spelling, MAC checked. */
  readonly tan: string;
  /** 32 bytes in lowercase hex. */
  readonly digest: string;
  readonly upload: CheckedUpload;
  /** ISO 3166-1 alpha-2. */
  readonly origin: string;
}

/** reserve, lose the id to a tombstone, reserve anew, once more: beyond that somebody is racing, and the phone retries. */
const MAX_ROUNDS = 4;

const STORED: Outcome = { kind: 'stored' };
const UNAUTHORISED: Outcome = { kind: 'unauthorised' };
const TRY_LATER: Outcome = { kind: 'try-later' };

/**
 * Stores an upload, at most once, and uses up its TAN if and only if something was stored.
 *
 * @param ports see {@link StorePorts}
 * @param authorised see {@link AuthorisedUpload}
 * @returns how it ended
 * @throws whatever an RPC throws before keys are durable: the TAN is unburned then, and the phone may retry
 */
export async function storeUpload(ports: StorePorts, authorised: AuthorisedUpload): Promise<Outcome> {
  const { redeem, intake } = ports;
  const { tan, digest } = authorised;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const reservation = await redeem.reserve(tan, digest);
    switch (reservation.kind) {
      case 'committed':
        return STORED;
      case 'used':
      case 'unknown':
        return UNAUTHORISED;
      case 'busy':
        return TRY_LATER;
      case 'held': {
        if ((await intake.resolve(reservation.uploadId)).kind === 'stored') {
          await redeem.commit(tan, reservation.uploadId);
          return UNAUTHORISED;
        }
        await redeem.release(tan, reservation.uploadId);
        break;
      }
      case 'reserved': {
        const outcome = await acceptReserved(ports, authorised, reservation.uploadId, reservation.codeBatchId);
        if (outcome !== null) return outcome;
        break;
      }
    }
  }
  return TRY_LATER;
}

/** @returns how it ended, or null when the upload id is dead and another must be reserved */
async function acceptReserved(
  ports: StorePorts,
  authorised: AuthorisedUpload,
  uploadId: string,
  codeBatchId: string | null,
): Promise<Outcome | null> {
  const { redeem, intake, now } = ports;
  const { tan, upload, origin } = authorised;
  const { keys, dropped } = publishableKeys(upload.keys, await now());
  if (keys.length === 0) {
    // The rules may have let more through an hour ago, and that attempt may be stored: ask before giving the TAN back.
    if ((await intake.resolve(uploadId)).kind === 'stored') return committed(redeem, tan, uploadId);
    await redeem.release(tan, uploadId);
    return dropped['future-start'] === upload.keys.length ? { kind: 'clock-wrong' } : STORED;
  }
  const { regions, consentToFederation } = upload;
  const reply = await intake.accept(uploadId, { keys, regions, consentToFederation, origin, codeBatchId });
  switch (reply.kind) {
    case 'stored':
      return committed(redeem, tan, uploadId);
    case 'known':
      await attempted(redeem.release(tan, uploadId));
      return STORED;
    case 'tombstone':
      await redeem.release(tan, uploadId);
      return null;
  }
}

/** The keys are durable: a commit that is lost is made up by the next reserve, so the phone need not hear of it. */
async function committed(redeem: RedeemRpc, tan: string, uploadId: string): Promise<Outcome> {
  await attempted(redeem.commit(tan, uploadId));
  return STORED;
}

async function attempted(call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch {
    // Nothing to add: the state that is left is one of those listed at the top.
  }
}
