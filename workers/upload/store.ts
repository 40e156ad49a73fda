/**
 * @module The retry protocol (docs/architecture.md §4.4): reserve → accept → commit, over RPC that may fail at each arrow.
 *
 * What each crash leaves behind, and who makes up for it:
 * - after `reserve`: the digest holds the TAN. The same digest gets the same reservation again, and with it the same upload
 *   id; another one, once the lease is over, has the id resolved (a tombstone) and takes over. The permit is lost: each
 *   `reserve` makes one for what is uploaded then.
 * - after `accept`: keys are durable, the TAN is reserved. The same digest repeats `accept` (same id: stored) and
 *   commits; another one resolves the id (stored), commits it and is answered as after `commit`.
 * - after `commit`: nobody knows any longer which keys the TAN was used for. Known keys are answered as stored, so the same
 *   upload is, until its keys have had their time, also when the phone has dropped its oldest key or computed its levels
 *   anew since (docs/decisions/031); others are refused.
 * - between `resolve` and `release`: the id is dead; whoever comes next resolves it again, gets the same receipt, releases.
 * A TAN is never committed for an upload that stored nothing, and a tombstone is written before a release, so that an
 * `accept` still under way cannot store under an authorisation that somebody else has taken.
 */
import {
  commitToId,
  commitToPayload,
  originIdOf,
  type CommittedPayload,
  type OriginId,
} from '../../domain/intake-permit.ts';
import { MAX_KEYS_PER_UPLOAD } from '../../domain/keys/limits.ts';
import { regionsOf } from '../../domain/keys/regions.ts';
import {
  publishableKeys,
  recognisableKeys,
  type Publishable,
  type RecognisableKey,
} from '../../domain/keys/validate.ts';
import type { CheckedUpload } from '../../domain/keys/uploaded.ts';
import { packUpload } from '../../domain/packed-upload.ts';
import type { IntakeRpc, RedeemRpc, ReserveReply } from '../../domain/rpc.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import type { Outcome } from './outcome.ts';

/** The neighbours, and the time that the clock rules look at. */
export interface StorePorts {
  readonly redeem: RedeemRpc;
  readonly intake: IntakeRpc;
  /** Unix seconds. */
  readonly now: () => number | Promise<number>;
  /** Countries that the published parameters name; asked only for somebody who names another than the home country. */
  readonly supportedCountries: () => Promise<readonly string[]>;
  /** 32 bytes, held by `upload` alone: leads from the ledger's reservation to `origin`'s upload id. */
  readonly uploadIdKey: Uint8Array;
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

const NONCE_BYTES = 16;

const STORED: Outcome = { kind: 'stored' };
const UNAUTHORISED: Outcome = { kind: 'unauthorised' };
const TRY_LATER: Outcome = { kind: 'try-later' };

/** What one attempt offers to `origin`, and how it is committed to. */
interface Offer extends Publishable {
  /** What an earlier attempt may have stored, for the answer on a used TAN. */
  readonly recognisable: () => readonly RecognisableKey[];
  readonly payload: CommittedPayload;
  readonly payloadNonce: string;
}

/**
 * Stores an upload, at most once, and uses up its TAN if and only if something was stored.
 *
 * @param ports see {@link StorePorts}
 * @param authorised see {@link AuthorisedUpload}
 * @returns how it ended
 * @throws whatever an RPC throws before keys are durable: the TAN is unburned then, and the phone may retry
 */
export async function storeUpload(ports: StorePorts, authorised: AuthorisedUpload): Promise<Outcome> {
  const { redeem, intake, uploadIdKey } = ports;
  const { tan, digest, upload, origin } = authorised;
  const now = await ports.now();
  const publishable = publishableKeys(upload.keys, now);
  const { visitedCountries, consentToFederation } = upload;
  const regions = await regionsOf(visitedCountries, origin, ports.supportedCountries);
  const payload = { keys: publishable.keys, regions, consentToFederation, origin };
  const offer: Offer = {
    ...publishable,
    recognisable: () => recognisableKeys(upload.keys, now),
    payload,
    payloadNonce: toHex(crypto.getRandomValues(new Uint8Array(NONCE_BYTES))),
  };
  const payloadCommitment = commitToPayload(payload, offer.payloadNonce);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const reservationId = crypto.randomUUID();
    const ours = originIdOf(uploadIdKey, reservationId);
    const idCommitment = commitToId(ours);
    const reply = await redeem.reserve(tan, { digest, reservationId, idCommitment, payloadCommitment });
    switch (reply.kind) {
      case 'committed':
        return answerOfUsedTan(intake, offer);
      case 'unknown':
        return UNAUTHORISED;
      case 'busy':
        return TRY_LATER;
      case 'held': {
        const { uploadId, idNonce } = originIdOf(uploadIdKey, reply.reservationId);
        const fate = await intake.resolve(uploadId, idNonce);
        if (fate.kind === 'stored') {
          await redeem.commit(tan, reply.reservationId);
          return answerOfUsedTan(intake, offer);
        }
        await redeem.release(tan, reply.reservationId, fate.receipt);
        break;
      }
      case 'reserved': {
        const id = reply.reservationId === reservationId ? ours : originIdOf(uploadIdKey, reply.reservationId);
        const outcome = await acceptReserved(ports, tan, offer, reply, id);
        if (outcome !== null) return outcome;
        break;
      }
    }
  }
  return TRY_LATER;
}

