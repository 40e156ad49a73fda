/**
 * @module The retry protocol of both dialects (docs/architecture.md §4.4): reserve → accept → commit, over RPC that may fail at each arrow. What authorises
 * an upload is a TAN or a certificate; a certificate is put into the ledger by its first `reserveCertificate`, and goes on as a TAN does.
 *
 * What each crash leaves behind, and who makes up for it:
 * - after `reserve`: the digest holds the TAN. The same digest gets the same reservation again, and with it the same upload
 *   id; another one, once the lease is over, has the id resolved (a tombstone) and takes over. The permit is lost: each
 *   `reserve` makes one for what is uploaded then.
 * - after `accept`: keys are durable, the TAN is reserved. The same digest repeats `accept` (same id: stored) and
 *   commits; another one resolves the id (stored), commits it and is answered as after `commit`.
 * - after `commit` of a TAN: nobody knows any longer which keys it was used for. Known keys are answered as stored, so the same
 *   upload is, until its keys have had their time, also when the phone has dropped its oldest key or computed its levels
 *   anew since (docs/decisions/031); others are refused. Of a certificate: its row leads to its upload, and `origin` tells what it
 *   answered (`replayed`), until the certificate has expired; another set of keys doesn't come as far as this (docs/decisions/062).
 * - between `resolve` and `release`, and between an `accept` that says known, refused or tombstone and its `release`: the id is dead;
 *   whoever comes next is told so again, gets the same receipt, releases.
 * Nothing is committed for an upload that stored nothing, and a tombstone is written before a release, so that an
 * `accept` still under way cannot store under an authorisation that somebody else has taken.
 */
import { commitToId, commitToPayload, originIdOf, originIdUnder, type OriginId } from '../../domain/intake-permit.ts';
import type { AcceptedKey } from '../../domain/keys/uploaded.ts';
import type { UploadDigests } from '../../domain/keys/digest.ts';
import { packUpload } from '../../domain/packed-upload.ts';
import type { Published, PublishPart, PublishRefusal } from '../../domain/rpc-publish.ts';
import type { IntakeRpc, RedeemRpc, ReserveReply, ReserveRequest } from '../../domain/rpc.ts';
import { toHex } from '../../protocol/primitives/bytes.ts';
import type { KeyRing } from '../../protocol/primitives/key-ring.ts';

/** The neighbours. */
export interface StorePorts {
  readonly redeem: RedeemRpc;
  readonly intake: IntakeRpc;
  /** Held by `upload` alone: lead from the ledger's reservation to `origin`'s upload id. */
  readonly uploadIdKeys: KeyRing;
}

/** What authorises an upload, once. */
type Authorisation =
  /** Canonical spelling, MAC checked. */
  | { readonly kind: 'tan'; readonly tan: string }
  /** Verified, and for these keys: what `verification` is shown, what it calls it from then on, and what goes with the keys. */
  | { readonly kind: 'certificate'; readonly jwt: string; readonly name: string; readonly publish: PublishPart };

/** An upload of either dialect that passed its rules, and its authorisation. */
export interface AuthorisedUpload extends UploadDigests {
  readonly authorisation: Authorisation;
  /** What is left to publish; perhaps nothing. */
  readonly keys: readonly AcceptedKey[];
  /** ISO 3166-1 alpha-2, sorted, unique, the home country included. */
  readonly regions: readonly string[];
  readonly consentToFederation: boolean;
  /** ISO 3166-1 alpha-2. */
  readonly origin: string;
}

/** How it ended. */
export type Stored =
  /** The keys are durable, now or since an earlier attempt. What a certificate's upload is answered, the same each time; null where it isn't remembered, and for TANs. */
  | { readonly kind: 'stored'; readonly publish: Published | null }
  /** Every key was known before: a TAN stays unused. */
  | { readonly kind: 'known' }
  /** No key is left to publish, and none was stored before: what authorises stays unused. */
  | { readonly kind: 'nothing-left' }
  /** The TAN was used, and nobody remembers for which keys. */
  | { readonly kind: 'used' }
  /** `origin` refuses what the certificate asks for keys that it knows; the certificate stays unused. */
  | { readonly kind: 'publish-refused'; readonly code: PublishRefusal }
  /** `verification` doesn't take it. */
  | { readonly kind: 'unauthorised' }
  /** Another upload holds it, or clocks are an hour apart. */
  | { readonly kind: 'try-later' };

/** reserve, lose the id to a tombstone, reserve anew, once more: beyond that somebody is racing, and the phone retries. */
const MAX_ROUNDS = 4;

const NONCE_BYTES = 16;

/** What one attempt offers to `origin`, and how it is committed to. */
interface Offer extends AuthorisedUpload {
  readonly payloadNonce: string;
}

/**
 * Stores an upload, at most once, and uses up what authorises it if and only if something was stored.
 *
 * @param ports see {@link StorePorts}
 * @param upload see {@link AuthorisedUpload}
 * @returns how it ended
 * @throws whatever an RPC throws before keys are durable: the authorisation is unused then, and the phone may retry
 */
