/**
 * @module How a person takes back keys that they shared (docs/decisions/042). The phone draws a secret a key and sends its hash
 * with the upload; who knows the secret afterwards can open the hash, and nobody else can. Hashes of one person's keys have
 * nothing in common.
 */
import protobuf from 'protobufjs/minimal.js';
import { withdrawal } from './generated/withdrawal.js';
import { utf8 } from './primitives/bytes.ts';
import { sha256 } from './primitives/hash.ts';
import { decodeMessage, optional } from './primitives/protobuf-read.ts';
import { type Result, err, ok } from './primitives/result.ts';

/** Where openings and dummies go. */
export const WITHDRAWAL_PATH = '/v1/withdrawal';
/** 128 bits: nobody finds a secret for a hash, and it fills one block of the cipher that it lies under. */
export const WITHDRAWAL_HASH_BYTES = 16;
/** Bytes of a secret. */
export const WITHDRAWAL_SECRET_BYTES = 32;
/** Openings of one request: as many keys as an upload may have. */
export const MOST_OPENINGS = 30;

const LABEL = utf8('exposure-edge/withdrawal/v1\0');
const KEY_BYTES = 16;
const OPENINGS_FIELD = 1;

/** What opens the hash of a key: that very key, and the secret that was drawn for it. */
export interface Opening {
  /** 16 bytes. */
  readonly keyData: Uint8Array;
  /** {@link WITHDRAWAL_SECRET_BYTES} */
  readonly secret: Uint8Array;
}

/** @param value of any shape @returns whether it is an {@link Opening} */
export function isOpening(value: unknown): value is Opening {
  if (typeof value !== 'object' || value === null) return false;
  const { keyData, secret } = value as Record<string, unknown>;
  return (
    keyData instanceof Uint8Array &&
    keyData.length === KEY_BYTES &&
    secret instanceof Uint8Array &&
    secret.length === WITHDRAWAL_SECRET_BYTES
  );
}

/** What a request says: openings, or nothing, as a dummy does. */
export interface Withdrawal {
  /** 0..{@link MOST_OPENINGS}, none for a dummy. */
  readonly openings: readonly Opening[];
  /** True for a dummy. */
  readonly cover: boolean;
}

/**
 * @param opening see {@link Opening}
 * @returns {@link WITHDRAWAL_HASH_BYTES} that an upload carries beside the key
 */
export function withdrawalHash({ keyData, secret }: Opening): Uint8Array {
  return sha256(LABEL, keyData, secret).subarray(0, WITHDRAWAL_HASH_BYTES);
}

/**
 * @param value what came with a key, of any shape
 * @returns the hash, or null for what is none: such a key can't be taken back by its owner
 */
export function asWithdrawalHash(value: unknown): Uint8Array | null {
  return value instanceof Uint8Array && value.length === WITHDRAWAL_HASH_BYTES ? value : null;
}

/**
 * @param message see {@link Withdrawal}
 * @param padding any bytes, null for none
 * @returns the body
 */
export function encodeWithdrawal({ openings, cover }: Withdrawal, padding: Uint8Array | null): Uint8Array {
  const message = { openings: [...openings], requestPadding: padding, cover: cover ? true : null };
  return Uint8Array.from(withdrawal.Withdrawal.encode(message).finish());
}

/**
 * @param bytes body of the request, already cut to its limit
 * @returns what it says; `malformed` for bytes that are not this message, an opening of another length, too many of them,
 *   and a request that is neither a dummy nor has an opening, or both
 */
export function decodeWithdrawal(bytes: Uint8Array): Result<Withdrawal, 'malformed'> {
  const message = hasFewOpenings(bytes) ? decodeMessage(withdrawal.Withdrawal, bytes) : null;
  if (message === null) return err('malformed');
  const openings: Opening[] = [];
  for (const opening of message.openings) {
    const one = { keyData: optional(opening, 'keyData'), secret: optional(opening, 'secret') };
    if (!isOpening(one)) return err('malformed');
    // Copies, so that they don't keep the whole request in memory.
    openings.push({ keyData: new Uint8Array(one.keyData), secret: new Uint8Array(one.secret) });
  }
  const cover = optional(message, 'cover') === true;
  return cover === openings.length > 0 ? err('malformed') : ok({ openings, cover });
}

/** An opening costs two bytes on the wire and some hundred in memory, so they are counted before they are read. */
function hasFewOpenings(bytes: Uint8Array): boolean {
  const reader = protobuf.Reader.create(bytes);
  let count = 0;
  try {
    while (reader.pos < reader.len) {
      const tag = reader.uint32();
      if (tag >>> 3 === OPENINGS_FIELD && (count += 1) > MOST_OPENINGS) return false;
      reader.skipType(tag & 7, 0, tag >>> 3);
    }
  } catch {
    return false;
  }
  return true;
}
