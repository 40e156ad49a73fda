/** @module For tests of the ledger: a reservation as `upload` asks for it, each under an id of its own. */
import { commitToId, deathReceipt, originIdOf, type OriginId } from '../../domain/intake-permit.ts';
import type { ReserveRequest } from '../../domain/rpc.ts';
import { fromBase64 } from '../../protocol/primitives/bytes.ts';

/** Stands for `upload`'s secret where there is no `upload`. */
const UPLOAD_ID_KEY = new Uint8Array(32).fill(7);

/** @param reservationId of the ledger @returns the id that `origin` would see */
const originId = (reservationId: string): OriginId => originIdOf(UPLOAD_ID_KEY, reservationId);

/** @param digest 64 hex digits @param uploadIdKey of a real `upload`, if there is one @returns what `upload` asks for */
export function reserveRequest(digest = 'ab'.repeat(32), uploadIdKey: Uint8Array = UPLOAD_ID_KEY): ReserveRequest {
  const reservationId = crypto.randomUUID();
  const idCommitment = commitToId(originIdOf(uploadIdKey, reservationId));
  return { digest, reservationId, idCommitment, payloadCommitment: 'cd'.repeat(32) };
}

/** @param permitKey base64, as the Workers have it @returns `origin`'s word that the upload of a reservation is dead */
export function deathOf(permitKey: string, reservationId: string): string {
  return deathReceipt(fromBase64(permitKey), commitToId(originId(reservationId)));
}