export async function storeUpload(ports: StorePorts, upload: AuthorisedUpload): Promise<Stored> {
  const { redeem, intake, uploadIdKeys } = ports;
  const { authorisation, digest, otherDigests } = upload;
  const name = nameOf(authorisation);
  const offer: Offer = { ...upload, payloadNonce: toHex(crypto.getRandomValues(new Uint8Array(NONCE_BYTES))) };
  const payloadCommitment = commitToPayload(upload, offer.payloadNonce);
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const reservationId = crypto.randomUUID();
    const ours = originIdOf(uploadIdKeys.current, reservationId);
    const idCommitment = commitToId(ours);
    const digests = otherDigests === undefined ? { digest } : { digest, otherDigests };
    const request = { ...digests, reservationId, idCommitment, payloadCommitment };
    const reply = await reserve(redeem, authorisation, request);
    switch (reply.kind) {
      case 'committed':
        return reply.reservationId === null ? { kind: 'used' } : replayed(ports, reply.reservationId);
      case 'unknown':
        return { kind: 'unauthorised' };
      case 'busy':
        return { kind: 'try-later' };
      case 'held': {
        const { uploadId, idNonce } = originIdUnder(uploadIdKeys, reply.reservationId, reply.idCommitment);
        const fate = await intake.resolve(uploadId, idNonce);
        if (fate.kind === 'stored') {
          await redeem.commit(name, reply.reservationId);
          return authorisation.kind === 'tan' ? { kind: 'used' } : replayed(ports, reply.reservationId);
        }
        await redeem.release(name, reply.reservationId, fate.receipt);
        break;
      }
      case 'reserved': {
        const isOurs = reply.reservationId === reservationId;
        const id = isOurs ? ours : originIdUnder(uploadIdKeys, reply.reservationId, reply.idCommitment);
        const stored = await acceptReserved(ports, offer, reply, id);
        if (stored !== null) return stored;
        break;
      }
    }
  }
  return { kind: 'try-later' };
}

/** What `commit` and `release` call it. */
const nameOf = (authorisation: Authorisation): string =>
  authorisation.kind === 'tan' ? authorisation.tan : authorisation.name;

const reserve = (redeem: RedeemRpc, authorisation: Authorisation, request: ReserveRequest): Promise<ReserveReply> =>
  authorisation.kind === 'tan'
    ? redeem.reserve(authorisation.tan, request)
    : redeem.reserveCertificate(authorisation.jwt, request);

/**
 * A certificate is for one set of keys, and these are they: what was stored then is stored, and answered as then. The ledger has forgotten by then which
 * id was committed to, so an id is tried for each key: 128 bits, of which no other upload has the same.
 */
async function replayed({ intake, uploadIdKeys }: StorePorts, reservationId: string): Promise<Stored> {
  for (const key of uploadIdKeys.all) {
    const { uploadId, idNonce } = originIdOf(key, reservationId);
    const publish = await intake.replayed(uploadId, idNonce);
    if (publish !== null) return { kind: 'stored', publish };
  }
  return { kind: 'stored', publish: null };
}

/** @returns how it ended, or null when the upload id is dead and another must be reserved */
async function acceptReserved(
  ports: StorePorts,
  { authorisation, keys, regions, consentToFederation, origin, payloadNonce }: Offer,
  { reservationId, issueId, permit }: Extract<ReserveReply, { readonly kind: 'reserved' }>,
  { uploadId, idNonce }: OriginId,
): Promise<Stored | null> {
  const { redeem, intake } = ports;
  const name = nameOf(authorisation);
  if (keys.length === 0) {
    // The rules may have judged otherwise an hour ago, and that attempt may be stored: ask before giving back what authorised it.
    const fate = await intake.resolve(uploadId, idNonce);
    if (fate.kind === 'stored') {
      await committed(redeem, name, reservationId);
      return authorisation.kind === 'tan' ? { kind: 'stored', publish: null } : replayed(ports, reservationId);
    }
    await redeem.release(name, reservationId, fate.receipt);
    return { kind: 'nothing-left' };
  }
  const reply = await intake.accept(
    uploadId,
    packUpload({ keys, regions, consentToFederation, origin, issueId }),
    { ...permit, idNonce, payloadNonce },
    ...(authorisation.kind === 'tan' ? [] : [authorisation.publish]),
  );
  switch (reply.kind) {
    case 'stored':
      await committed(redeem, name, reservationId);
      return { kind: 'stored', publish: reply.publish ?? null };
    case 'known':
      await attempted(redeem.release(name, reservationId, reply.receipt));
      return { kind: 'known' };
    case 'publish-refused':
      await attempted(redeem.release(name, reservationId, reply.receipt));
      return { kind: 'publish-refused', code: reply.code };
    case 'tombstone':
      await redeem.release(name, reservationId, reply.receipt);
      return null;
    case 'refused':
      // Clocks an hour apart, or secrets that were changed in between: nothing the phone did.
      return { kind: 'try-later' };
  }
}

/** The keys are durable: a commit that is lost is made up by the next reserve, so the phone need not hear of it. */
const committed = (redeem: RedeemRpc, name: string, reservationId: string): Promise<void> =>
  attempted(redeem.commit(name, reservationId));

async function attempted(call: Promise<void>): Promise<void> {
  try {
    await call;
  } catch {
    // Nothing to add: the state that is left is one of those listed at the top.
  }
}