/**
 * The TAN was used, and nobody remembers for which keys.
 *
 * @returns stored if `origin` knows some of these keys and nothing here can be news: then it is these keys that came, or as good
 */
async function answerOfUsedTan(intake: IntakeRpc, { refused, recognisable }: Offer): Promise<Outcome> {
  if (refused !== null) return refused;
  const asked = recognisable().slice(0, MAX_KEYS_PER_UPLOAD);
  const standings = asked.length === 0 ? [] : await intake.known(asked.map(({ key }) => key));
  const isNews = asked.some(({ mustBeKnown }, n) => mustBeKnown && standings[n] === 'new');
  return !isNews && standings.includes('known') ? STORED : UNAUTHORISED;
}

/** @returns how it ended, or null when the upload id is dead and another must be reserved */
async function acceptReserved(
  { redeem, intake }: StorePorts,
  tan: string,
  offer: Offer,
  { reservationId, issueId, permit }: Extract<ReserveReply, { readonly kind: 'reserved' }>,
  { uploadId, idNonce }: OriginId,
): Promise<Outcome | null> {
  const { keys, dropped, refused, payload, payloadNonce } = offer;
  if (keys.length === 0 || refused !== null) {
    // The rules may have judged otherwise an hour ago, and that attempt may be stored: ask before giving the TAN back.
    const fate = await intake.resolve(uploadId, idNonce);
    if (fate.kind === 'stored') return committed(redeem, tan, reservationId);
    await redeem.release(tan, reservationId, fate.receipt);
    if (refused !== null) return refused;
    const all = Object.values(dropped).reduce((sum, count) => sum + count, 0);
    return dropped['future-start'] === all ? { kind: 'clock-wrong' } : STORED;
  }
  const reply = await intake.accept(uploadId, packUpload({ ...payload, issueId }), {
    ...permit,
    idNonce,
    payloadNonce,
  });
  switch (reply.kind) {
    case 'stored':
      return committed(redeem, tan, reservationId);
    case 'known':
      await attempted(redeem.release(tan, reservationId, reply.receipt));
      return STORED;
    case 'tombstone':
      await redeem.release(tan, reservationId, reply.receipt);
      return null;
    case 'publish-refused': // of the other dialect alone
    case 'refused':
      // Clocks an hour apart, or secrets that were changed in between: nothing the phone did.
      return TRY_LATER;
  }
}

/** The keys are durable: a commit that is lost is made up by the next reserve, so the phone need not hear of it. */
async function committed(redeem: RedeemRpc, tan: string, reservationId: string): Promise<Outcome> {
  await attempted(redeem.commit(tan, reservationId));
  return STORED;
}

async function attempted(call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch {
    // Nothing to add: the state that is left is one of those listed at the top.
  }
}
