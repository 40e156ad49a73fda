/** @module What `verification` and its code store say to each other. Texts that people or phones hold come as keyed hashes (domain/verification-codes.ts, `concealed`) and are hashed once more here. */
import type { CodeStatus, CodeTestType } from '../../domain/rpc-codes.ts';
import type { CertificateHead } from '../../protocol/publish/issued-certificate.ts';

/** What of an order is a keyed hash: under another key of the ring (docs/rotation.md), by which an earlier order may be known. */
export type OrderNames = Pick<CodeOrder, 'fields' | 'external' | 'short' | 'long' | 'phone'>;

/** A code to issue. */
export interface CodeOrder {
  /** Under each other key of a ring; left out: there is none. */
  readonly others?: readonly OrderNames[];
  /** Lower case. */
  readonly uuid: string;
  readonly testType: CodeTestType;
  /** UTC days since the Unix epoch. */
  readonly symptomDay: number | null;
  readonly testDay: number | null;
  /** Keyed hash of all that was asked: the same uuid with other fields is another order. */
  readonly fields: Uint8Array;
  /** Keyed hash of whom the issuer issues for. */
  readonly external: Uint8Array | null;
  readonly seed: Uint8Array;
  readonly digits: number;
  /** Keyed hashes of the codes; null: no long one is wanted. */
  readonly short: Uint8Array;
  readonly long: Uint8Array | null;
  /** Seconds that the long code lives. */
  readonly longSeconds: number;
  /** Of a user report: what the device will show with the code, and the phone number that gets it. */
  readonly nonce: Uint8Array | null;
  readonly phone: Uint8Array | null;
}

/** issued: now, or before by the same order; the code follows from seed and digits. collided: it is another one that counts; draw a new one. */
export type OrderReply =
  | {
      readonly kind: 'issued';
      readonly seed: Uint8Array;
      readonly digits: number;
      readonly expiresAt: number;
      readonly longExpiresAt: number | null;
    }
  | { readonly kind: 'taken' | 'quota' | 'phone-known' | 'collided' };

/** What an app shows to get a token. */
export interface Claim {
  /** Under each other key of a ring; left out: there is none. */
  readonly others?: readonly Pick<Claim, 'apiKeyId' | 'code' | 'nonce'>[];
  readonly apiKeyId: string;
  readonly code: Uint8Array;
  readonly nonce: Uint8Array | null;
  readonly accepted: readonly CodeTestType[];
}

/** granted: `handle`, 16 bytes, names the token. unauthorized: the API key was revoked. */
export type ClaimReply =
  | {
      readonly kind: 'granted';
      readonly handle: Uint8Array;
      readonly testType: CodeTestType;
      readonly symptomDay: number | null;
      readonly testDay: number | null;
    }
  | { readonly kind: 'unauthorized' | 'invalid' | 'expired' | 'unsupported' };

/** What an app shows to get a certificate. */
export interface CertificateOrder {
  /** Under each other key of a ring; left out: there is none. */
  readonly others?: readonly Pick<CertificateOrder, 'apiKeyId' | 'mac'>[];
  readonly apiKeyId: string;
  readonly handle: Uint8Array;
  /** Keyed hash of the MAC over the keys. */
  readonly mac: Uint8Array;
  /** The MAC as it was sent, for the claims; not kept. */
  readonly tekmac: string;
  readonly head: CertificateHead;
}

export type CertificateReply =
  | { readonly kind: 'certified'; readonly signingInput: string }
  | { readonly kind: 'unauthorized' | 'expired' };

/** Whom a certificate of ours goes back to, for a rollback; null: it isn't ours, or its time is over. */
export type CertificateSource = { readonly issueId: string; readonly isOver: boolean } | null;

export type ExpireReply = CodeStatus | 'claimed' | null;
